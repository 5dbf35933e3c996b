//! Rolling deploys behind a load balancer, by seeds.

use std::time::Duration;

use crate::source::upstream::consensus::consensus::CONFIRM_SOON;
use crate::source::upstream::consensus::tests::simulation::POLL_INTERVAL;
use crate::source::upstream::consensus::tests::simulation::Simulation;
use crate::source::upstream::consensus::tests::simulation::build;

/// A pseudo-random number generator (xorshift) with a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// Replaces the build of a fleet behind a load balancer one by one within `seconds`. A page passes through every
/// `visits` seconds and is observed. Gives how many releases were published, and whether the last is the new build.
fn roll(seed: u64, seconds: u64, visits: u64) -> (usize, bool) {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let begin = simulation.now;
    let mut next_poll = simulation.now;
    while simulation.now < begin + Duration::from_secs(seconds + 120) {
        let gone = (simulation.now - begin).as_secs().min(seconds);
        let mut shows_new = || random.below(seconds) < gone;
        if visits > 0 && (simulation.now - begin).as_secs().is_multiple_of(visits) {
            let is_current = match simulation.new_releases() {
                0 => !shows_new(),
                _ => shows_new(),
            };
            if is_current {
                simulation.consensus.on_current_seen(simulation.now);
            } else {
                next_poll = next_poll.min(simulation.now + CONFIRM_SOON);
            }
        }
        if simulation.now >= next_poll {
            let shown_by_one = if shows_new() { &new } else { &old };
            simulation.poll(&[Some(shown_by_one)]);
            let at = simulation.now + POLL_INTERVAL;
            next_poll = simulation.consensus.due().map_or(at, |due| due.min(at));
        }
        simulation.wait(1);
    }
    let ends_new = simulation.published.last().unwrap().1 == new.id().as_str();
    (simulation.new_releases(), ends_new)
}

#[test]
fn rolling_deploy_behind_load_balancer_is_published_once() {
    for seed in 0..300 {
        for visits in [0, 1, 3, 20] {
            assert_eq!(
                roll(seed, 90, visits),
                (1, true),
                "seed {seed}, visits {visits}"
            );
        }
    }
}
