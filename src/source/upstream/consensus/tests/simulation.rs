//! Polls of a simulated site.

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

pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The fingerprint of an upstream with this page.
pub(crate) fn page(html: &str) -> Arc<ReleaseFingerprint> {
    let found = PageReader::parse(html.as_bytes()).unwrap();
    let location = PageLocation {
        path: "/",
        host: None,
    };
    let print = PageFingerprint::new(found.resolve_at(location));
    Arc::new(ReleaseFingerprint::Pages(vec![("/".into(), print)]))
}

/// A build with its name in that of its script.
pub(crate) fn build(name: &str) -> Arc<ReleaseFingerprint> {
    page(&format!("<script src=/app-{name}.js></script>"))
}

/// A build with such an inline script.
pub(crate) fn inline(name: &str, script: &str) -> Arc<ReleaseFingerprint> {
    page(&format!(
        "<script src=/app-{name}.js></script><script>{script}</script>"
    ))
}

/// Polls of a simulated site, and what was published.
pub(crate) struct Simulation {
    pub(crate) consensus: Consensus,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    /// Second and id of each publish.
    pub(crate) published: Vec<(u64, String)>,
}

impl Simulation {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self {
            consensus: Consensus::new(POLL_INTERVAL),
            start,
            now: start,
            published: Vec::new(),
        }
    }

    /// A site with a single upstream, whose build is published.
    pub(crate) fn showing(fingerprint: &Arc<ReleaseFingerprint>) -> Self {
        let mut simulation = Self::new();
        for _ in 0..2 {
            simulation.poll(&[Some(fingerprint)]);
            simulation.wait(1);
        }
        assert_eq!(simulation.published.len(), 1);
        simulation.wait(9);
        simulation
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    pub(crate) fn poll(&mut self, shown: &[Option<&Arc<ReleaseFingerprint>>]) {
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

    /// Polls a single upstream at the interval.
    pub(crate) fn polls(&mut self, shown: &[&Arc<ReleaseFingerprint>]) {
        for shown_by_one in shown {
            self.poll(&[Some(shown_by_one)]);
            self.wait(10);
        }
    }

    /// How many releases were published after the first.
    pub(crate) fn new_releases(&self) -> usize {
        self.published.len() - 1
    }

    #[track_caller]
    pub(crate) fn assert_current(&self, fingerprint: &ReleaseFingerprint) {
        assert_eq!(self.published.last().unwrap().1, fingerprint.id().as_str());
    }
}
