//! The state that all clones of a proxy share.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::origin::proxy::backend::Backend;
use crate::origin::proxy::retry_queue::RetryQueue;
use crate::origin::proxy::settings::Settings;
use crate::origin::proxy::tunnel::Tunnels;

/// Settings, backends, and what requests have in common.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) backends: Vec<Backend>,
    pub(crate) tunnels: Tunnels,
    pub(crate) retry_queue: RetryQueue,
    /// Round robin: the number of requests so far.
    turn: AtomicUsize,
}

/// The backends that a request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    Any,
    /// The one with this index.
    Only(usize),
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let upstreams = settings.upstreams.iter();
        let backends = upstreams.map(|upstream| {
            Backend::new(
                upstream.clone(),
                settings.timeouts(),
                &settings.roots,
                settings.pool_idle_timeout,
            )
        });
        Self {
            backends: backends.collect(),
            settings,
            tunnels: Tunnels::default(),
            retry_queue: RetryQueue::new(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The indices of the backends in the order in which to try them: round robin, available ones first.
    pub(crate) fn order(&self, selection: Selection) -> Vec<usize> {
        let count = self.backends.len();
        let mut order: Vec<usize> = match selection {
            Selection::Only(index) => vec![index],
            Selection::Any if count == 1 => vec![0],
            Selection::Any => {
                let first = self.turn.fetch_add(1, Ordering::Relaxed) % count;
                (0..count).map(|n| (first + n) % count).collect()
            }
        };
        if order.len() > 1 {
            order.sort_by_key(|index| !self.backends[*index].health.is_available());
        }
        order
    }

    /// Records that a backend has responded.
    pub(crate) fn record_success(&self, backend: &Backend) {
        if backend.health.record_success() {
            tracing::info!(upstream = %backend.upstream, "upstream healthy again");
            self.trigger_check();
        }
    }

    /// Requests a check of the site's sources, if there is a site.
    pub(crate) fn trigger_check(&self) {
        if let Some(site) = &self.settings.site {
            site.maybe_changed();
        }
    }
}
