use super::*;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;

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
struct Stage {
    consensus: Consensus,
    start: Instant,
    now: Instant,
    /// Second and id of each publish.
    published: Vec<(u64, String)>,
}

impl Stage {
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
    fn showing(pages: &Arc<ReleaseFingerprint>) -> Self {
        let mut stage = Self::new();
        for _ in 0..2 {
            stage.look(&[Some(pages)]);
            stage.wait(1);
        }
        assert_eq!(stage.published.len(), 1);
        stage.wait(9);
        stage
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn look(&mut self, sights: &[Option<&Arc<ReleaseFingerprint>>]) {
        let sights: Vec<_> = sights.iter().map(|sight| sight.cloned()).collect();
        let (release, pages) = match self.consensus.on_polled(self.now, &sights) {
            Decision::Wait => return,
            Decision::Publish(pages, _) => (Arc::new(Release::new(pages.id(), 1)), pages),
            Decision::Republish(known) => (known.release, known.pages),
        };
        let second = (self.now - self.start).as_secs();
        self.published.push((second, release.id().to_string()));
        self.consensus.set_current(release, Some(pages));
    }

    /// Looks at the interval, at a single upstream.
    fn looks(&mut self, sights: &[&Arc<ReleaseFingerprint>]) {
        for sight in sights {
            self.look(&[Some(sight)]);
            self.wait(10);
        }
    }

    /// How many times it has published after the first.
    fn news(&self) -> usize {
        self.published.len() - 1
    }

    #[track_caller]
    fn is_at(&self, pages: &ReleaseFingerprint) {
        assert_eq!(self.published.last().unwrap().1, pages.id().as_str());
    }
}

#[test]
fn the_first_that_is_seen_is_published_at_once() {
    let mut stage = Stage::new();
    stage.look(&[Some(&build("a"))]);
    stage.is_at(&build("a"));
}

#[test]
fn what_may_change_by_itself_is_seen_twice_first() {
    let mut stage = Stage::new();
    stage.look(&[Some(&inline("a", "token=1"))]);
    assert!(stage.published.is_empty());
    assert_eq!(stage.consensus.due(), Some(stage.now + CONFIRM_SOON));
    stage.wait(1);
    stage.look(&[Some(&inline("a", "token=2"))]);
    assert_eq!(stage.published.len(), 1);
    let mut other = Stage::new();
    other.look(&[Some(&inline("a", "token=8")), Some(&inline("a", "token=9"))]);
    assert_eq!(
        stage.published[0].1, other.published[0].1,
        "on another machine"
    );
}

#[test]
fn upstreams_that_never_agree_are_taken_as_they_are() {
    let mut stage = Stage::new();
    for _ in 0..4 {
        stage.look(&[Some(&build("a")), Some(&build("b"))]);
        assert!(stage.published.is_empty() || stage.now >= stage.start + MAX_START);
        stage.wait(10);
    }
    assert_eq!(stage.published.len(), 1);
    let mut stage = Stage::new();
    for n in 0..40 {
        stage.look(&[Some(&inline(&n.to_string(), "1"))]);
        stage.wait(1);
    }
    assert_eq!(stage.published.len(), 1, "another file each time");
}

#[test]
fn one_upstream_shows_the_same_twice_at_an_interval() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    stage.looks(&[&old, &new]);
    assert_eq!(stage.news(), 0);
    assert_eq!(stage.consensus.due(), Some(stage.now));
    stage.looks(&[&new]);
    assert_eq!(stage.news(), 1);
    stage.is_at(&new);
    stage.looks(&[&new, &new, &new]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn what_somebody_announces_is_believed_after_a_second() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    stage.consensus.expect_deploy(stage.now);
    assert!(stage.consensus.expects_deploy(stage.now));
    // It may still be on its way.
    stage.look(&[Some(&old)]);
    stage.wait(2);
    stage.look(&[Some(&new)]);
    assert_eq!(stage.news(), 0);
    stage.wait(1);
    stage.look(&[Some(&new)]);
    assert_eq!(stage.news(), 1);
    stage.is_at(&new);
    assert!(!stage.consensus.expects_deploy(stage.now));
}

#[test]
fn looks_in_quick_succession_are_one() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    for _ in 0..9 {
        stage.look(&[Some(&new)]);
        stage.wait(1);
    }
    assert_eq!(stage.news(), 0);
    stage.wait(1);
    stage.look(&[Some(&new)]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn several_upstreams_are_believed_when_they_agree() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::new();
    let (old, new) = (Some(&old), Some(&new));
    stage.look(&[old, old, old]);
    for sights in [
        [new, old, old],
        [new, new, old],
        [new, None, old],
        [None, new, old],
    ] {
        for _ in 0..10 {
            stage.wait(10);
            stage.look(&sights);
        }
    }
    assert_eq!(stage.news(), 0);
    stage.look(&[new, new, new]);
    assert_eq!(stage.news(), 1);
    stage.is_at(new.unwrap());
}

#[test]
fn upstreams_that_give_no_answer_do_not_count_for_long() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::new();
    stage.look(&[Some(&old), Some(&old)]);
    stage.wait(10);
    stage.look(&[Some(&new), None]);
    assert_eq!(stage.news(), 0);
    stage.wait(10);
    stage.look(&[Some(&new), None]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn an_upstream_that_is_down_is_no_news_and_neither_is_its_coming_back() {
    let old = build("a");
    let mut stage = Stage::showing(&old);
    for _ in 0..20 {
        stage.look(&[None]);
        stage.wait(10);
    }
    stage.looks(&[&old, &old, &old]);
    assert_eq!(stage.news(), 0);
    let new = build("b");
    stage.looks(&[&new]);
    stage.look(&[None]);
    stage.wait(10);
    assert_eq!(stage.news(), 0, "nothing is decided without an answer");
    stage.looks(&[&new]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn what_was_current_comes_back_after_nothing_else_was_seen_for_long() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    stage.looks(&[&new, &new]);
    assert_eq!(stage.news(), 1);
    let since = stage.now;
    for _ in 0..6 {
        stage.looks(&[&old]);
        assert_eq!(stage.news(), 1);
    }
    assert_eq!(stage.consensus.due(), Some(since + REPUBLISH_AFTER));
    stage.looks(&[&old]);
    assert_eq!(stage.news(), 2);
    stage.is_at(&old);
}

#[test]
fn a_script_in_the_page_that_changes_again_is_never_news() {
    let mut stage = Stage::showing(&inline("a", "x"));
    for n in 0..30 {
        stage.looks(&[&inline("a", &format!("token={n}"))]);
    }
    assert_eq!(stage.news(), 0);
    let mut stage = Stage::new();
    for n in 0..30 {
        stage.looks(&[&inline("a", &format!("token={n}"))]);
    }
    assert_eq!(stage.news(), 0);
    let new: Vec<_> = (0..3).map(|n| inline("b", &format!("token={n}"))).collect();
    stage.looks(&[&new[0], &new[1]]);
    assert_eq!(stage.news(), 1);
    stage.looks(&[&new[2]]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn a_script_in_the_page_that_is_another_from_now_on_is_news() {
    let (old, new) = (inline("a", "1"), inline("a", "2"));
    let mut stage = Stage::showing(&old);
    stage.looks(&[&old, &new]);
    assert_eq!(stage.news(), 0);
    stage.looks(&[&new, &new]);
    assert_eq!(stage.news(), 1);
}

#[test]
fn a_script_in_the_page_that_changes_every_minute_is_soon_forgotten() {
    let mut stage = Stage::showing(&inline("a", "0"));
    for n in 0..600 {
        stage.looks(&[&inline("a", &format!("minute={}", n / 6))]);
    }
    assert!(stage.news() <= 2, "{:?}", stage.published);
}

#[test]
fn the_version_in_a_query_is_news_and_a_random_one_is_not() {
    let query = |version: u32, random: u32| {
        page(&format!(
            "<script src='/a.js?v={version}'></script><script src='/b.js?{random}'></script>"
        ))
    };
    let mut stage = Stage::new();
    for n in 0..20 {
        stage.looks(&[&query(1, n)]);
    }
    assert_eq!(stage.published.len(), 1);
    stage.looks(&[&query(2, 20), &query(2, 21)]);
    assert_eq!(stage.news(), 1);
    let plain = |version: u32| page(&format!("<script src='/a.js?v={version}'></script>"));
    let mut stage = Stage::showing(&plain(1));
    // Two deploys within an interval don't make the query a random one.
    stage.looks(&[&plain(2), &plain(3), &plain(3), &plain(4), &plain(4)]);
    assert_eq!(stage.news(), 2);
}

#[test]
fn what_somebody_else_published_is_what_is_seen_next() {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    let release = Release::new("v2".parse().unwrap(), 1);
    stage.consensus.set_current(Arc::new(release), None);
    assert!(stage.consensus.current().is_none());
    // The upstream has not got it yet.
    stage.looks(&[&old, &old, &old]);
    stage.looks(&[&new, &new, &new]);
    assert_eq!(stage.news(), 0);
    let current = stage.consensus.current().unwrap();
    assert_eq!(
        (current.release.id().as_str(), &current.pages),
        ("v2", &new)
    );
    let next = build("c");
    stage.looks(&[&next, &next]);
    stage.is_at(&next);
    stage.looks(&[&new; 8]);
    assert_eq!(
        stage.published.last().unwrap().1,
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
/// the pages that they get are seen. Gives how often it was news, and whether it ended with the new build.
fn roll(seed: u64, seconds: u64, visits: u64) -> (usize, bool) {
    let (old, new) = (build("a"), build("b"));
    let mut stage = Stage::showing(&old);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let begin = stage.now;
    let mut next_look = stage.now;
    while stage.now < begin + Duration::from_secs(seconds + 120) {
        let gone = (stage.now - begin).as_secs().min(seconds);
        let mut shows_new = || dice.below(seconds) < gone;
        if visits > 0 && (stage.now - begin).as_secs().is_multiple_of(visits) {
            let is_current = match stage.news() {
                0 => !shows_new(),
                _ => shows_new(),
            };
            if is_current {
                stage.consensus.on_current_seen(stage.now);
            } else {
                next_look = next_look.min(stage.now + CONFIRM_SOON);
            }
        }
        if stage.now >= next_look {
            let sight = if shows_new() { &new } else { &old };
            stage.look(&[Some(sight)]);
            let at = stage.now + POLL_INTERVAL;
            next_look = stage.consensus.due().map_or(at, |due| due.min(at));
        }
        stage.wait(1);
    }
    let ends_new = stage.published.last().unwrap().1 == new.id().as_str();
    (stage.news(), ends_new)
}

#[test]
fn a_rolling_deploy_behind_a_balancer_is_news_once() {
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
