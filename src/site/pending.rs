//! Announced metadata that is not attached to a release yet.

use std::time::Duration;
use std::time::Instant;

use crate::release::ReleaseMetadata;

/// Metadata of an announcement, and when it was announced.
#[derive(Debug, Clone)]
pub(crate) struct PendingMetadata {
    metadata: ReleaseMetadata,
    announced: Instant,
}

/// The release that pending metadata belongs to, after a source has checked and found no new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// A new release may still come: check again at this time.
    Undecided(Instant),
    Current,
    /// The next one that is published.
    Next,
    /// None: the announced release did not come.
    Expired,
}

/// What matters here of the current release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurrentRelease<'a> {
    pub(crate) metadata: &'a ReleaseMetadata,
    /// When it became current.
    pub(crate) since: Instant,
}

impl PendingMetadata {
    pub(crate) fn new(metadata: ReleaseMetadata, now: Instant) -> Self {
        Self {
            metadata,
            announced: now,
        }
    }

    pub(crate) fn into_metadata(self) -> ReleaseMetadata {
        self.metadata
    }

    /// True if it belongs to a release that is published now.
    pub(crate) fn is_valid(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.announced) < MAX_PENDING_AGE
    }

    /// Decides which release it belongs to, when a source has found no new one.
    ///
    /// A source may have been faster than the announcement. But an announcement may also be early: one that is sent
    /// when a build starts belongs to the next release. The metadata of the current release distinguishes the two: if
    /// it was announced already, with other values, then this belongs to the next one.
    pub(crate) fn attach(&self, current: Option<CurrentRelease<'_>>, now: Instant) -> Attachment {
        if !self.is_valid(now) {
            return Attachment::Expired;
        }
        let due = self.announced + ATTACH_AFTER;
        if now < due {
            return Attachment::Undecided(due);
        }
        let belongs_to = |current: CurrentRelease<'_>| {
            let before = self.announced.saturating_duration_since(current.since);
            before < MAX_CURRENT_AGE && self.metadata.is_compatible_with(current.metadata)
        };
        if current.is_some_and(belongs_to) {
            Attachment::Current
        } else {
            Attachment::Next
        }
    }
}

// A build that is announced when it starts is published by then, or it has failed.
pub(crate) const MAX_PENDING_AGE: Duration = Duration::from_secs(15 * 60);

// The job that deploys may have other steps before the one that announces; it is the same job as above.
const MAX_CURRENT_AGE: Duration = MAX_PENDING_AGE;

// By then a build that was there when it was announced is debounced, and every source has checked once more.
pub(crate) const ATTACH_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(label: &str) -> ReleaseMetadata {
        ReleaseMetadata::new(None, Some(label), None).0
    }

    #[test]
    fn pending_metadata_without_new_release_is_attached_by_age_and_label() {
        use Attachment::*;
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        // Label and time of the current release; time of the announcement, and of the check.
        for (current, announced, checked, expected) in [
            (Some(("", 100)), 101, 101, Undecided(at(111))),
            (Some(("", 100)), 101, 110, Undecided(at(111))),
            (Some(("", 100)), 101, 111, Current),
            (Some(("1", 100)), 101, 111, Current),
            (Some(("0", 100)), 101, 111, Next),
            (Some(("", 100)), 100 + 899, 100 + 909, Current),
            (Some(("", 100)), 100 + 900, 100 + 910, Next),
            (Some(("0", 100)), 101, 1000, Next),
            (Some(("0", 100)), 101, 1001, Expired),
            (Some(("", 100)), 101, 1001, Expired),
            (None, 101, 111, Next),
            (None, 101, 1001, Expired),
        ] {
            let known = current.map(|(label, since)| (metadata(label), at(since)));
            let known = known.as_ref().map(|(metadata, since)| CurrentRelease {
                metadata,
                since: *since,
            });
            let pending = PendingMetadata::new(metadata("1"), at(announced));
            let found = pending.attach(known, at(checked));
            assert_eq!(found, expected, "{current:?}, {announced}, {checked}");
        }
    }

    #[test]
    fn pending_metadata_expires_after_fifteen_minutes() {
        let start = Instant::now();
        let pending = PendingMetadata::new(metadata("1"), start);
        assert!(pending.is_valid(start));
        assert!(pending.is_valid(start + Duration::from_secs(899)));
        assert!(!pending.is_valid(start + Duration::from_secs(900)));
    }
}
