//! The releases that a page could belong to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::html::page_assets::Difference;
use crate::html::page_assets::PageAssets;
use crate::html::page_assets::PageFingerprint;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::site::observer::ObservedPage;
use crate::site::observer::PageRelease;

/// The releases that a page could belong to: published ones, and those of which only pages have been seen.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    current: Option<KnownRelease>,
    /// Those that were current before, newest first.
    recent: Vec<KnownRelease>,
    /// Those that are not published, newest first.
    unpublished: VecDeque<UnpublishedRelease>,
    /// A page that was matched by its file names alone turned out to be no other build of the entry page.
    file_names_misled: bool,
}

/// A release that was published, with its fingerprint.
#[derive(Debug, Clone)]
pub(crate) struct KnownRelease {
    pub(crate) release: Arc<Release>,
    pub(crate) fingerprint: Arc<ReleaseFingerprint>,
}

/// A release of which a page has passed through, and which is not published.
#[derive(Debug)]
struct UnpublishedRelease {
    id: ReleaseId,
    built: u64,
    fingerprint: ReleaseFingerprint,
    since: Instant,
    matched_by: MatchedBy,
    status: Status,
}

/// Why a page was taken for another build of the entry page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchedBy {
    /// It has the path of the entry page, or a header that names its release.
    Identity,
    /// Its files have the same names, apart from the hashes.
    FileNames,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Unconfirmed,
    /// An upstream shows it when it is polled.
    Confirmed,
    /// No upstream does: the page is another one of the same build, or one for logged-in visitors.
    Refuted,
}

impl Candidates {
    pub(crate) fn current(&self) -> Option<&KnownRelease> {
        self.current.as_ref()
    }

    /// The release with this id, published or not.
    pub(crate) fn by_id(&self, id: &ReleaseId) -> Option<PageRelease> {
        let published = self.published().map(|known| &known.release);
        let published = published.map(|release| (release.id(), release.built()));
        let unpublished = self
            .unpublished
            .iter()
            .map(|unpublished| (&unpublished.id, unpublished.built));
        let mut all = published.chain(unpublished);
        let (id, built) = all.find(|(known, _)| *known == id)?;
        let id = id.clone();
        Some(PageRelease { id, built })
    }

    /// The release with a page that begins like this, if there is exactly one. What all builds have in common matches
    /// several, and a page elsewhere on the site loads something that no entry page does.
    pub(crate) fn by_beginning(&self, beginning: &PageAssets) -> Option<PageRelease> {
        let published = self.published().map(|known| {
            let release = &known.release;
            (release.id(), release.built(), &*known.fingerprint)
        });
        let unpublished = self
            .unrefuted()
            .map(|unpublished| (&unpublished.id, unpublished.built, &unpublished.fingerprint));
        let all = published.chain(unpublished);
        let mut matching = all.filter(|(_, _, fingerprint)| fingerprint.may_start_with(beginning));
        let (id, built, _) = matching.next()?;
        let id = id.clone();
        matching
            .next()
            .is_none()
            .then_some(PageRelease { id, built })
    }

    /// The release with this whole page; an unpublished one is added if the page is another build of the entry page.
    ///
    /// Of several releases with the same page it is the one that was current when the page was requested, or else the
    /// oldest: a page must not carry the id of a newer release than its own.
    pub(crate) fn by_page(
        &mut self,
        page_fingerprint: &PageFingerprint,
        page: ObservedPage<'_>,
        entry_pages: &[Arc<str>],
        now: Instant,
    ) -> Option<PageRelease> {
        let has_page = |known: &&KnownRelease| {
            known.fingerprint.difference_to_page(page_fingerprint) == Difference::None
        };
        let matching = || {
            self.published()
                .filter(has_page)
                .map(|known| &known.release)
        };
        let current = matching().find(|release| Some(release.id()) == page.current);
        if let Some(release) = current.or_else(|| matching().last()) {
            let (id, built) = (release.id().clone(), release.built());
            return Some(PageRelease { id, built });
        }
        let has_page = |unpublished: &&UnpublishedRelease| {
            unpublished.fingerprint.difference_to_page(page_fingerprint) == Difference::None
        };
        if let Some(unpublished) = self.unpublished.iter().find(has_page) {
            let (id, built) = (unpublished.id.clone(), unpublished.built);
            return (unpublished.status != Status::Refuted).then_some(PageRelease { id, built });
        }
        let (fingerprint, matched_by) = match page.current {
            Some(_) => self.other_build(page_fingerprint, page.path)?,
            None => (
                first_build(page_fingerprint, page.path, entry_pages)?,
                MatchedBy::Identity,
            ),
        };
        Some(self.add(fingerprint, page.built, now, matched_by))
    }

