//! What was said of a release from outside, before it is known of which.

use std::time::Duration;
use std::time::Instant;

use crate::release::ReleaseMetadata;
use crate::site::history::DeployRecord;

/// A word on a release, and when it was said.
#[derive(Debug, Clone)]
pub(crate) struct PendingMetadata {
    about: ReleaseMetadata,
    at: Instant,
}

/// Of which release a word is, when a source has looked and found no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// News may still be on the way: look again by then.
    Early(Instant),
    Current,
    /// Of none that was published so far.
    Next,
    /// Of none at all: what it was about did not come.
    Stale,
}

impl PendingMetadata {
    pub(crate) fn new(about: ReleaseMetadata, now: Instant) -> Self {
        Self { about, at: now }
    }

    pub(crate) fn into_about(self) -> ReleaseMetadata {
        self.about
    }

    /// True if it is of what is published now.
    pub(crate) fn is_of_next(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < MAX_PENDING_AGE
    }

    /// Whom it is of, when nothing new is there now; `last` is what was published last.
    ///
    /// A source may have been faster than the word. But not every word comes late: one that is said when a build starts
    /// is of the next release. They are told apart by what is known of the current one. If it has got a word already,
    /// and another, then this one is not of it.
    pub(crate) fn without_news(&self, last: Option<&DeployRecord>, now: Instant) -> Verdict {
        if !self.is_of_next(now) {
            return Verdict::Stale;
        }
        let due = self.at + ATTACH_AFTER;
        if now < due {
            return Verdict::Early(due);
        }
        let is_of = |last: &DeployRecord| {
            let before = self.at.saturating_duration_since(last.since());
            before < MAX_CURRENT_AGE && self.about.is_compatible_with(last.about())
        };
        if last.is_some_and(is_of) {
            Verdict::Current
        } else {
            Verdict::Next
        }
    }
}

// A build that is announced when it starts is there by then, or something went wrong with it.
pub(crate) const MAX_PENDING_AGE: Duration = Duration::from_secs(15 * 60);

// The job that deploys has other steps before the one that tells of it; it is the same job as above.
const MAX_CURRENT_AGE: Duration = MAX_PENDING_AGE;

// What is there when it is announced has settled, and every source has looked once more.
pub(crate) const ATTACH_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::history::deploy;

    fn about(label: &str) -> ReleaseMetadata {
        ReleaseMetadata::new(None, Some(label), None).0
    }

    #[test]
    fn a_word_without_news_finds_its_release() {
        use Verdict::*;
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        // What is known of the current release and when it was published; when the word was said, and the look.
        for (current, said, look, expected) in [
            (Some(("", 100)), 101, 101, Early(at(111))),
            (Some(("", 100)), 101, 110, Early(at(111))),
            (Some(("", 100)), 101, 111, Current),
            (Some(("1", 100)), 101, 111, Current),
            (Some(("0", 100)), 101, 111, Next),
            (Some(("", 100)), 100 + 899, 100 + 909, Current),
            (Some(("", 100)), 100 + 900, 100 + 910, Next),
            (Some(("0", 100)), 101, 1000, Next),
            (Some(("0", 100)), 101, 1001, Stale),
            (Some(("", 100)), 101, 1001, Stale),
            (None, 101, 111, Next),
            (None, 101, 1001, Stale),
        ] {
            let current = current.map(|(label, since)| deploy(about(label), at(since)));
            let found =
                PendingMetadata::new(about("1"), at(said)).without_news(current.as_ref(), at(look));
            assert_eq!(found, expected, "{current:?}, said at {said}, {look}");
        }
    }

    #[test]
    fn a_word_waits_for_a_build_and_not_for_ever() {
        let start = Instant::now();
        let said = PendingMetadata::new(about("1"), start);
        assert!(said.is_of_next(start));
        assert!(said.is_of_next(start + Duration::from_secs(899)));
        assert!(!said.is_of_next(start + Duration::from_secs(900)));
    }
}
