//! What is published after which polls.

use std::sync::Arc;

use crate::release::Release;
use crate::source::upstream::consensus::consensus::CONFIRM_SOON;
use crate::source::upstream::consensus::consensus::MAX_START;
use crate::source::upstream::consensus::consensus::REPUBLISH_AFTER;
use crate::source::upstream::consensus::tests::simulation::Simulation;
use crate::source::upstream::consensus::tests::simulation::build;
use crate::source::upstream::consensus::tests::simulation::inline;
use crate::source::upstream::consensus::tests::simulation::page;

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
    // The new build may not be there yet.
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
        "nothing is decided without a response"
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
    // Two deploys within an interval do not make the query a random one.
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
    // The upstream does not have it yet.
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
        "it is published again by its own id"
    );
}
