//! Agreeing: when what the upstreams show is a new release, and when it is only on its way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::html::page_assets::Difference;
use crate::release::Release;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::source::upstream::observer::KnownRelease;

/// Decides from what upstreams show, look by look, when it is published. Pure: the time is passed in.
///
/// What all upstreams show is news at once. Behind a single one there may be a balancer, so there the same has to be
/// seen again after an interval, and nothing else in between. And whatever was current before comes back only after
/// nothing else was seen for a good while: in the middle of a rolling deploy the old build is seen again and again.
#[derive(Debug)]
pub(crate) struct Consensus {
    poll_interval: Duration,
    current: Option<Current>,
    recent: VecDeque<KnownRelease>,
    candidate: Option<Candidate>,
    due: Option<Instant>,
    /// Since when something is seen, as long as nothing is published.
    started: Option<Instant>,
    /// When both the current release and another were last seen in turns.
    mixed: Option<Instant>,
    /// How often in a row it was only a script in the page that was news.
    inline_news: u32,
    /// When somebody last said that there is a deploy.
    deploy_expected: Option<Instant>,
}

/// The release that is published, and what it shows, if that is known already.
#[derive(Debug)]
struct Current {
    release: Arc<Release>,
    pages: Option<Arc<ReleaseFingerprint>>,
}

/// What may become current.
#[derive(Debug)]
struct Candidate {
    pages: ReleaseFingerprint,
    since: Instant,
    /// How often it was seen, with nothing else in between.
    sightings: usize,
    /// How often it differed from itself in what the current release has as well.
    changes: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum Decision {
    Wait,
    /// It is new, and was first seen then.
    Publish(Arc<ReleaseFingerprint>, Instant),
    /// It was current before.
    Republish(KnownRelease),
}

impl Consensus {
    /// For looks at this interval.
    pub(crate) fn new(poll_interval: Duration) -> Self {
        Self {
            poll_interval,
            current: None,
            recent: VecDeque::new(),
            candidate: None,
            due: None,
            started: None,
            mixed: None,
            inline_news: 0,
            deploy_expected: None,
        }
    }

    /// Somebody says that there is a deploy, or about to be one: for a while what is seen is believed sooner.
    pub(crate) fn expect_deploy(&mut self, now: Instant) {
        self.deploy_expected = Some(now);
    }

    /// True as long as a deploy is expected because somebody said so.
    pub(crate) fn expects_deploy(&self, now: Instant) -> bool {
        self.deploy_expected
            .is_some_and(|word| now < word + EXPECT_DEPLOY_FOR)
    }

    /// When a look would decide something; not before that, unless the interval says so.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The current release, if it is known what it shows.
    pub(crate) fn current(&self) -> Option<KnownRelease> {
        let Current { release, pages } = self.current.as_ref()?;
        Some(KnownRelease {
            release: Arc::clone(release),
            pages: Arc::clone(pages.as_ref()?),
        })
    }

