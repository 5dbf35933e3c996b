use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;
use crate::release::Release;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::source::upstream::consensus::Consensus;
use crate::source::upstream::consensus::PollDecision;
use crate::source::upstream::consensus::consensus::CONFIRM_SOON;
use crate::source::upstream::consensus::consensus::MAX_START;
use crate::source::upstream::consensus::consensus::REPUBLISH_AFTER;

const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// What an upstream shows that has this page.
fn page(html: &str) -> Arc<ReleaseFingerprint> {
    let found = PageReader::parse(html.as_bytes()).unwrap();
    let location = PageLocation {
        path: "/",
        host: None,
    };
    let print = PageFingerprint::new(found.resolve_at(location));
    Arc::new(ReleaseFingerprint::Pages(vec![("/".into(), print)]))
}

/// A build whose name is in that of its script.
fn build(name: &str) -> Arc<ReleaseFingerprint> {
    page(&format!("<script src=/app-{name}.js></script>"))
}

/// A build with such a script in the page.
fn inline(name: &str, script: &str) -> Arc<ReleaseFingerprint> {
    page(&format!(
        "<script src=/app-{name}.js></script><script>{script}</script>"
    ))
}

/// Looks at a simulated site, and what became of them.
struct Simulation {
    consensus: Consensus,
    start: Instant,
    now: Instant,
    /// Second and id of each publish.
    published: Vec<(u64, String)>,
}

impl Simulation {
    fn new() -> Self {
        let start = Instant::now();
        Self {
            consensus: Consensus::new(POLL_INTERVAL),
            start,
            now: start,
            published: Vec::new(),
        }
    }

