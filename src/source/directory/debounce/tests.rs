use std::time::Duration;
use std::time::Instant;

use crate::source::directory::debounce::Debouncer;
use crate::source::directory::debounce::PublishDecision;
use crate::source::directory::debounce::ReadOutcome;
use crate::source::directory::debounce::Timing;
use crate::source::directory::debounce::TreeScan;
use crate::source::directory::debounce::debouncer::TreeHash;

const TIMING: Timing = Timing {
    debounce: Duration::from_millis(200),
    incomplete_after: Duration::from_secs(10),
    rescan_interval: Duration::from_secs(5),
};

/// A debouncer, with times in milliseconds from its start.
struct Simulation {
    debouncer: Debouncer,
    start: Instant,
}

impl Simulation {
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
    fn next_scan_is(&self, ms: u64) {
        assert_eq!(
            (self.debouncer.next_scan() - self.start).as_millis(),
            u128::from(ms)
        );
    }

    fn scan(&mut self, ms: u64, hash: TreeHash) -> bool {
        self.scan_aged(ms, hash, Duration::ZERO)
    }

    fn scan_aged(&mut self, ms: u64, hash: TreeHash, age: Duration) -> bool {
        let scan = TreeScan {
            hash,
            is_reliable: true,
            age,
        };
        self.debouncer.record_scan(self.at(ms), scan)
    }

    fn read(&mut self, ms: u64, read: ReadOutcome) -> PublishDecision {
        self.debouncer.decide(self.at(ms), read, true)
    }

    /// Published and unchanged at 0 ms.
    fn settled() -> Self {
        let mut simulation = Self::new();
        assert!(simulation.scan_aged(0, 1, Duration::from_secs(60)));
        assert_eq!(
            simulation.read(0, ReadOutcome::Complete),
            PublishDecision::Publish
        );
        simulation.next_scan_is(5000);
        simulation
    }
}

#[test]
fn old_tree_at_start_is_published_at_once() {
    Simulation::settled();
}

#[test]
fn fresh_tree_at_start_is_read_after_debounce() {
    let mut simulation = Simulation::new();
    assert!(!simulation.scan_aged(0, 1, Duration::from_millis(50)));
    simulation.next_scan_is(150);
    assert!(simulation.scan(150, 1));
}

#[test]
fn event_brings_scan_forward_and_two_equal_scans_settle() {
    let mut simulation = Simulation::settled();
    simulation.debouncer.record_change(simulation.at(1000));
    simulation.next_scan_is(1020);
    simulation.debouncer.record_change(simulation.at(1010));
    simulation.next_scan_is(1020);
    assert!(!simulation.scan(1020, 2));
    simulation.next_scan_is(1220);
    simulation.debouncer.record_change(simulation.at(1100));
    simulation.next_scan_is(1220);
    assert!(simulation.scan(1220, 2));
    assert_eq!(
        simulation.read(1230, ReadOutcome::Complete),
        PublishDecision::Publish
    );
    simulation.next_scan_is(6230);
}

#[test]
fn tree_changing_between_scans_is_not_read() {
    let mut simulation = Simulation::settled();
    simulation.debouncer.record_change(simulation.at(1000));
    for (n, hash) in (2..50).enumerate() {
        let now = 1020 + 200 * n as u64;
        assert!(!simulation.scan(now, hash));
        simulation.next_scan_is(now + 200);
    }
}

#[test]
fn rescan_without_events_finds_and_settles_change() {
    let mut simulation = Simulation::settled();
    assert!(!simulation.scan(5000, 2));
    simulation.next_scan_is(5200);
    assert!(simulation.scan(5200, 2));
}

#[test]
fn event_without_change_does_not_read() {
    let mut simulation = Simulation::settled();
    simulation.debouncer.record_change(simulation.at(1000));
    assert!(!simulation.scan(1020, 1));
    simulation.next_scan_is(6020);
}

#[test]
fn files_changing_while_read_are_read_again() {
    let mut simulation = Simulation::new();
    assert!(simulation.scan_aged(0, 1, Duration::from_secs(60)));
    assert_eq!(
        simulation.read(10, ReadOutcome::Changing),
        PublishDecision::Wait
    );
    simulation.next_scan_is(210);
}