    /// True if this very release is taken to be current.
    pub(crate) fn is_current(&self, release: &Arc<Release>) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(&current.release, release))
    }

    /// The releases that were current before, newest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &KnownRelease> {
        self.recent.iter()
    }

    /// Another release is current, by whomever it was published. `pages` is what it shows: without it that is what is
    /// seen next.
    pub(crate) fn set_current(
        &mut self,
        release: Arc<Release>,
        pages: Option<Arc<ReleaseFingerprint>>,
    ) {
        if let Some(current) = &mut self.current
            && current.release.id() == release.id()
        {
            // Somebody says more of it.
            current.release = release;
            current.pages = pages.or(current.pages.take());
            return;
        }
        if let Some(old) = self.current() {
            let is_inline = pages
                .as_ref()
                .is_some_and(|new| old.pages.difference(new) == Difference::InlineScripts);
            self.inline_news = if is_inline { self.inline_news + 1 } else { 0 };
            self.recent.push_front(old);
        }
        let known = |known: &KnownRelease| known.release.id() == release.id();
        let pages = pages.or_else(|| {
            let same = self.recent.iter().find(|recent| known(recent));
            same.map(|same| Arc::clone(&same.pages))
        });
        self.recent.retain(|recent| !known(recent));
        self.recent.truncate(MAX_RECENT);
        self.current = Some(Current { release, pages });
        self.candidate = None;
        self.due = None;
        self.deploy_expected = None;
    }

    /// The current release was seen.
    pub(crate) fn on_current_seen(&mut self, now: Instant) {
        if let Some(candidate) = self.candidate.take_if(|candidate| now >= candidate.since)
            && now > candidate.since + STRAGGLER_WINDOW
        {
            self.mixed = Some(now);
        }
    }

    /// What the upstreams showed in one look; `None` for one that gave no answer.
    pub(crate) fn on_polled(
        &mut self,
        now: Instant,
        sights: &[Option<Arc<ReleaseFingerprint>>],
    ) -> Decision {
        self.due = None;
        let shown: Vec<&Arc<ReleaseFingerprint>> = sights.iter().flatten().collect();
        for pages in &shown {
            self.seen(now, pages);
        }
        let Some(candidate) = &self.candidate else {
            return Decision::Wait;
        };
        let is_unanimous = candidate.sightings >= shown.len();
        let by_all = is_unanimous && sights.len() > 1 && shown.len() == sights.len();
        let rest = self.confirmation_time(now, candidate, by_all);
        let at = candidate.since + rest;
        let is_sure =
            candidate.sightings > 1 || (self.current.is_none() && candidate.pages.is_stable());
        let is_overdue = self.current.is_none()
            && self
                .started
                .is_some_and(|started| now >= started + MAX_START);
        if !is_overdue && (shown.is_empty() || !is_unanimous) {
            return Decision::Wait;
        }
        if !is_overdue && (now < at || !is_sure) {
            self.due = Some(if self.current.is_none() {
                now + CONFIRM_SOON
            } else {
                at
            });
            return Decision::Wait;
        }
        self.decide()
    }

    fn decide(&mut self) -> Decision {
        let Some(candidate) = self.candidate.take() else {
            return Decision::Wait;
        };
        let pages = Arc::new(candidate.pages);
        match &mut self.current {
            Some(current) if current.pages.is_none() => {
                current.pages = Some(pages);
                Decision::Wait
            }
            _ => match self.former_release(&pages) {
                Some(known) => Decision::Republish(known.clone()),
                None => Decision::Publish(pages, candidate.since),
            },
        }
    }

    fn seen(&mut self, now: Instant, pages: &ReleaseFingerprint) {
        self.started.get_or_insert(now);
        let current = self.current.as_ref().and_then(|c| c.pages.clone());
        if let Some(current) = &current
            && current.difference(pages) == Difference::None
        {
            self.on_current_seen(now);
            return;
        }
        let last = self.candidate.take();
        let mut candidate = Candidate {
            pages: pages.clone(),
            since: now,
            sightings: 1,
            changes: 0,
        };
        if let Some(last) = last
            && let Some(joined) = last.pages.merged_with(pages)
        {
            let is_same = last.pages.difference(pages) == Difference::None;
            let changes = last.changes + u32::from(!is_same);
            // Where the files are new as well, what differs between two answers is no build of its own. Where they
            // are not, it could be: the next one tells.
            let is_known = is_same
                || changes > 1
                || current.is_none_or(|current| {
                    current.difference(&joined) == Difference::Files
                        || current.explains_difference(pages, &last.pages)
                });
            candidate.changes = changes;
            if is_known {
                candidate.pages = joined;
                candidate.since = last.since;
                candidate.sightings += last.sightings;
            }
        }
        if let Some(Current {
            pages: Some(own), ..
        }) = &mut self.current
            && own.difference(&candidate.pages) == Difference::None
        {
            // All that told it from the current release changes by itself.
            if let Some(joined) = own.merged_with(&candidate.pages) {
                *own = Arc::new(joined);
            }
            return;
        }
        self.candidate = Some(candidate);
    }

    /// How long nothing but the candidate must have been seen.
    fn confirmation_time(&self, now: Instant, candidate: &Candidate, by_all: bool) -> Duration {
        if self.former_release(&candidate.pages).is_some() {
            return REPUBLISH_AFTER.max(self.poll_interval * 3);
        }
        let Some(current) = &self.current else {
            return Duration::ZERO;
        };
        let likeness = current
            .pages
            .as_ref()
            .map(|own| own.difference(&candidate.pages));
        if likeness == Some(Difference::InlineScripts) {
            // What changes by itself every now and then is news less and less often.
            let patience = self
                .poll_interval
                .saturating_mul(4_u32.saturating_pow(self.inline_news));
            return patience
                .min(MAX_INLINE_CONFIRMATION)
                .max(self.poll_interval);
        }
        if by_all {
            return Duration::ZERO;
        }
        match self.mixed {
            Some(mixed) if candidate.since < mixed + MIXED_FOR => {
                MIXED_CONFIRMATION.max(self.poll_interval * 2)
            }
            _ if self.expects_deploy(now) => CONFIRM_SOON.min(self.poll_interval),
            _ => self.poll_interval,
        }
    }

    /// The release that shows the same and was current before.
    fn former_release(&self, pages: &ReleaseFingerprint) -> Option<&KnownRelease> {
        let mut recent = self.recent.iter();
        recent.find(|known| known.pages.difference(pages) == Difference::None)
    }
}

// An answer that was on its way while the build was replaced is no sign of a balancer.
const STRAGGLER_WINDOW: Duration = Duration::from_secs(2);

// As long as nothing is published pages go without the script: what an answer leaves open, another tells soon.
const CONFIRM_SOON: Duration = Duration::from_secs(1);

// Whoever announces a deploy when it begins has it done by then, or an interval later it is seen all the same.
const EXPECT_DEPLOY_FOR: Duration = Duration::from_secs(60);

// Upstreams that never consensus have to be taken as they are.
const MAX_START: Duration = Duration::from_secs(30);

// In a rolling deploy behind a balancer some requests in a row meet the old build by chance; not all for so long.
const REPUBLISH_AFTER: Duration = Duration::from_secs(60);

// The same for the new build, which will come anyway.
const MIXED_CONFIRMATION: Duration = Duration::from_secs(30);

// A rolling deploy takes minutes.
const MIXED_FOR: Duration = Duration::from_secs(10 * 60);

// A script in the page that changes every hour is not that often news.
const MAX_INLINE_CONFIRMATION: Duration = Duration::from_secs(2 * 60 * 60);

// As many as deploys of a busy day: what comes back keeps its id and its time.
const MAX_RECENT: usize = 16;

#[cfg(test)]
mod tests;
