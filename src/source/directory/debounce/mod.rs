//! Settling: when a directory that changes is worth reading, and when what was read is a build.

use std::time::Duration;
use std::time::Instant;

/// Decides when to look at a directory, and when what is there may be published. Pure: the time is passed in.
///
/// A directory is quiet when two looks, some time apart, find the same tree. An event only brings the next look
/// forward, so a directory without events settles by the same rule, and noise beside it changes nothing.
#[derive(Debug)]
pub(crate) struct Debouncer {
    timing: Timing,
    due: Instant,
    /// The tree that the last look found, and since when it has been like that.
    seen: Option<(TreeFingerprint, Instant)>,
    /// When the tree began to change; `None` while it is quiet.
    stirred: Option<Instant>,
    /// The tree that needs no more reading.
    decided: Option<Decided>,
    /// The tree that was read and lacks something.
    incomplete: Option<TreeFingerprint>,
    has_walked: bool,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// How long nothing may have changed before the directory is read.
    pub(crate) debounce: Duration,
    /// How long nothing may have changed before a build that lacks files is taken as it is.
    pub(crate) incomplete_after: Duration,
    /// The time between two looks when nothing happens.
    pub(crate) rescan_interval: Duration,
}

/// Stands for the names and stamps of a whole tree.
pub(crate) type TreeFingerprint = u64;

#[derive(Debug, Clone, Copy)]
struct Decided {
    fingerprint: TreeFingerprint,
    /// No file was so fresh that it could have changed since without showing.
    trusted: bool,
}

/// What a walk through the names and stamps found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walked {
    pub(crate) fingerprint: TreeFingerprint,
    /// Every stamp is old enough to be trusted.
    pub(crate) trusted: bool,
    /// The time since the newest change to a file, by the clock on the wall.
    pub(crate) age: Duration,
}

/// What reading the files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// They changed meanwhile.
    Changing,
    /// All that the pages lead to is there, or was missing before.
    Complete,
    /// The pages lead to something that is not there.
    Incomplete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wait,
    Publish,
    /// Patience is over.
    PublishIncomplete,
}

impl Debouncer {
    pub(crate) fn new(now: Instant, timing: Timing) -> Self {
        Self {
            timing,
            due: now,
            seen: None,
            stirred: None,
            decided: None,
            incomplete: None,
            has_walked: false,
        }
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Something may have changed.
    pub(crate) fn record_change(&mut self, now: Instant) {
        let soon = now + EVENT_DELAY.min(self.timing.debounce);
        if self.stirred.is_none() && soon < self.due {
            self.due = soon;
        }
    }

    /// The directory can't be walked, or is no site. What was seen of it before no longer counts.
    pub(crate) fn absent(&mut self, now: Instant) {
        self.seen = None;
        self.stirred = None;
        self.decided = None;
        self.incomplete = None;
        self.has_walked = true;
        self.due = now + self.timing.rescan_interval;
    }

    /// The tree was walked. True if it is time to read it.
    pub(crate) fn walked(&mut self, now: Instant, walked: Walked) -> bool {
        let is_first = !std::mem::replace(&mut self.has_walked, true);
        let since = match self.seen {
            Some((fingerprint, since)) if fingerprint == walked.fingerprint => since,
            // A tree that was there before us has been quiet for as long as its files say.
            None if is_first => now.checked_sub(walked.age).unwrap_or(now),
            _ => now,
        };
        self.seen = Some((walked.fingerprint, since));
        if let Some(decided) = self.decided
            && decided.fingerprint == walked.fingerprint
            && (decided.trusted || !walked.trusted)
        {
            self.stirred = None;
            self.due = now
                + if decided.trusted {
                    self.timing.rescan_interval
                } else {
                    self.timing.rescan_interval.min(UNTRUSTED_STAMPS_RECHECK)
                };
            return false;
        }
        let quiet_at = since + self.timing.debounce;
        let stirred = *self.stirred.get_or_insert(now);
        if now < quiet_at && now < stirred + MAX_CHANGING {
            self.due = quiet_at;
            return false;
        }
        let incomplete_at = since + self.timing.incomplete_after;
        if self.incomplete == Some(walked.fingerprint) && now < incomplete_at {
            self.stirred = None;
            self.due = incomplete_at.min(now + self.timing.rescan_interval);
            return false;
        }
        true
    }

    /// The tree was read as it was last walked. Says whether to publish it.
    pub(crate) fn read(&mut self, now: Instant, read: Read, trusted: bool) -> Verdict {
        let Some((fingerprint, since)) = self.seen else {
            return Verdict::Wait;
        };
        let incomplete_at = since + self.timing.incomplete_after;
        let verdict = match read {
            Read::Changing => {
                self.due = now + self.timing.debounce;
                return Verdict::Wait;
            }
            Read::Incomplete if now < incomplete_at => {
                self.stirred = None;
                self.incomplete = Some(fingerprint);
                self.due = incomplete_at.min(now + self.timing.rescan_interval);
                return Verdict::Wait;
            }
            Read::Incomplete => Verdict::PublishIncomplete,
            Read::Complete => Verdict::Publish,
        };
        self.stirred = None;
        self.incomplete = None;
        self.decided = Some(Decided {
            fingerprint,
            trusted,
        });
        self.due = now
            + if trusted {
                self.timing.rescan_interval
            } else {
                self.timing.rescan_interval.min(UNTRUSTED_STAMPS_RECHECK)
            };
        verdict
    }

    /// True if the tree that was seen last has been decided: nothing is waited for.
    pub(crate) fn is_at_rest(&self) -> bool {
        let seen = self.seen.map(|(fingerprint, _)| fingerprint);
        seen.is_some() && seen == self.decided.map(|decided| decided.fingerprint)
    }

    /// A look by then at the latest: nothing rings.
    pub(crate) fn poll_at(&mut self, time: Instant) {
        self.due = self.due.min(time);
    }

    /// No look before this: one that takes long must not follow on its own heels.
    pub(crate) fn rest_until(&mut self, time: Instant) {
        self.due = self.due.max(time);
    }
}

// Events come in bursts: one look for a burst, and hardly later than at once.
const EVENT_DELAY: Duration = Duration::from_millis(20);

// Whoever writes for a minute without a pause is not deploying: a log file, a counter. The build beside it should
// get out all the same.
const MAX_CHANGING: Duration = Duration::from_secs(60);

// By then every stamp can be told from a later one, on file systems that count in seconds too.
const UNTRUSTED_STAMPS_RECHECK: Duration = Duration::from_millis(2500);

#[cfg(test)]
mod tests;
