//! Dispatch: a request to the backends, one after the other, until one of them responds.

use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::origin::proxy::attempt;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;
use crate::origin::proxy::upstream_request::UpstreamRequest;

/// Sends the request, and returns the response with the index of its backend. While no upstream can be connected to, a
/// request that [can wait](UpstreamRequest::can_wait) is retried until the upstream wait is over: a server that is
/// replaced is away for as long as the new one takes to start.
pub(crate) async fn send(
    request: &UpstreamRequest,
    shared: &Shared,
    selection: Selection,
) -> Result<(usize, Response<Incoming>), Failure> {
    let end = Instant::now() + shared.settings.upstream_wait;
    let mut delay = INITIAL_RETRY_DELAY;
    let mut permit = None;
    loop {
        let failure = match send_once(request, shared, selection).await {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        let is_over = Instant::now() + delay > end;
        if failure != Failure::ConnectFailed || !request.can_wait || is_over {
            return Err(failure);
        }
        if permit.is_none() {
            permit = shared.retry_queue.enter();
        }
        if permit.is_none() {
            return Err(failure);
        }
        sleep(delay).await;
        delay = (delay * 3 / 2).min(MAX_RETRY_DELAY);
    }
}

/// Tries the backends in turn until one responds, or one fails in a way that forbids another attempt.
async fn send_once(
    request: &UpstreamRequest,
    shared: &Shared,
    selection: Selection,
) -> Result<(usize, Response<Incoming>), Failure> {
    let mut last = Failure::ConnectFailed;
    let mut stale_retries = MAX_STALE_RETRIES;
    let order = shared.order(selection);
    let mut may_repeat = order.len() == 1;
    for index in order {
        let backend = &shared.backends[index];
        loop {
            let failure = match attempt::send(request, &shared.settings, backend).await {
                Ok(response) => {
                    shared.record_success(backend);
                    return Ok((index, response));
                }
                Err(failure) => failure,
            };
            last = failure;
            if !may_retry(request, failure) {
                return Err(failure);
            }
            match failure {
                Failure::StaleConnection if stale_retries > 0 => stale_retries -= 1,
                // A single server may just have restarted. Of several, a request that crashes servers must not reach all
                // of them twice.
                Failure::ClosedWithoutResponse if may_repeat => may_repeat = false,
                _ => break,
            }
        }
    }
    Err(last)
}

/// True if the request may be sent again after this failure (RFC 9110, section 9.2.2).
fn may_retry(request: &UpstreamRequest, failure: Failure) -> bool {
    request.body.is_unread()
        && (failure.was_not_sent()
            || (failure.has_no_response_bytes() && request.method.is_idempotent()))
}

// A pool may have several connections that the upstream closed when it stopped.
const MAX_STALE_RETRIES: usize = 3;

// A process restarts in less than this, a container hardly in a hundred times as much.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(50);

const MAX_RETRY_DELAY: Duration = Duration::from_millis(500);
