//! Requests to the sources of a site to check for a new release.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

/// The sender's side of check requests. `Clone` is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckRequester(Arc<watch::Sender<CheckRequest>>);

/// The last request.
#[derive(Debug, Clone, Copy, Default)]
struct CheckRequest {
    /// When a deploy was last announced.
    deploy_announced: Option<Instant>,
}

/// The receiver's side: any number of requests since the last one received are one.
#[derive(Debug)]
pub(crate) struct CheckRequests(watch::Receiver<CheckRequest>);

impl CheckRequester {
    /// Requests a check because a deploy was announced.
    pub(crate) fn announce_deploy(&self, now: Instant) {
        self.0
            .send_modify(|request| request.deploy_announced = Some(now));
    }

    /// Requests a check because something may have changed.
    pub(crate) fn request(&self) {
        self.0.send_modify(|_| {});
    }

    /// A receiver of the requests from now on.
    pub(crate) fn subscribe(&self) -> CheckRequests {
        CheckRequests(self.0.subscribe())
    }
}

impl CheckRequests {
    /// Completes when a check is requested, with the time at which a deploy was last announced. Pending for ever once
    /// the site is gone.
    pub(crate) async fn next(&mut self) -> Option<Instant> {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().deploy_announced
    }
}