    /// A site that has published this, as its only upstream shows it.
    fn showing(fingerprint: &Arc<ReleaseFingerprint>) -> Self {
        let mut simulation = Self::new();
        for _ in 0..2 {
            simulation.poll(&[Some(fingerprint)]);
            simulation.wait(1);
        }
        assert_eq!(simulation.published.len(), 1);
        simulation.wait(9);
        simulation
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn poll(&mut self, shown: &[Option<&Arc<ReleaseFingerprint>>]) {
        let shown: Vec<_> = shown
            .iter()
            .map(|shown_by_one| shown_by_one.cloned())
            .collect();
        let (release, fingerprint) = match self.consensus.on_polled(self.now, &shown) {
            PollDecision::Wait => return,
            PollDecision::Publish(fingerprint, _) => {
                (Arc::new(Release::new(fingerprint.id(), 1)), fingerprint)
            }
            PollDecision::Republish(known) => (known.release, known.fingerprint),
        };
        let second = (self.now - self.start).as_secs();
        self.published.push((second, release.id().to_string()));
        self.consensus.set_current(release, Some(fingerprint));
    }

    /// Looks at the interval, at a single upstream.
    fn polls(&mut self, shown: &[&Arc<ReleaseFingerprint>]) {
        for shown_by_one in shown {
            self.poll(&[Some(shown_by_one)]);
            self.wait(10);
        }
    }

    /// How many times it has published after the first.
    fn new_releases(&self) -> usize {
        self.published.len() - 1
    }

    #[track_caller]
    fn assert_current(&self, fingerprint: &ReleaseFingerprint) {
        assert_eq!(self.published.last().unwrap().1, fingerprint.id().as_str());
    }
}

#[test]
fn first_build_is_published_at_once() {
    let mut simulation = Simulation::new();
    simulation.poll(&[Some(&build("a"))]);
    simulation.assert_current(&build("a"));
}

#[test]
fn first_build_with_inline_script_is_published_when_seen_twice() {
    let mut simulation = Simulation::new();
    simulation.poll(&[Some(&inline("a", "token=1"))]);
    assert!(simulation.published.is_empty());
    assert_eq!(
        simulation.consensus.due(),
        Some(simulation.now + CONFIRM_SOON)
    );
    simulation.wait(1);
    simulation.poll(&[Some(&inline("a", "token=2"))]);
    assert_eq!(simulation.published.len(), 1);
    let mut other = Simulation::new();
    other.poll(&[Some(&inline("a", "token=8")), Some(&inline("a", "token=9"))]);
    assert_eq!(
        simulation.published[0].1, other.published[0].1,
        "on another machine"
    );
}

#[test]
fn upstreams_that_never_agree_are_published_after_max_start() {
    let mut simulation = Simulation::new();
    for _ in 0..4 {
        simulation.poll(&[Some(&build("a")), Some(&build("b"))]);
        assert!(simulation.published.is_empty() || simulation.now >= simulation.start + MAX_START);
        simulation.wait(10);
    }
    assert_eq!(simulation.published.len(), 1);
    let mut simulation = Simulation::new();
    for n in 0..40 {
        simulation.poll(&[Some(&inline(&n.to_string(), "1"))]);
        simulation.wait(1);
    }
    assert_eq!(simulation.published.len(), 1, "another file each time");
}

#[test]
fn single_upstream_publishes_build_seen_twice_at_interval() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    simulation.polls(&[&old, &new]);
    assert_eq!(simulation.new_releases(), 0);
    assert_eq!(simulation.consensus.due(), Some(simulation.now));
    simulation.polls(&[&new]);
    assert_eq!(simulation.new_releases(), 1);
    simulation.assert_current(&new);
    simulation.polls(&[&new, &new, &new]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn announced_build_is_published_after_a_second() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    simulation.consensus.expect_deploy(simulation.now);
    assert!(simulation.consensus.expects_deploy(simulation.now));
    // It may still be on its way.
    simulation.poll(&[Some(&old)]);
    simulation.wait(2);
    simulation.poll(&[Some(&new)]);
    assert_eq!(simulation.new_releases(), 0);
    simulation.wait(1);
    simulation.poll(&[Some(&new)]);
    assert_eq!(simulation.new_releases(), 1);
    simulation.assert_current(&new);
    assert!(!simulation.consensus.expects_deploy(simulation.now));
}

#[test]
fn polls_in_quick_succession_count_once() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    for _ in 0..9 {
        simulation.poll(&[Some(&new)]);
        simulation.wait(1);
    }
    assert_eq!(simulation.new_releases(), 0);
    simulation.wait(1);
    simulation.poll(&[Some(&new)]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn several_upstreams_publish_build_when_they_agree() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::new();
    let (old, new) = (Some(&old), Some(&new));
    simulation.poll(&[old, old, old]);
    for shown in [
        [new, old, old],
        [new, new, old],
        [new, None, old],
        [None, new, old],
    ] {
        for _ in 0..10 {
            simulation.wait(10);
            simulation.poll(&shown);
        }
    }
    assert_eq!(simulation.new_releases(), 0);
    simulation.poll(&[new, new, new]);
    assert_eq!(simulation.new_releases(), 1);
    simulation.assert_current(new.unwrap());
}

#[test]
fn failing_upstreams_do_not_delay_publish_for_long() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::new();
    simulation.poll(&[Some(&old), Some(&old)]);
    simulation.wait(10);
    simulation.poll(&[Some(&new), None]);
    assert_eq!(simulation.new_releases(), 0);
    simulation.wait(10);
    simulation.poll(&[Some(&new), None]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn upstream_down_and_up_again_publishes_nothing() {
    let old = build("a");
    let mut simulation = Simulation::showing(&old);
    for _ in 0..20 {
        simulation.poll(&[None]);
        simulation.wait(10);
    }
    simulation.polls(&[&old, &old, &old]);
    assert_eq!(simulation.new_releases(), 0);
    let new = build("b");
    simulation.polls(&[&new]);
    simulation.poll(&[None]);
    simulation.wait(10);
    assert_eq!(
        simulation.new_releases(),
        0,
        "nothing is decided without an answer"
    );
    simulation.polls(&[&new]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn former_release_is_republished_after_a_minute_alone() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    simulation.polls(&[&new, &new]);
    assert_eq!(simulation.new_releases(), 1);
    let since = simulation.now;
    for _ in 0..6 {
        simulation.polls(&[&old]);
        assert_eq!(simulation.new_releases(), 1);
    }
    assert_eq!(simulation.consensus.due(), Some(since + REPUBLISH_AFTER));
    simulation.polls(&[&old]);
    assert_eq!(simulation.new_releases(), 2);
    simulation.assert_current(&old);
}

#[test]
fn inline_script_that_changes_every_time_is_not_published() {
    let mut simulation = Simulation::showing(&inline("a", "x"));
    for n in 0..30 {
        simulation.polls(&[&inline("a", &format!("token={n}"))]);
    }
    assert_eq!(simulation.new_releases(), 0);
    let mut simulation = Simulation::new();
    for n in 0..30 {
        simulation.polls(&[&inline("a", &format!("token={n}"))]);
    }
    assert_eq!(simulation.new_releases(), 0);
    let new: Vec<_> = (0..3).map(|n| inline("b", &format!("token={n}"))).collect();
    simulation.polls(&[&new[0], &new[1]]);
    assert_eq!(simulation.new_releases(), 1);
    simulation.polls(&[&new[2]]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn inline_script_that_changes_once_is_published() {
    let (old, new) = (inline("a", "1"), inline("a", "2"));
    let mut simulation = Simulation::showing(&old);
    simulation.polls(&[&old, &new]);
    assert_eq!(simulation.new_releases(), 0);
    simulation.polls(&[&new, &new]);
    assert_eq!(simulation.new_releases(), 1);
}

#[test]
fn inline_script_that_changes_every_minute_is_soon_ignored() {
    let mut simulation = Simulation::showing(&inline("a", "0"));
    for n in 0..600 {
        simulation.polls(&[&inline("a", &format!("minute={}", n / 6))]);
    }
    assert!(simulation.new_releases() <= 2, "{:?}", simulation.published);
}

#[test]
fn version_in_query_is_published_and_random_query_is_not() {
    let query = |version: u32, random: u32| {
        page(&format!(
            "<script src='/a.js?v={version}'></script><script src='/b.js?{random}'></script>"
        ))
    };
    let mut simulation = Simulation::new();
    for n in 0..20 {
        simulation.polls(&[&query(1, n)]);
    }
    assert_eq!(simulation.published.len(), 1);
    simulation.polls(&[&query(2, 20), &query(2, 21)]);
    assert_eq!(simulation.new_releases(), 1);
    let plain = |version: u32| page(&format!("<script src='/a.js?v={version}'></script>"));
    let mut simulation = Simulation::showing(&plain(1));
    // Two deploys within an interval don't make the query a random one.
    simulation.polls(&[&plain(2), &plain(3), &plain(3), &plain(4), &plain(4)]);
    assert_eq!(simulation.new_releases(), 2);
}

#[test]
fn release_published_otherwise_takes_next_seen_fingerprint() {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    let release = Release::new("v2".parse().unwrap(), 1);
    simulation.consensus.set_current(Arc::new(release), None);
    assert!(simulation.consensus.current().is_none());
    // The upstream has not got it yet.
    simulation.polls(&[&old, &old, &old]);
    simulation.polls(&[&new, &new, &new]);
    assert_eq!(simulation.new_releases(), 0);
    let current = simulation.consensus.current().unwrap();
    assert_eq!(
        (current.release.id().as_str(), &current.fingerprint),
        ("v2", &new)
    );
    let next = build("c");
    simulation.polls(&[&next, &next]);
    simulation.assert_current(&next);
    simulation.polls(&[&new; 8]);
    assert_eq!(
        simulation.published.last().unwrap().1,
        "v2",
        "it comes back under its own name"
    );
}

/// Numbers without any order, but always the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A fleet behind a balancer goes over to the new build one by one within `seconds`; visitors come every so often, and
/// the fingerprint that they get are seen. Gives how often it was news, and whether it ended with the new build.
fn roll(seed: u64, seconds: u64, visits: u64) -> (usize, bool) {
    let (old, new) = (build("a"), build("b"));
    let mut simulation = Simulation::showing(&old);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let begin = simulation.now;
    let mut next_poll = simulation.now;
    while simulation.now < begin + Duration::from_secs(seconds + 120) {
        let gone = (simulation.now - begin).as_secs().min(seconds);
        let mut shows_new = || dice.below(seconds) < gone;
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
