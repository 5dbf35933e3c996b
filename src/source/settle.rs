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
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        quiet: Duration::from_millis(200),
        patience: Duration::from_secs(10),
        poll: Duration::from_secs(5),
    };

    /// A settle that is asked at the times it wants to be asked, in milliseconds from its start.
    struct Script {
        settle: Settle,
        start: Instant,
    }

    impl Script {
        fn new() -> Self {
            let start = Instant::now();
            Self {
                settle: Settle::new(start, TIMING),
                start,
            }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        #[track_caller]
        fn due(&self, ms: u64) {
            assert_eq!((self.settle.due() - self.start).as_millis(), u128::from(ms));
        }

        fn walk(&mut self, ms: u64, fingerprint: Fingerprint) -> bool {
            self.walk_aged(ms, fingerprint, Duration::ZERO)
        }

        fn walk_aged(&mut self, ms: u64, fingerprint: Fingerprint, age: Duration) -> bool {
            let walked = Walked {
                fingerprint,
                trusted: true,
                age,
            };
            self.settle.walked(self.at(ms), walked)
        }

        fn read(&mut self, ms: u64, read: Read) -> Verdict {
            self.settle.read(self.at(ms), read, true)
        }

        /// Published and quiet at 0 ms.
        fn settled() -> Self {
            let mut script = Self::new();
            assert!(script.walk_aged(0, 1, Duration::from_secs(60)));
            assert_eq!(script.read(0, Read::Complete), Verdict::Publish);
            script.due(5000);
            script
        }
    }

    #[test]
    fn an_old_tree_is_published_at_once() {
        Script::settled();
    }

    #[test]
    fn a_fresh_tree_has_to_be_quiet_first() {
        let mut script = Script::new();
        assert!(!script.walk_aged(0, 1, Duration::from_millis(50)));
        script.due(150);
        assert!(script.walk(150, 1));
    }

    #[test]
    fn an_event_brings_the_look_forward_and_two_equal_looks_settle() {
        let mut script = Script::settled();
        script.settle.stir(script.at(1000));
        script.due(1020);
        script.settle.stir(script.at(1010));
        script.due(1020);
        assert!(!script.walk(1020, 2));
        script.due(1220);
        script.settle.stir(script.at(1100));
        script.due(1220);
        assert!(script.walk(1220, 2));
        assert_eq!(script.read(1230, Read::Complete), Verdict::Publish);
        script.due(6230);
    }

    #[test]
    fn a_tree_that_changes_between_looks_is_not_read() {
        let mut script = Script::settled();
        script.settle.stir(script.at(1000));
        for (n, fingerprint) in (2..50).enumerate() {
            let now = 1020 + 200 * n as u64;
            assert!(!script.walk(now, fingerprint));
            script.due(now + 200);
        }
    }

    #[test]
    fn without_events_the_poll_finds_and_settles_it() {
        let mut script = Script::settled();
        assert!(!script.walk(5000, 2));
        script.due(5200);
        assert!(script.walk(5200, 2));
    }

    #[test]
    fn noise_without_a_change_is_not_even_read() {
        let mut script = Script::settled();
        script.settle.stir(script.at(1000));
        assert!(!script.walk(1020, 1));
        script.due(6020);
    }

    #[test]
    fn files_that_change_while_they_are_read_are_read_again_later() {
        let mut script = Script::new();
        assert!(script.walk_aged(0, 1, Duration::from_secs(60)));
        assert_eq!(script.read(10, Read::Changing), Verdict::Wait);
        script.due(210);
    }

    #[test]
    fn an_incomplete_build_waits_until_it_is_complete() {
        let mut script = Script::settled();
        assert!(!script.walk(5000, 2));
        assert!(script.walk(5200, 2));
        assert_eq!(script.read(5200, Read::Incomplete), Verdict::Wait);
        script.due(10_200);
        // Looked at again, it is the same: not read again.
        assert!(!script.walk(10_200, 2));
        script.due(15_000);
        // Then the rest comes.
        script.settle.stir(script.at(12_000));
        assert!(!script.walk(12_020, 3));
        assert!(script.walk(12_220, 3));
        assert_eq!(script.read(12_220, Read::Complete), Verdict::Publish);
    }

    #[test]
    fn patience_with_an_incomplete_build_ends() {
        let mut script = Script::settled();
        assert!(!script.walk(5000, 2));
        assert!(script.walk(5200, 2));
        assert_eq!(script.read(5200, Read::Incomplete), Verdict::Wait);
        assert!(!script.walk(14_999, 2));
        script.due(15_000);
        assert!(script.walk(15_000, 2));
        assert_eq!(
            script.read(15_001, Read::Incomplete),
            Verdict::PublishIncomplete
        );
        assert!(!script.walk(20_000, 2), "it is not read again and again");
    }

    #[test]
    fn an_incomplete_build_that_still_changes_is_waited_for() {
        let mut script = Script::settled();
        let mut now = 5000;
        for fingerprint in 2..20 {
            assert!(!script.walk(now, fingerprint));
            assert!(script.walk(now + 200, fingerprint));
            assert_eq!(script.read(now + 200, Read::Incomplete), Verdict::Wait);
            now += 3000;
        }
    }

    #[test]
    fn at_start_up_an_old_incomplete_tree_is_taken_as_it_is() {
        let mut script = Script::new();
        assert!(script.walk_aged(0, 1, Duration::from_secs(11)));
        assert_eq!(script.read(0, Read::Incomplete), Verdict::PublishIncomplete);
    }

    #[test]
    fn what_never_comes_to_rest_is_read_after_a_minute() {
        let mut script = Script::settled();
        let reads = (0..400)
            .filter(|n| script.walk(5000 + 200 * n, 2 + n))
            .count();
        assert!(reads > 0);
    }

    #[test]
    fn a_tree_too_fresh_to_trust_is_read_once_more() {
        let mut script = Script::new();
        let walked = |trusted| Walked {
            fingerprint: 1,
            trusted,
            age: Duration::from_millis(300),
        };
        assert!(script.settle.walked(script.at(0), walked(false)));
        let verdict = script.settle.read(script.at(0), Read::Complete, false);
        assert_eq!(verdict, Verdict::Publish);
        script.due(2500);
        assert!(!script.settle.walked(script.at(1000), walked(false)));
        assert!(script.settle.walked(script.at(2500), walked(true)));
        assert_eq!(script.read(2500, Read::Complete), Verdict::Publish);
        script.due(7500);
    }

    #[test]
    fn a_directory_that_comes_back_is_looked_at_anew() {
        let mut script = Script::settled();
        script.settle.stir(script.at(1000));
        script.settle.absent(script.at(1020));
        script.due(6020);
        script.settle.stir(script.at(2000));
        assert!(!script.walk(2020, 1));
        assert!(script.walk(2220, 1));
        assert_eq!(script.read(2220, Read::Complete), Verdict::Publish);
    }
}
