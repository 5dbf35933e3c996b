//! Decides when a changing directory is scanned, when it is read, and whether what was read is published.

use std::time::Duration;
use std::time::Instant;

/// Decides when to scan a directory, and when what is there may be published. Pure: the time is passed in.
///
/// A directory is unchanged when two scans, some time apart, find the same tree. An event only brings the next scan
/// forward, so a directory without events follows the same rule, and noise next to it has no effect.
#[derive(Debug)]
pub(crate) struct Debouncer {
    timing: Timing,
    next_scan: Instant,
    /// The tree that the last scan found, and since when it has been like that.
    seen: Option<(TreeHash, Instant)>,
    /// When the tree began to change; `None` while it is unchanged.
    changing_since: Option<Instant>,
    /// The tree that needs no more reading.
    decided: Option<DecidedTree>,
    /// The tree that was read and lacks files.
    incomplete: Option<TreeHash>,
    has_scanned: bool,
}

/// The durations of a debouncer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// How long the directory must be unchanged before it is read.
    pub(crate) debounce: Duration,
    /// How long the directory must be unchanged before an incomplete build is published.
    pub(crate) incomplete_after: Duration,
    /// The time between two scans without an event.
    pub(crate) rescan_interval: Duration,
}

/// A hash of the names and file stamps of a whole tree.
pub(crate) type TreeHash = u64;

#[derive(Debug, Clone, Copy)]
struct DecidedTree {
    hash: TreeHash,
    /// No file was so new that it could have changed since with the same stamp.
    is_reliable: bool,
}

/// The result of scanning the names and file stamps of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TreeScan {
    pub(crate) hash: TreeHash,
    /// Every stamp is old enough to change with the next change of its file.
    pub(crate) is_reliable: bool,
    /// The time since the newest change of a file, by the wall clock.
    pub(crate) age: Duration,
}

/// The result of reading the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// They changed meanwhile.
    Changing,
    /// All files that the pages refer to are there, or were missing from the last release.
    Complete,
    /// The pages refer to files that are missing.
    Incomplete,
}

/// What becomes of a build that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishDecision {
    Wait,
    Publish,
    /// It has been incomplete for [`Timing::incomplete_after`].
    PublishIncomplete,
}

impl Debouncer {
    pub(crate) fn new(now: Instant, timing: Timing) -> Self {
        Self {
            timing,
            next_scan: now,
            seen: None,
            changing_since: None,
            decided: None,
            incomplete: None,
            has_scanned: false,
        }
    }

    /// When to scan next.
    pub(crate) fn next_scan(&self) -> Instant {
        self.next_scan
    }

    /// Something may have changed.
    pub(crate) fn record_change(&mut self, now: Instant) {
        let soon = now + EVENT_DELAY.min(self.timing.debounce);
        if self.changing_since.is_none() && soon < self.next_scan {
            self.next_scan = soon;
        }
    }

    /// The directory cannot be scanned, or has no index page. What was found before no longer counts.
    pub(crate) fn record_absence(&mut self, now: Instant) {
        self.seen = None;
        self.changing_since = None;
        self.decided = None;
        self.incomplete = None;
        self.has_scanned = true;
        self.next_scan = now + self.timing.rescan_interval;
    }

    /// The tree was scanned. True if it should be read now.
    pub(crate) fn record_scan(&mut self, now: Instant, scan: TreeScan) -> bool {
        let is_first = !std::mem::replace(&mut self.has_scanned, true);
        let since = match self.seen {
            Some((hash, since)) if hash == scan.hash => since,
            // A tree that was there at the start has been unchanged for as long as its stamps show.
            None if is_first => now.checked_sub(scan.age).unwrap_or(now),
            _ => now,
        };
        self.seen = Some((scan.hash, since));
        if let Some(decided) = self.decided
            && decided.hash == scan.hash
            && (decided.is_reliable || !scan.is_reliable)
        {
            self.changing_since = None;
            self.next_scan = now + self.interval_after(decided.is_reliable);
            return false;
        }
        let unchanged_at = since + self.timing.debounce;
        let changing_since = *self.changing_since.get_or_insert(now);
        if now < unchanged_at && now < changing_since + MAX_CHANGING {
            self.next_scan = unchanged_at;
            return false;
        }
        let incomplete_at = since + self.timing.incomplete_after;
        if self.incomplete == Some(scan.hash) && now < incomplete_at {
            self.changing_since = None;
            self.next_scan = incomplete_at.min(now + self.timing.rescan_interval);
            return false;
        }
        true
    }

    /// The tree was read as it was last scanned. Decides whether it is published.
    pub(crate) fn decide(
        &mut self,
        now: Instant,
        outcome: ReadOutcome,
        is_reliable: bool,
    ) -> PublishDecision {
        let Some((hash, since)) = self.seen else {
            return PublishDecision::Wait;
        };
        let incomplete_at = since + self.timing.incomplete_after;
        let decision = match outcome {
            ReadOutcome::Changing => {
                self.next_scan = now + self.timing.debounce;
                return PublishDecision::Wait;
            }
            ReadOutcome::Incomplete if now < incomplete_at => {
                self.changing_since = None;
                self.incomplete = Some(hash);
                self.next_scan = incomplete_at.min(now + self.timing.rescan_interval);
                return PublishDecision::Wait;
            }
            ReadOutcome::Incomplete => PublishDecision::PublishIncomplete,
            ReadOutcome::Complete => PublishDecision::Publish,
        };
        self.changing_since = None;
        self.incomplete = None;
        self.decided = Some(DecidedTree { hash, is_reliable });
        self.next_scan = now + self.interval_after(is_reliable);
        decision
    }

    /// True if the tree that was seen last has been decided on: no change is in progress.
    pub(crate) fn is_settled(&self) -> bool {
        let seen = self.seen.map(|(hash, _)| hash);
        seen.is_some() && seen == self.decided.map(|decided| decided.hash)
    }

    /// Scans by this time at the latest.
    pub(crate) fn scan_by(&mut self, time: Instant) {
        self.next_scan = self.next_scan.min(time);
    }

    /// Does not scan before this time.
    pub(crate) fn scan_after(&mut self, time: Instant) {
        self.next_scan = self.next_scan.max(time);
    }

    fn interval_after(&self, is_reliable: bool) -> Duration {
        if is_reliable {
            self.timing.rescan_interval
        } else {
            self.timing.rescan_interval.min(RECHECK_UNRELIABLE)
        }
    }
}

// Events come in bursts: one scan for each burst, with a delay that is not noticeable.
const EVENT_DELAY: Duration = Duration::from_millis(20);

// Something that writes for a minute without a pause is not a deploy: a log file, a counter. The build next to it
// should be published all the same.
const MAX_CHANGING: Duration = Duration::from_secs(60);

// By then every stamp differs from that of a later change, even on file systems that count in seconds.
const RECHECK_UNRELIABLE: Duration = Duration::from_millis(2500);
