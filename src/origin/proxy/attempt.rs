//! Asking: a request to one upstream, in the protocol that it speaks.

use std::error::Error as StdError;

use http::HeaderValue;
use http::Request;
use http::Response;
use http::Uri;
use http::Version;
use http::header;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::http::hop_by_hop;
use crate::origin::proxy::Shared;
use crate::origin::proxy::backend::Backend;
use crate::origin::proxy::connect::Connector;
use crate::origin::proxy::dispatch::MAX_STALE_RETRIES;
use crate::origin::proxy::dispatch::UpstreamRequest;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::failure::causes;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::stream::Activity;

impl UpstreamRequest {
    /// Asks one upstream. What goes wrong is noted with it.
    pub(crate) async fn ask(
        &self,
        shared: &Shared,
        backend: &Backend,
    ) -> Result<Response<Incoming>, Failure> {
        if self.headers.contains_key(header::UPGRADE) {
            return self.ask_http1(shared, backend, &backend.switching).await;
        }
        // Its one connection may go while requests are about to be sent on it.
        for _ in 0..MAX_STALE_RETRIES {
            if let Some(mut sender) = backend.http2.sender() {
                let request = self.request(shared, backend, Version::HTTP_2);
                let asking = sender.try_send_request(request);
                match self.in_time(shared, asking).await {
                    Some(Ok(response)) => return Ok(response),
                    Some(Err(error)) if error.message().is_some() => backend.http2.clear(),
                    Some(Err(error)) => {
                        let error = error.into_error();
                        return Err(noted(backend, Failure::of_http(Some(&error)), &error));
                    }
                    None => return Err(late(backend, Failure::FirstByteTimeout)),
                }
            } else {
                match self.ask_http1(shared, backend, &backend.client).await {
                    Err(Failure::Http2Negotiated) => {}
                    answered => return answered,
                }
            }
        }
        Err(Failure::Http2Negotiated)
    }

    async fn ask_http1(
        &self,
        shared: &Shared,
        backend: &Backend,
        client: &Client<Connector, RequestBody>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = self.request(shared, backend, Version::HTTP_11);
        let connection = capture_connection(&mut request);
        match self.in_time(shared, client.request(request)).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(noted(backend, Failure::of(&error), &error)),
            None => {
                let connected = connection.connection_metadata();
                let activity = connected.as_ref().and_then(Activity::of);
                Err(late(
                    backend,
                    if activity.is_some_and(|activity| activity.has_response_bytes()) {
                        Failure::HeaderTimeout
                    } else {
                        Failure::FirstByteTimeout
                    },
                ))
            }
        }
    }

    /// What this comes to, if that is before the upstream has thought about it for too long.
    async fn in_time<T>(&self, shared: &Shared, asking: impl Future<Output = T>) -> Option<T> {
        let mut asking = std::pin::pin!(asking);
        let limit = shared.settings.first_byte_timeout;
        let start = Instant::now();
        loop {
            let end = self.request_body.awaiting_upstream_since(start) + limit;
            tokio::select! {
                answered = &mut asking => return Some(answered),
                () = sleep_until(end) => {
                    if self.request_body.awaiting_upstream_since(start) + limit <= end {
                        return None;
                    }
                }
            }
        }
    }

    fn request(
        &self,
        shared: &Shared,
        backend: &Backend,
        version: Version,
    ) -> Request<RequestBody> {
        let mut request = Request::new(self.request_body.clone());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        *request.version_mut() = version;
        let own = backend.upstream.authority();
        let host = match &shared.settings.host {
            HostHeader::Name(name) => Some(name.as_str()),
            HostHeader::Upstream => None,
            HostHeader::Keep => self
                .headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok()),
        };
        let host = host.unwrap_or(own.as_str());
        let fields = request.headers_mut();
        let mut uri = Uri::default().into_parts();
        uri.scheme = Some(backend.upstream.scheme());
        uri.path_and_query = Some(self.target.clone());
        if version == Version::HTTP_2 {
            fields.remove(header::HOST);
            // With it would go what it names, and `TE` is allowed.
            fields.remove(header::CONNECTION);
            uri.authority = Some(host.parse().unwrap_or_else(|_| own.clone()));
        } else {
            if let Ok(host) = host.parse() {
                fields.insert(header::HOST, host);
            }
            if self.request_body.has_unknown_length()
                && !fields.contains_key(header::CONTENT_LENGTH)
            {
                // The client would leave out the body of a GET.
                let chunked = HeaderValue::from_static("chunked");
                fields.insert(header::TRANSFER_ENCODING, chunked);
            }
            uri.authority = Some(own.clone());
        }
        // All three are there.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        if !self.request_body.is_empty() && hop_by_hop::expects_continue(&self.headers) {
            self.request_body.wait_for_continue();
            let request_body = self.request_body.clone();
            hyper::ext::on_informational(&mut request, move |said| {
                if said.status() == http::StatusCode::CONTINUE {
                    request_body.proceed();
                }
            });
        }
        request
    }
}

fn late(backend: &Backend, failure: Failure) -> Failure {
    note_failure(backend, failure, "");
    failure
}

fn noted(backend: &Backend, failure: Failure, error: &(dyn StdError + 'static)) -> Failure {
    match failure {
        Failure::Http2Negotiated => {}
        Failure::RequestBodyAborted | Failure::RequestBodyTimeout => {
            tracing::debug!(error = %causes(error), "a request broke off");
        }
        // Of one address, perhaps: that says nothing of the others.
        Failure::InvalidResponse => {
            let upstream = &backend.upstream;
            tracing::warn!(%upstream, error = %causes(error), "{}", failure.as_str());
        }
        // It is no failure, unless the next is.
        Failure::StaleConnection => {
            tracing::debug!(error = %causes(error), "a connection was stale")
        }
        _ => note_failure(backend, failure, &causes(error)),
    }
    failure
}

fn note_failure(backend: &Backend, failure: Failure, causes: &str) {
    let upstream = &backend.upstream;
    if backend.health.record_failure() {
        tracing::warn!(%upstream, causes, "the upstream fails: {}", failure.as_str());
    } else {
        tracing::debug!(%upstream, causes, "the upstream fails: {}", failure.as_str());
    }
}
