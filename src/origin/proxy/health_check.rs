//! Checks: whether the upstreams are well, found out by asking.

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

use crate::origin::proxy::Shared;
use crate::origin::proxy::dispatch::Selection;
use crate::origin::proxy::dispatch::UpstreamRequest;
use crate::origin::proxy::request_body::RequestBody;

/// Asks every upstream for `path`, each time `every` has passed.
pub(crate) async fn run(shared: &Shared, path: &str, every: Duration) -> Infallible {
    let target = path
        .parse()
        .unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let mut counts = vec![Count::default(); shared.backends.len()];
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (number, count) in counts.iter_mut().enumerate() {
            let is_well = is_well(shared, &target, number, every).await;
            if let Some(is_unhealthy) = count.add(is_well) {
                let backend = &shared.backends[number];
                if backend.health.set_unhealthy(is_unhealthy) {
                    let upstream = &backend.upstream;
                    if is_unhealthy {
                        tracing::warn!(%upstream, "the upstream is not well, and is spared");
                    } else {
                        tracing::info!(%upstream, "the upstream is well again");
                        shared.hint();
                    }
                }
            }
        }
    }
}

async fn is_well(shared: &Shared, target: &PathAndQuery, number: usize, limit: Duration) -> bool {
    let agent = HeaderValue::from_static(concat!("tidings/", env!("CARGO_PKG_VERSION")));
    let asking = UpstreamRequest {
        method: Method::GET,
        target: target.clone(),
        headers: HeaderMap::from_iter([(header::USER_AGENT, agent)]),
        request_body: RequestBody::empty(),
        can_wait: false,
    };
    match timeout(limit, asking.send(shared, Selection::Only(number))).await {
        Ok(Ok((_, response))) => {
            response.status().is_success() || response.status().is_redirection()
        }
        _ => false,
    }
}

/// Answers of one kind in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    good: u32,
    bad: u32,
}

impl Count {
    /// Whether the upstream is down, once there is enough to say so or the contrary.
    fn add(&mut self, is_well: bool) -> Option<bool> {
        if is_well {
            self.good += 1;
            self.bad = 0;
            (self.good >= HEALTHY_THRESHOLD).then_some(false)
        } else {
            self.bad += 1;
            self.good = 0;
            (self.bad >= UNHEALTHY_THRESHOLD).then_some(true)
        }
    }
}

// One bad answer is an accident.
const UNHEALTHY_THRESHOLD: u32 = 3;

// One good answer may come from what is about to fail again.
const HEALTHY_THRESHOLD: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bad_answers_are_down_and_two_good_ones_up() {
        let mut count = Count::default();
        let said: Vec<_> = "gggbbgbbbbgbgg"
            .chars()
            .map(|answer| match count.add(answer == 'g') {
                Some(true) => 'd',
                Some(false) => 'u',
                None => '-',
            })
            .collect();
        assert_eq!(String::from_iter(said), "-uu-----dd---u");
    }
}
