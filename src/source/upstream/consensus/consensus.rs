//! Decides what is published of what upstreams show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::html::page_assets::Difference;
use crate::release::Release;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::source::upstream::observer::KnownRelease;

/// Decides from what upstreams show, poll by poll, when it is published. Pure: the time is passed in.
///
/// A build that all of several upstreams show is published at once. Behind a single one there may be a load balancer, so
/// there the same build must be seen again after an interval, with no other in between. And a build that was current
/// before is published again only after no other was seen for a long time: during a rolling deploy the old build is seen
/// again and again.
#[derive(Debug)]
pub(crate) struct Consensus {
    poll_interval: Duration,
    current: Option<Current>,
    recent: VecDeque<KnownRelease>,
    candidate: Option<Candidate>,
    due: Option<Instant>,
    /// Since when builds are seen, as long as nothing is published.
    started: Option<Instant>,
    /// When the current release and another build were last seen in turns.
    mixed_at: Option<Instant>,
    /// How many releases in a row differed from the one before in inline scripts alone.
    inline_only_releases: u32,
    /// When a deploy was last announced.
    deploy_expected: Option<Instant>,
}

/// The release that is published, with its fingerprint if that is known already.
#[derive(Debug)]
struct Current {
    release: Arc<Release>,
    fingerprint: Option<Arc<ReleaseFingerprint>>,
}

/// A build that may become current.
#[derive(Debug)]
struct Candidate {
    fingerprint: ReleaseFingerprint,
    since: Instant,
    /// How often it was seen, with no other in between.
    sightings: usize,
    /// How often it differed from itself between two polls.
    changes: u32,
}

/// What becomes of what was seen.
#[derive(Debug, Clone)]
pub(crate) enum PollDecision {
    Wait,
    /// A new build, and when it was first seen.
    Publish(Arc<ReleaseFingerprint>, Instant),
    /// A release that was current before.
    Republish(KnownRelease),
}

impl Consensus {
    /// For polls at this interval.
    pub(crate) fn new(poll_interval: Duration) -> Self {
        Self {
            poll_interval,
            current: None,
            recent: VecDeque::new(),
            candidate: None,
            due: None,
            started: None,
            mixed_at: None,
            inline_only_releases: 0,
            deploy_expected: None,
        }
    }

    /// A deploy was announced: for a while, less confirmation is needed.
    pub(crate) fn expect_deploy(&mut self, now: Instant) {
        self.deploy_expected = Some(now);
    }

    /// True as long as an announced deploy is expected.
    pub(crate) fn expects_deploy(&self, now: Instant) -> bool {
        self.deploy_expected
            .is_some_and(|expected| now < expected + EXPECT_DEPLOY_FOR)
    }

    /// When a poll would confirm the candidate, if there is one.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The current release, if its fingerprint is known.
    pub(crate) fn current(&self) -> Option<KnownRelease> {
        let Current {
            release,
            fingerprint,
        } = self.current.as_ref()?;
        Some(KnownRelease {
            release: Arc::clone(release),
            fingerprint: Arc::clone(fingerprint.as_ref()?),
        })
    }

