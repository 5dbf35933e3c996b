//! Settling: when a directory that changes is worth reading, and when what was read is a build.

use std::time::Duration;
use std::time::Instant;

/// Decides when to look at a directory, and when what is there may be published. Pure: the time is passed in.
///
/// A directory is quiet when two looks, some time apart, find the same tree. An event only brings the next look
/// forward, so a directory without events settles by the same rule, and noise beside it changes nothing.
#[derive(Debug)]
pub(crate) struct Settle {
    timing: Timing,
    due: Instant,
    /// The tree that the last look found, and since when it has been like that.
    seen: Option<(Fingerprint, Instant)>,
    /// When the tree began to change; `None` while it is quiet.
    stirred: Option<Instant>,
    /// The tree that needs no more reading.
    judged: Option<Judged>,
    /// The tree that was read and lacks something.
    incomplete: Option<Fingerprint>,
    has_walked: bool,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// How long nothing may have changed before the directory is read.
    pub(crate) quiet: Duration,
    /// How long nothing may have changed before a build that lacks files is taken as it is.
    pub(crate) patience: Duration,
    /// The time between two looks when nothing happens.
    pub(crate) poll: Duration,
}

/// Stands for the names and stamps of a whole tree.
pub(crate) type Fingerprint = u64;

#[derive(Debug, Clone, Copy)]
struct Judged {
    fingerprint: Fingerprint,
    /// No file was so fresh that it could have changed since without showing.
    trusted: bool,
}

/// What a walk through the names and stamps found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walked {
    pub(crate) fingerprint: Fingerprint,
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

impl Settle {
    pub(crate) fn new(now: Instant, timing: Timing) -> Self {
        Self {
            timing,
            due: now,
            seen: None,
            stirred: None,
            judged: None,
            incomplete: None,
            has_walked: false,
        }
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Something may have changed.
    pub(crate) fn stir(&mut self, now: Instant) {
        let soon = now + REACTION.min(self.timing.quiet);
        if self.stirred.is_none() && soon < self.due {
            self.due = soon;
        }
    }

    /// The directory can't be walked, or is no site. What was seen of it before no longer counts.
    pub(crate) fn absent(&mut self, now: Instant) {
        self.seen = None;
        self.stirred = None;
        self.judged = None;
        self.incomplete = None;
        self.has_walked = true;
        self.due = now + self.timing.poll;
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
        if let Some(judged) = self.judged
            && judged.fingerprint == walked.fingerprint
            && (judged.trusted || !walked.trusted)
        {
            self.stirred = None;
            self.due = now
                + if judged.trusted {
                    self.timing.poll
                } else {
                    self.timing.poll.min(MISTRUST)
                };
            return false;
        }
        let quiet_at = since + self.timing.quiet;
        let stirred = *self.stirred.get_or_insert(now);
        if now < quiet_at && now < stirred + LONGEST_STIR {
            self.due = quiet_at;
            return false;
        }
        let patience_at = since + self.timing.patience;
        if self.incomplete == Some(walked.fingerprint) && now < patience_at {
            self.stirred = None;
            self.due = patience_at.min(now + self.timing.poll);
            return false;
        }
        true
    }

    /// The tree was read as it was last walked. Says whether to publish it.
    pub(crate) fn read(&mut self, now: Instant, read: Read, trusted: bool) -> Verdict {
        let Some((fingerprint, since)) = self.seen else {
            return Verdict::Wait;
        };
        let patience_at = since + self.timing.patience;
        let verdict = match read {
            Read::Changing => {
                self.due = now + self.timing.quiet;
                return Verdict::Wait;
            }
            Read::Incomplete if now < patience_at => {
                self.stirred = None;
                self.incomplete = Some(fingerprint);
                self.due = patience_at.min(now + self.timing.poll);
                return Verdict::Wait;
            }
            Read::Incomplete => Verdict::PublishIncomplete,
            Read::Complete => Verdict::Publish,
        };
        self.stirred = None;
        self.incomplete = None;
        self.judged = Some(Judged {
            fingerprint,
            trusted,
        });
        self.due = now
            + if trusted {
                self.timing.poll
            } else {
                self.timing.poll.min(MISTRUST)
            };
        verdict
    }

    /// True if the tree that was seen last has been judged: nothing is waited for.
    pub(crate) fn is_at_rest(&self) -> bool {
        let seen = self.seen.map(|(fingerprint, _)| fingerprint);
        seen.is_some() && seen == self.judged.map(|judged| judged.fingerprint)
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
const REACTION: Duration = Duration::from_millis(20);

// Whoever writes for a minute without a pause is not deploying: a log file, a counter. The build beside it should
// get out all the same.
const LONGEST_STIR: Duration = Duration::from_secs(60);

// By then every stamp can be told from a later one, on file systems that count in seconds too.
const MISTRUST: Duration = Duration::from_millis(2500);

#[cfg(test)]
mod tests;