#[test]
fn incomplete_build_waits_until_complete() {
    let mut simulation = Simulation::settled();
    assert!(!simulation.scan(5000, 2));
    assert!(simulation.scan(5200, 2));
    assert_eq!(
        simulation.read(5200, ReadOutcome::Incomplete),
        PublishDecision::Wait
    );
    simulation.next_scan_is(10_200);
    // The next scan finds the same: it is not read again.
    assert!(!simulation.scan(10_200, 2));
    simulation.next_scan_is(15_000);
    // Then the rest comes.
    simulation.debouncer.record_change(simulation.at(12_000));
    assert!(!simulation.scan(12_020, 3));
    assert!(simulation.scan(12_220, 3));
    assert_eq!(
        simulation.read(12_220, ReadOutcome::Complete),
        PublishDecision::Publish
    );
}

#[test]
fn incomplete_build_is_published_after_incomplete_after() {
    let mut simulation = Simulation::settled();
    assert!(!simulation.scan(5000, 2));
    assert!(simulation.scan(5200, 2));
    assert_eq!(
        simulation.read(5200, ReadOutcome::Incomplete),
        PublishDecision::Wait
    );
    assert!(!simulation.scan(14_999, 2));
    simulation.next_scan_is(15_000);
    assert!(simulation.scan(15_000, 2));
    assert_eq!(
        simulation.read(15_001, ReadOutcome::Incomplete),
        PublishDecision::PublishIncomplete
    );
    assert!(
        !simulation.scan(20_000, 2),
        "it is not read again and again"
    );
}

#[test]
fn incomplete_build_that_changes_keeps_waiting() {
    let mut simulation = Simulation::settled();
    let mut now = 5000;
    for hash in 2..20 {
        assert!(!simulation.scan(now, hash));
        assert!(simulation.scan(now + 200, hash));
        assert_eq!(
            simulation.read(now + 200, ReadOutcome::Incomplete),
            PublishDecision::Wait
        );
        now += 3000;
    }
}

#[test]
fn old_incomplete_tree_at_start_is_published() {
    let mut simulation = Simulation::new();
    assert!(simulation.scan_aged(0, 1, Duration::from_secs(11)));
    assert_eq!(
        simulation.read(0, ReadOutcome::Incomplete),
        PublishDecision::PublishIncomplete
    );
}

#[test]
fn tree_changing_for_a_minute_is_read() {
    let mut simulation = Simulation::settled();
    let reads = (0..400)
        .filter(|n| simulation.scan(5000 + 200 * n, 2 + n))
        .count();
    assert!(reads > 0);
}

#[test]
fn tree_with_unreliable_stamps_is_read_once_more() {
    let mut simulation = Simulation::new();
    let scan = |is_reliable| TreeScan {
        hash: 1,
        is_reliable,
        age: Duration::from_millis(300),
    };
    assert!(
        simulation
            .debouncer
            .record_scan(simulation.at(0), scan(false))
    );
    let verdict = simulation
        .debouncer
        .decide(simulation.at(0), ReadOutcome::Complete, false);
    assert_eq!(verdict, PublishDecision::Publish);
    simulation.next_scan_is(2500);
    assert!(
        !simulation
            .debouncer
            .record_scan(simulation.at(1000), scan(false))
    );
    assert!(
        simulation
            .debouncer
            .record_scan(simulation.at(2500), scan(true))
    );
    assert_eq!(
        simulation.read(2500, ReadOutcome::Complete),
        PublishDecision::Publish
    );
    simulation.next_scan_is(7500);
}

#[test]
fn directory_that_returns_is_read_anew() {
    let mut simulation = Simulation::settled();
    simulation.debouncer.record_change(simulation.at(1000));
    simulation.debouncer.record_absence(simulation.at(1020));
    simulation.next_scan_is(6020);
    simulation.debouncer.record_change(simulation.at(2000));
    assert!(!simulation.scan(2020, 1));
    assert!(simulation.scan(2220, 1));
    assert_eq!(
        simulation.read(2220, ReadOutcome::Complete),
        PublishDecision::Publish
    );
}

#[test]
fn debouncer_is_settled_once_the_seen_tree_is_decided() {
    assert!(!Simulation::new().debouncer.is_settled());
    let mut simulation = Simulation::settled();
    assert!(simulation.debouncer.is_settled());
    assert!(!simulation.scan(5000, 2));
    assert!(!simulation.debouncer.is_settled(), "it is changing");
    assert!(simulation.scan(5200, 2));
    assert_eq!(
        simulation.read(5200, ReadOutcome::Incomplete),
        PublishDecision::Wait
    );
    assert!(!simulation.debouncer.is_settled(), "it lacks something");
    assert!(!simulation.scan(6000, 1));
    assert!(simulation.debouncer.is_settled(), "it is what it was");
    simulation.debouncer.record_absence(simulation.at(7000));
    assert!(!simulation.debouncer.is_settled(), "it is absent");
}
