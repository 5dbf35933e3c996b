//! One attempt: a request to one backend, over HTTP/1.1 or HTTP/2.

use std::error::Error as StdError;

use http::Response;
use http::Version;
use http::header;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::origin::proxy::backend::Backend;
use crate::origin::proxy::connect::Connector;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::failure::causes;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::settings::Settings;
use crate::origin::proxy::stream::Activity;
use crate::origin::proxy::upstream_request::UpstreamRequest;

/// Sends the request, and returns the response once its header is there. Failures are logged, and recorded in the
/// backend's health if they are its fault.
pub(crate) async fn send(
    request: &UpstreamRequest,
    settings: &Settings,
    backend: &Backend,
) -> Result<Response<Incoming>, Failure> {
    if request.headers.contains_key(header::UPGRADE) {
        return send_http1(request, settings, backend, &backend.upgrade_client).await;
    }
    // The HTTP/2 connection may close while a request is about to be sent on it.
    for _ in 0..MAX_CLOSED_CONNECTIONS {
        if let Some(mut sender) = backend.http2.sender() {
            let http = request.to_http(&backend.upstream, &settings.host, Version::HTTP_2);
            let response = sender.try_send_request(http);
            match before_timeout(request, settings, response).await {
                Some(Ok(response)) => return Ok(response),
                Some(Err(error)) if error.message().is_some() => backend.http2.clear(),
                Some(Err(error)) => {
                    let error = error.into_error();
                    let failure = Failure::from_hyper(Some(&error));
                    return Err(record(backend, failure, Some(&error)));
                }
                None => return Err(record(backend, Failure::FirstByteTimeout, None)),
            }
        } else {
            match send_http1(request, settings, backend, &backend.client).await {
                Err(Failure::Http2Negotiated) => {}
                result => return result,
            }
        }
    }
    Err(Failure::Http2Negotiated)
}

async fn send_http1(
    request: &UpstreamRequest,
    settings: &Settings,
    backend: &Backend,
    client: &Client<Connector, RequestBody>,
) -> Result<Response<Incoming>, Failure> {
    let mut http = request.to_http(&backend.upstream, &settings.host, Version::HTTP_11);
    let connection = capture_connection(&mut http);
    match before_timeout(request, settings, client.request(http)).await {
        Some(Ok(response)) => Ok(response),
        Some(Err(error)) => Err(record(backend, Failure::from_client(&error), Some(&error))),
        None => {
            let connected = connection.connection_metadata();
            let activity = connected.as_ref().and_then(Activity::from_connected);
            let failure = if activity.is_some_and(|activity| activity.has_response_bytes()) {
                Failure::HeaderTimeout
            } else {
                Failure::FirstByteTimeout
            };
            Err(record(backend, failure, None))
        }
    }
}

/// The output of `response`; `None` if the upstream takes longer than the first-byte timeout. The time that the client
/// takes to send the body does not count.
async fn before_timeout<T>(
    request: &UpstreamRequest,
    settings: &Settings,
    response: impl Future<Output = T>,
) -> Option<T> {
    let mut response = std::pin::pin!(response);
    let limit = settings.first_byte_timeout;
    let start = Instant::now();
    loop {
        let end = request.body.awaiting_upstream_since(start) + limit;
        tokio::select! {
            output = &mut response => return Some(output),
            () = sleep_until(end) => {
                if request.body.awaiting_upstream_since(start) + limit <= end {
                    return None;
                }
            }
        }
    }
}

/// Logs the failure and records it in the backend's health.
fn record(
    backend: &Backend,
    failure: Failure,
    error: Option<&(dyn StdError + 'static)>,
) -> Failure {
    let upstream = &backend.upstream;
    let reason = failure.as_str();
    let error = error.map(causes);
    let error = error.as_deref();
    let is_warning = match failure {
        Failure::Http2Negotiated => return failure,
        // The first two are the client's fault; the last is not a failure unless the retry fails, too.
        Failure::RequestBodyAborted | Failure::RequestBodyTimeout | Failure::StaleConnection => {
            false
        }
        // Possibly of one path only: it says nothing about other requests.
        Failure::InvalidResponse => true,
        _ => backend.health.record_failure(),
    };
    if is_warning {
        tracing::warn!(%upstream, reason, error, "upstream request failed");
    } else {
        tracing::debug!(%upstream, reason, error, "upstream request failed");
    }
    failure
}

// As many as a pool may have that the upstream closed when it stopped.
const MAX_CLOSED_CONNECTIONS: usize = 3;