    /// True if the current release is this one, not only one with the same id.
    pub(crate) fn is_current(&self, release: &Arc<Release>) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(&current.release, release))
    }

    /// The releases that were current before, newest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &KnownRelease> {
        self.recent.iter()
    }

    /// Another release is current. Without a `fingerprint`, what is seen next is taken for its own.
    pub(crate) fn set_current(
        &mut self,
        release: Arc<Release>,
        fingerprint: Option<Arc<ReleaseFingerprint>>,
    ) {
        if let Some(current) = &mut self.current
            && current.release.id() == release.id()
        {
            // Its metadata has changed.
            current.release = release;
            current.fingerprint = fingerprint.or(current.fingerprint.take());
            return;
        }
        if let Some(old) = self.current() {
            let is_inline = fingerprint
                .as_ref()
                .is_some_and(|new| old.fingerprint.difference(new) == Difference::InlineScripts);
            self.inline_only_releases = if is_inline {
                self.inline_only_releases + 1
            } else {
                0
            };
            self.recent.push_front(old);
        }
        let known = |known: &KnownRelease| known.release.id() == release.id();
        let fingerprint = fingerprint.or_else(|| {
            let same = self.recent.iter().find(|recent| known(recent));
            same.map(|same| Arc::clone(&same.fingerprint))
        });
        self.recent.retain(|recent| !known(recent));
        self.recent.truncate(MAX_RECENT);
        self.current = Some(Current {
            release,
            fingerprint,
        });
        self.candidate = None;
        self.due = None;
        self.deploy_expected = None;
    }

    /// The current release was seen at this time.
    pub(crate) fn on_current_seen(&mut self, now: Instant) {
        if let Some(candidate) = self.candidate.take_if(|candidate| now >= candidate.since)
            && now > candidate.since + STRAGGLER_WINDOW
        {
            self.mixed_at = Some(now);
        }
    }

    /// Takes what the upstreams showed in one poll; `None` for one that failed.
    pub(crate) fn on_polled(
        &mut self,
        now: Instant,
        polled: &[Option<Arc<ReleaseFingerprint>>],
    ) -> PollDecision {
        self.due = None;
        let shown: Vec<&Arc<ReleaseFingerprint>> = polled.iter().flatten().collect();
        for fingerprint in &shown {
            self.seen(now, fingerprint);
        }
        let Some(candidate) = &self.candidate else {
            return PollDecision::Wait;
        };
        let is_unanimous = candidate.sightings >= shown.len();
        let by_all_upstreams = is_unanimous && polled.len() > 1 && shown.len() == polled.len();
        let rest = self.confirmation_time(now, candidate, by_all_upstreams);
        let at = candidate.since + rest;
        let is_sure = candidate.sightings > 1
            || (self.current.is_none() && candidate.fingerprint.is_stable());
        let is_overdue = self.current.is_none()
            && self
                .started
                .is_some_and(|started| now >= started + MAX_START);
        if !is_overdue && (shown.is_empty() || !is_unanimous) {
            return PollDecision::Wait;
        }
        if !is_overdue && (now < at || !is_sure) {
            self.due = Some(if self.current.is_none() {
                now + CONFIRM_SOON
            } else {
                at
            });
            return PollDecision::Wait;
        }
        self.decide()
    }

    fn decide(&mut self) -> PollDecision {
        let Some(candidate) = self.candidate.take() else {
            return PollDecision::Wait;
        };
        let fingerprint = Arc::new(candidate.fingerprint);
        match &mut self.current {
            Some(current) if current.fingerprint.is_none() => {
                current.fingerprint = Some(fingerprint);
                PollDecision::Wait
            }
            _ => match self.former_release(&fingerprint) {
                Some(known) => PollDecision::Republish(known.clone()),
                None => PollDecision::Publish(fingerprint, candidate.since),
            },
        }
    }

    fn seen(&mut self, now: Instant, fingerprint: &ReleaseFingerprint) {
        self.started.get_or_insert(now);
        let current = self.current.as_ref().and_then(|c| c.fingerprint.clone());
        if let Some(current) = &current
            && current.difference(fingerprint) == Difference::None
        {
            self.on_current_seen(now);
            return;
        }
        let last = self.candidate.take();
        let mut candidate = Candidate {
            fingerprint: fingerprint.clone(),
            since: now,
            sightings: 1,
            changes: 0,
        };
        if let Some(last) = last
            && let Some(joined) = last.fingerprint.merged_with(fingerprint)
        {
            let is_same = last.fingerprint.difference(fingerprint) == Difference::None;
            let changes = last.changes + u32::from(!is_same);
            // If the files are new as well, a difference between two responses is no other build. If they are not, it
            // could be one: the next poll decides.
            let is_known = is_same
                || changes > 1
                || current.is_none_or(|current| {
                    current.difference(&joined) == Difference::Files
                        || current.explains_difference(fingerprint, &last.fingerprint)
                });
            candidate.changes = changes;
            if is_known {
                candidate.fingerprint = joined;
                candidate.since = last.since;
                candidate.sightings += last.sightings;
            }
        }
        if let Some(Current {
            fingerprint: Some(own),
            ..
        }) = &mut self.current
            && own.difference(&candidate.fingerprint) == Difference::None
        {
            // All that distinguished it from the current release changes with every response.
            if let Some(joined) = own.merged_with(&candidate.fingerprint) {
                *own = Arc::new(joined);
            }
            return;
        }
        self.candidate = Some(candidate);
    }

    /// For how long only the candidate must have been seen before it is published.
    fn confirmation_time(
        &self,
        now: Instant,
        candidate: &Candidate,
        by_all_upstreams: bool,
    ) -> Duration {
        if self.former_release(&candidate.fingerprint).is_some() {
            return REPUBLISH_AFTER.max(self.poll_interval * 3);
        }
        let Some(current) = &self.current else {
            return Duration::ZERO;
        };
        let difference = current
            .fingerprint
            .as_ref()
            .map(|own| own.difference(&candidate.fingerprint));
        if difference == Some(Difference::InlineScripts) {
            // Inline scripts that change now and then on their own are published less and less often.
            let interval = self
                .poll_interval
                .saturating_mul(4_u32.saturating_pow(self.inline_only_releases));
            return interval
                .min(MAX_INLINE_CONFIRMATION)
                .max(self.poll_interval);
        }
        if by_all_upstreams {
            return Duration::ZERO;
        }
        match self.mixed_at {
            Some(mixed) if candidate.since < mixed + MIXED_FOR => {
                MIXED_CONFIRMATION.max(self.poll_interval * 2)
            }
            _ if self.expects_deploy(now) => CONFIRM_SOON.min(self.poll_interval),
            _ => self.poll_interval,
        }
    }

    /// The release with this fingerprint that was current before.
    fn former_release(&self, fingerprint: &ReleaseFingerprint) -> Option<&KnownRelease> {
        let mut recent = self.recent.iter();
        recent.find(|known| known.fingerprint.difference(fingerprint) == Difference::None)
    }
}

// A response that was under way while the build was replaced is no sign of a load balancer.
const STRAGGLER_WINDOW: Duration = Duration::from_secs(2);

// As long as nothing is published, fingerprint pass without the script: a second response soon confirms the first.
pub(crate) const CONFIRM_SOON: Duration = Duration::from_secs(1);

// A deploy that is announced when it begins is done by then, or it is seen an interval later all the same.
pub(crate) const EXPECT_DEPLOY_FOR: Duration = Duration::from_secs(60);

// Something must be published even if upstreams never agree.
pub(crate) const MAX_START: Duration = Duration::from_secs(30);

// In a rolling deploy behind a load balancer several polls in a row may reach the old build, but not all for so long.
pub(crate) const REPUBLISH_AFTER: Duration = Duration::from_secs(60);

// The same for the new build, which replaces the old one anyway.
const MIXED_CONFIRMATION: Duration = Duration::from_secs(30);

// A rolling deploy takes minutes.
const MIXED_FOR: Duration = Duration::from_secs(10 * 60);

// An inline script that changes every hour is not published as often.
const MAX_INLINE_CONFIRMATION: Duration = Duration::from_secs(2 * 60 * 60);

// As many as the deploys of a busy day: a release that is published again keeps its id and its time.
const MAX_RECENT: usize = 16;
