//! A table of times.

use super::*;

const TIMING: Timing = Timing {
    debounce: Duration::from_millis(200),
    incomplete_after: Duration::from_secs(10),
    rescan_interval: Duration::from_secs(5),
};

/// A debouncer that is asked at the times it wants to be asked, in milliseconds from its start.
struct Script {
    debouncer: Debouncer,
    start: Instant,
}

impl Script {
    fn new() -> Self {
        let start = Instant::now();
        Self {
            debouncer: Debouncer::new(start, TIMING),
            start,
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    #[track_caller]
    fn due(&self, ms: u64) {
        assert_eq!(
            (self.debouncer.due() - self.start).as_millis(),
            u128::from(ms)
        );
    }

    fn walk(&mut self, ms: u64, fingerprint: TreeFingerprint) -> bool {
        self.walk_aged(ms, fingerprint, Duration::ZERO)
    }

    fn walk_aged(&mut self, ms: u64, fingerprint: TreeFingerprint, age: Duration) -> bool {
        let walked = Walked {
            fingerprint,
            trusted: true,
            age,
        };
        self.debouncer.walked(self.at(ms), walked)
    }

    fn read(&mut self, ms: u64, read: Read) -> Verdict {
        self.debouncer.read(self.at(ms), read, true)
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
    script.debouncer.record_change(script.at(1000));
    script.due(1020);
    script.debouncer.record_change(script.at(1010));
    script.due(1020);
    assert!(!script.walk(1020, 2));
    script.due(1220);
    script.debouncer.record_change(script.at(1100));
    script.due(1220);
    assert!(script.walk(1220, 2));
    assert_eq!(script.read(1230, Read::Complete), Verdict::Publish);
    script.due(6230);
}

#[test]
fn a_tree_that_changes_between_looks_is_not_read() {
    let mut script = Script::settled();
    script.debouncer.record_change(script.at(1000));
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
    script.debouncer.record_change(script.at(1000));
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
    script.debouncer.record_change(script.at(12_000));
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
    assert!(script.debouncer.walked(script.at(0), walked(false)));
    let verdict = script.debouncer.read(script.at(0), Read::Complete, false);
    assert_eq!(verdict, Verdict::Publish);
    script.due(2500);
    assert!(!script.debouncer.walked(script.at(1000), walked(false)));
    assert!(script.debouncer.walked(script.at(2500), walked(true)));
    assert_eq!(script.read(2500, Read::Complete), Verdict::Publish);
    script.due(7500);
}

#[test]
fn a_directory_that_comes_back_is_looked_at_anew() {
    let mut script = Script::settled();
    script.debouncer.record_change(script.at(1000));
    script.debouncer.absent(script.at(1020));
    script.due(6020);
    script.debouncer.record_change(script.at(2000));
    assert!(!script.walk(2020, 1));
    assert!(script.walk(2220, 1));
    assert_eq!(script.read(2220, Read::Complete), Verdict::Publish);
}

#[test]
fn nothing_is_waited_for_once_the_tree_that_was_seen_is_judged() {
    assert!(!Script::new().debouncer.is_at_rest());
    let mut script = Script::settled();
    assert!(script.debouncer.is_at_rest());
    assert!(!script.walk(5000, 2));
    assert!(!script.debouncer.is_at_rest(), "it is changing");
    assert!(script.walk(5200, 2));
    assert_eq!(script.read(5200, Read::Incomplete), Verdict::Wait);
    assert!(!script.debouncer.is_at_rest(), "it lacks something");
    assert!(!script.walk(6000, 1));
    assert!(script.debouncer.is_at_rest(), "it is what it was");
    script.debouncer.absent(script.at(7000));
    assert!(!script.debouncer.is_at_rest(), "it is away");
}
