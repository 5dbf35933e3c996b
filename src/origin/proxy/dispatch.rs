//! Sending: a request to the upstreams, one after the other if need be, until one of them answers.

use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::Response;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::origin::proxy::Shared;
use crate::origin::proxy::backend::Backend;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::request_body::RequestBody;

/// A request as it goes to whichever upstream.
pub(crate) struct UpstreamRequest {
    pub(crate) method: Method,
    pub(crate) target: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) request_body: RequestBody,
    /// Somebody waits to see what is asked for, and nothing is lost if it comes a moment later.
    pub(crate) can_wait: bool,
}

/// Which upstreams may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    Any,
    Only(usize),
}

impl UpstreamRequest {
    /// Sends it. Where no upstream can be connected to, who can wait is held for a moment: a server that is replaced is
    /// away for as long as the new one takes to start.
    ///
    /// Gives the number of the upstream that answered along with what it said.
    pub(crate) async fn send(
        &self,
        shared: &Shared,
        selection: Selection,
    ) -> Result<(usize, Response<Incoming>), Failure> {
        let end = Instant::now() + shared.settings.upstream_wait;
        let mut pause = INITIAL_RETRY_DELAY;
        let mut waiting = None;
        loop {
            let failure = match self.send_once(shared, selection).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let is_late = Instant::now() + pause > end;
            if failure != Failure::ConnectFailed || !self.can_wait || is_late {
                return Err(failure);
            }
            if waiting.is_none() {
                waiting = shared.retry_queue.enter();
            }
            if waiting.is_none() {
                return Err(failure);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(MAX_RETRY_DELAY);
        }
    }

    /// Asks the upstreams in turn, until one answers, or one fails in a way that forbids to ask another.
    async fn send_once(
        &self,
        shared: &Shared,
        selection: Selection,
    ) -> Result<(usize, Response<Incoming>), Failure> {
        let mut last = Failure::ConnectFailed;
        let mut stale = MAX_STALE_RETRIES;
        let order = shared.order(selection);
        let mut is_alone = order.len() == 1;
        for number in order {
            let backend = &shared.backends[number];
            loop {
                let failure = match self.ask(shared, backend).await {
                    Ok(response) => {
                        shared.answered(backend);
                        return Ok((number, response));
                    }
                    Err(failure) => failure,
                };
                last = failure;
                if !self.may_send_again(failure) {
                    return Err(failure);
                }
                match failure {
                    Failure::StaleConnection if stale > 0 => stale -= 1,
                    // It may be a server that has just started again. What ends servers must not end them all.
                    Failure::ClosedWithoutResponse if is_alone => is_alone = false,
                    _ => break,
                }
            }
        }
        Err(last)
    }

    /// Whether it may be sent again after this (RFC 9110, section 9.2.2).
    fn may_send_again(&self, failure: Failure) -> bool {
        self.request_body.is_unread()
            && (failure.was_not_sent() || (failure.has_no_byte() && self.method.is_idempotent()))
    }
}

impl Shared {
    /// The upstreams in the order in which to ask them: in turn, those that are well before the others.
    fn order(&self, selection: Selection) -> Vec<usize> {
        let count = self.backends.len();
        let mut order: Vec<usize> = match selection {
            Selection::Only(number) => vec![number],
            Selection::Any if count == 1 => vec![0],
            Selection::Any => {
                let first = self.next();
                (0..count).map(|n| (first + n) % count).collect()
            }
        };
        if order.len() > 1 {
            order.sort_by_key(|number| !self.backends[*number].health.is_available());
        }
        order
    }

    fn answered(&self, backend: &Backend) {
        if backend.health.record_success() {
            tracing::info!(upstream = %backend.upstream, "the upstream answers again");
            self.hint();
        }
    }
}

// A pool may have several connections that an upstream closed when it stopped.
pub(crate) const MAX_STALE_RETRIES: usize = 3;

// A process that restarts is back in less than that, a container hardly in a hundred times as much.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(50);

const MAX_RETRY_DELAY: Duration = Duration::from_millis(500);
