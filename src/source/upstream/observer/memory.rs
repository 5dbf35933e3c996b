//! The releases that a passing page could be of.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::html::page_assets::Elements;
use crate::html::page_assets::Likeness;
use crate::html::page_assets::Print;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::fingerprint::Pages;
use crate::source::upstream::observer::Passing;
use crate::source::upstream::observer::Stamp;
use crate::source::upstream::observer::now;

/// A release that was published, and what its pages show.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) release: Arc<Release>,
    pub(crate) pages: Arc<Pages>,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    current: Option<Known>,
    /// Those that were current before, newest first.
    recent: Vec<Known>,
    /// What could be a release soon, newest first.
    pending: VecDeque<Pending>,
    /// A page off the entry turned out to be no other build of it.
    shape_misled: bool,
}

/// A release of which a page has passed, and that nobody has published yet.
#[derive(Debug)]
struct Pending {
    id: ReleaseId,
    built: u64,
    pages: Pages,
    since: Instant,
    evidence: Evidence,
    fate: Fate,
}

/// Why a page is taken for another build of the entry page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// It came from there, or says itself what it is.
    Place,
    /// It only looks like one.
    Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    /// An upstream answers with it.
    Confirmed,
    /// No upstream does: it is another page of the same build, or one for whoever is logged in.
    Refuted,
}

impl Memory {
    pub(crate) fn current(&self) -> Option<&Known> {
        self.current.as_ref()
    }

    fn published(&self) -> impl Iterator<Item = &Known> {
        self.current.iter().chain(&self.recent)
    }

    /// The release with this id, published or not.
    pub(crate) fn stamp_of(&self, id: &ReleaseId) -> Option<Stamp> {
        let published = self.published().map(|known| &known.release);
        let published = published.map(|release| (release.id(), release.built()));
        let pending = self
            .pending
            .iter()
            .map(|pending| (&pending.id, pending.built));
        let mut all = published.chain(pending);
        let (id, built) = all.find(|(known, _)| *known == id)?;
        Some((id.clone(), built))
    }

    /// The release with a page that begins like that, if there is one and no other. What all its builds have in common
    /// tells nothing, and a page elsewhere on the site has something that none of them has.
    pub(crate) fn with_beginning(&self, start: &Elements) -> Option<Stamp> {
        let published = self.published().map(|known| {
            let release = &known.release;
            (release.id(), release.built(), &*known.pages)
        });
        let pending = self
            .open()
            .map(|pending| (&pending.id, pending.built, &pending.pages));
        let all = published.chain(pending);
        let mut fitting = all.filter(|(_, _, pages)| pages.may_begin(start));
        let (id, built, _) = fitting.next()?;
        fitting.next().is_none().then(|| (id.clone(), built))
    }

    /// The release with this whole page.
    ///
    /// Of several with the same page it is the one that was current when the page was asked for, or else the oldest: a
    /// page is never said to be newer than it is.
    pub(crate) fn with_page(
        &mut self,
        page: &Print,
        passing: Passing<'_>,
        entries: &[Arc<str>],
    ) -> Option<Stamp> {
        let is_of = |known: &&Known| known.pages.likeness_of(page) == Likeness::Same;
        let fitting = || self.published().filter(is_of).map(|known| &known.release);
        let current = fitting().find(|release| Some(release.id()) == passing.current);
        if let Some(release) = current.or_else(|| fitting().last()) {
            return Some((release.id().clone(), release.built()));
        }
        let same = |pending: &&Pending| pending.pages.likeness_of(page) == Likeness::Same;
        if let Some(pending) = self.pending.iter().find(same) {
            let is_open = pending.fate != Fate::Refuted;
            return is_open.then(|| (pending.id.clone(), pending.built));
        }
        let (pages, evidence) = match passing.current {
            Some(_) => self.another_build(page, passing.path)?,
            None => (first_build(page, passing.path, entries)?, Evidence::Place),
        };
        let stamp = self.remember(pages, passing.built, now(), evidence);
        Some(stamp)
    }

    /// The release that calls itself so, from now on.
    pub(crate) fn await_release(&mut self, pages: Pages, built: u64, now: Instant) -> Stamp {
        self.remember(pages, built, now, Evidence::Place)
    }

    /// The release that would have this page, if it is another build of the entry page.
    ///
    /// Its id is known only where there is one entry page. With several it would take all of the other build's: then
    /// a page that nobody has published is taken to be of the current release, as it was before.
    fn another_build(&self, page: &Print, path: &str) -> Option<(Pages, Evidence)> {
        let (entry, print) = self.current()?.pages.only()?;
        if print.likeness(page) < Likeness::ButQueries {
            return None;
        }
        let evidence = if **entry == *path {
            Evidence::Place
        } else if !self.shape_misled && page.elements().has_shape_of(print.elements()) {
            Evidence::Shape
        } else {
            return None;
        };
        let page = print.another(page.elements().clone());
        Some((Pages::Prints(vec![(Arc::clone(entry), page)]), evidence))
    }

    fn remember(&mut self, pages: Pages, built: u64, now: Instant, evidence: Evidence) -> Stamp {
        let id = pages.id();
        self.pending.push_front(Pending {
            id: id.clone(),
            built,
            pages,
            since: now,
            evidence,
            fate: Fate::Open,
        });
        self.pending.truncate(MOST_PENDING);
        (id, built)
    }

    fn open(&self) -> impl Iterator<Item = &Pending> {
        let pending = self.pending.iter();
        pending.filter(|pending| pending.fate != Fate::Refuted)
    }

    /// Takes over what is known; true if another release is current now.
    pub(crate) fn learn(&mut self, current: Option<Known>, recent: Vec<Known>) -> bool {
        let id = |known: &Option<Known>| Some(known.as_ref()?.release.id().clone());
        let is_another = id(&current) != id(&self.current);
        (self.current, self.recent) = (current, recent);
        let known: Vec<_> = self
            .published()
            .map(|known| known.release.id().clone())
            .collect();
        self.pending.retain(|pending| !known.contains(&pending.id));
        is_another
    }

    /// What the upstreams show decides what becomes of the rest.
    pub(crate) fn shown<'a>(&mut self, shown: impl Iterator<Item = &'a Pages>, now: Instant) {
        let shown: Vec<&Pages> = shown.collect();
        if shown.is_empty() {
            return;
        }
        for pending in &mut self.pending {
            let is_shown = |pages: &&Pages| pending.pages.likeness(pages) == Likeness::Same;
            if shown.iter().any(is_shown) {
                pending.fate = Fate::Confirmed;
            } else if pending.fate == Fate::Open && now > pending.since + OPEN_FOR {
                pending.fate = Fate::Refuted;
                self.shape_misled |= pending.evidence == Evidence::Shape;
            }
        }
    }
}

/// The release that has this page, if that is the only entry page, and nothing is known yet.
fn first_build(page: &Print, path: &str, entries: &[Arc<str>]) -> Option<Pages> {
    match entries {
        [entry] if **entry == *path => Some(Pages::Prints(vec![(Arc::clone(entry), page.clone())])),
        _ => None,
    }
}

// Behind a balancer a look may take some turns to meet the one upstream that has the new build.
const OPEN_FOR: Duration = Duration::from_secs(60);

// One build is rolled out at a time; a few more for pages that turn out to be something else.
const MOST_PENDING: usize = 16;
