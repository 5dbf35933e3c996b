//! Active health checks.

use std::convert::Infallible;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use http::uri::PathAndQuery;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;

use crate::origin::proxy::dispatch;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;
use crate::origin::proxy::upstream_request::UpstreamRequest;

/// Requests `path` from every backend, one after the other, every `period`; each has this long to respond.
pub(crate) async fn run(shared: &Shared, path: &str, period: Duration) -> Infallible {
    let path = path
        .parse()
        .unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let mut streaks = vec![Streak::default(); shared.backends.len()];
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (index, streak) in streaks.iter_mut().enumerate() {
            let is_success = is_success(shared, &path, index, period).await;
            if let Some(is_unhealthy) = streak.record(is_success) {
                set_unhealthy(shared, index, is_unhealthy);
            }
        }
    }
}

async fn is_success(shared: &Shared, path: &PathAndQuery, index: usize, limit: Duration) -> bool {
    let agent = HeaderValue::from_static(concat!("tidings/", env!("CARGO_PKG_VERSION")));
    let request = UpstreamRequest {
        method: Method::GET,
        path_and_query: path.clone(),
        headers: HeaderMap::from_iter([(header::USER_AGENT, agent)]),
        body: RequestBody::empty(),
        can_wait: false,
    };
    let response = dispatch::send(&request, shared, Selection::Only(index));
    match timeout(limit, response).await {
        Ok(Ok((_, response))) => {
            response.status().is_success() || response.status().is_redirection()
        }
        _ => false,
    }
}

fn set_unhealthy(shared: &Shared, index: usize, is_unhealthy: bool) {
    let backend = &shared.backends[index];
    if !backend.health.set_unhealthy(is_unhealthy) {
        return;
    }
    let upstream = &backend.upstream;
    if is_unhealthy {
        tracing::warn!(%upstream, "upstream unhealthy, removed from rotation");
    } else {
        tracing::info!(%upstream, "upstream healthy again");
        shared.trigger_check();
    }
}

/// The number of equal results in a row.
#[derive(Debug, Clone, Copy, Default)]
struct Streak {
    successes: u32,
    failures: u32,
}

impl Streak {
    /// Adds a result. Returns whether the backend is unhealthy once there are enough equal ones.
    fn record(&mut self, is_success: bool) -> Option<bool> {
        if is_success {
            self.successes += 1;
            self.failures = 0;
            (self.successes >= HEALTHY_THRESHOLD).then_some(false)
        } else {
            self.failures += 1;
            self.successes = 0;
            (self.failures >= UNHEALTHY_THRESHOLD).then_some(true)
        }
    }
}

// A single failure may be an accident.
const UNHEALTHY_THRESHOLD: u32 = 3;

// A single success may come from a server that is about to fail again.
const HEALTHY_THRESHOLD: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streak_three_failures_are_unhealthy_two_successes_healthy() {
        let mut streak = Streak::default();
        let verdicts: Vec<_> = "sssffsffffsfss"
            .chars()
            .map(|result| match streak.record(result == 's') {
                Some(true) => 'u',
                Some(false) => 'h',
                None => '-',
            })
            .collect();
        assert_eq!(String::from_iter(verdicts), "-hh-----uu---h");
    }
}