    /// Adds an unpublished release that is named by a header.
    pub(crate) fn add_named(
        &mut self,
        fingerprint: ReleaseFingerprint,
        built: u64,
        now: Instant,
    ) -> PageRelease {
        self.add(fingerprint, built, now, MatchedBy::Identity)
    }

    /// Replaces the published releases. True if another one is current now.
    pub(crate) fn set_published(
        &mut self,
        current: Option<KnownRelease>,
        recent: Vec<KnownRelease>,
    ) -> bool {
        let id = |known: &Option<KnownRelease>| Some(known.as_ref()?.release.id().clone());
        let is_another = id(&current) != id(&self.current);
        (self.current, self.recent) = (current, recent);
        let published: Vec<_> = self
            .published()
            .map(|known| known.release.id().clone())
            .collect();
        self.unpublished
            .retain(|unpublished| !published.contains(&unpublished.id));
        is_another
    }

    /// Confirms or refutes unpublished releases by what the upstreams showed in one poll.
    pub(crate) fn on_polled<'a>(
        &mut self,
        shown: impl Iterator<Item = &'a ReleaseFingerprint>,
        now: Instant,
    ) {
        let shown: Vec<&ReleaseFingerprint> = shown.collect();
        if shown.is_empty() {
            return;
        }
        for unpublished in &mut self.unpublished {
            let is_shown = |shown: &&ReleaseFingerprint| {
                unpublished.fingerprint.difference(shown) == Difference::None
            };
            if shown.iter().any(is_shown) {
                unpublished.status = Status::Confirmed;
            } else if unpublished.status == Status::Unconfirmed
                && now > unpublished.since + CONFIRM_WITHIN
            {
                unpublished.status = Status::Refuted;
                self.file_names_misled |= unpublished.matched_by == MatchedBy::FileNames;
            }
        }
    }

    /// The release that would have this page, if it is another build of the entry page.
    ///
    /// Its id is known only where there is a single entry page: with several, it depends on all of the other build's.
    /// Then a page that matches no published release is taken for one of the current release.
    fn other_build(
        &self,
        page_fingerprint: &PageFingerprint,
        path: &str,
    ) -> Option<(ReleaseFingerprint, MatchedBy)> {
        let (entry, entry_fingerprint) = self.current()?.fingerprint.single_page()?;
        if entry_fingerprint.difference(page_fingerprint) < Difference::Queries {
            return None;
        }
        let matched_by = if **entry == *path {
            MatchedBy::Identity
        } else if !self.file_names_misled
            && page_fingerprint
                .assets()
                .has_shape_of(entry_fingerprint.assets())
        {
            MatchedBy::FileNames
        } else {
            return None;
        };
        let page_fingerprint = entry_fingerprint.with_assets(page_fingerprint.assets().clone());
        Some((
            ReleaseFingerprint::Pages(vec![(Arc::clone(entry), page_fingerprint)]),
            matched_by,
        ))
    }

    fn add(
        &mut self,
        fingerprint: ReleaseFingerprint,
        built: u64,
        now: Instant,
        matched_by: MatchedBy,
    ) -> PageRelease {
        let id = fingerprint.id();
        self.unpublished.push_front(UnpublishedRelease {
            id: id.clone(),
            built,
            fingerprint,
            since: now,
            matched_by,
            status: Status::Unconfirmed,
        });
        self.unpublished.truncate(MAX_UNPUBLISHED);
        PageRelease { id, built }
    }

    fn published(&self) -> impl Iterator<Item = &KnownRelease> {
        self.current.iter().chain(&self.recent)
    }

    fn unrefuted(&self) -> impl Iterator<Item = &UnpublishedRelease> {
        let unpublished = self.unpublished.iter();
        unpublished.filter(|unpublished| unpublished.status != Status::Refuted)
    }
}

/// The release with this page, as long as none is known: only where it is the only entry page.
fn first_build(
    page_fingerprint: &PageFingerprint,
    path: &str,
    entry_pages: &[Arc<str>],
) -> Option<ReleaseFingerprint> {
    match entry_pages {
        [entry] if **entry == *path => Some(ReleaseFingerprint::Pages(vec![(
            Arc::clone(entry),
            page_fingerprint.clone(),
        )])),
        _ => None,
    }
}

// Behind a load balancer it may take several polls to reach the one upstream that has the new build.
const CONFIRM_WITHIN: Duration = Duration::from_secs(60);

// One build is rolled out at a time; a few more for pages that turn out to be something else.
const MAX_UNPUBLISHED: usize = 16;
