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

use crate::http::forwarded::HostHeader;
use crate::http::hop_by_hop;
use crate::origin::proxy::Shared;
use crate::origin::proxy::backend::Member;
use crate::origin::proxy::connect::Connector;
use crate::origin::proxy::dispatch::MOST_STALE;
use crate::origin::proxy::dispatch::Outgoing;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::failure::causes;
use crate::origin::proxy::request_body::Upload;
use crate::origin::proxy::stream::Exchange;

impl Outgoing {
    /// Asks one upstream. What goes wrong is noted with it.
    pub(crate) async fn ask(
        &self,
        shared: &Shared,
        member: &Member,
    ) -> Result<Response<Incoming>, Failure> {
        if self.headers.contains_key(header::UPGRADE) {
            return self.ask_http1(shared, member, &member.switching).await;
        }
        // Its one connection may go while requests are about to be sent on it.
        for _ in 0..MOST_STALE {
            if let Some(mut sender) = member.http2.sender() {
                let request = self.request(shared, member, Version::HTTP_2);
                let asking = sender.try_send_request(request);
                match self.in_time(shared, asking).await {
                    Some(Ok(response)) => return Ok(response),
                    Some(Err(error)) if error.message().is_some() => member.http2.forget(),
                    Some(Err(error)) => {
                        let error = error.into_error();
                        return Err(noted(member, Failure::of_http(Some(&error)), &error));
                    }
                    None => return Err(late(member, Failure::AnswerTimeout)),
                }
            } else {
                match self.ask_http1(shared, member, &member.client).await {
                    Err(Failure::IsHttp2) => {}
                    answered => return answered,
                }
            }
        }
        Err(Failure::IsHttp2)
    }

    async fn ask_http1(
        &self,
        shared: &Shared,
        member: &Member,
        client: &Client<Connector, Upload>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = self.request(shared, member, Version::HTTP_11);
        let connection = capture_connection(&mut request);
        match self.in_time(shared, client.request(request)).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(noted(member, Failure::of(&error), &error)),
            None => {
                let connected = connection.connection_metadata();
                let exchange = connected.as_ref().and_then(Exchange::of);
                Err(late(
                    member,
                    if exchange.is_some_and(|exchange| exchange.has_answer()) {
                        Failure::Stalled
                    } else {
                        Failure::AnswerTimeout
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
            let end = self.upload.awaits_upstream_since(start) + limit;
            tokio::select! {
                answered = &mut asking => return Some(answered),
                () = sleep_until(end) => {
                    if self.upload.awaits_upstream_since(start) + limit <= end {
                        return None;
                    }
                }
            }
        }
    }

    fn request(&self, shared: &Shared, member: &Member, version: Version) -> Request<Upload> {
        let mut request = Request::new(self.upload.clone());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        *request.version_mut() = version;
        let own = member.upstream.authority();
        let host = match &shared.settings.teller.host {
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
        uri.scheme = Some(member.upstream.scheme());
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
            if self.upload.has_no_length() && !fields.contains_key(header::CONTENT_LENGTH) {
                // The client would leave out the body of a GET.
                let chunked = HeaderValue::from_static("chunked");
                fields.insert(header::TRANSFER_ENCODING, chunked);
            }
            uri.authority = Some(own.clone());
        }
        // All three are there.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        if !self.upload.is_none() && hop_by_hop::expects_continue(&self.headers) {
            self.upload.wait();
            let upload = self.upload.clone();
            hyper::ext::on_informational(&mut request, move |said| {
                if said.status() == http::StatusCode::CONTINUE {
                    upload.go();
                }
            });
        }
        request
    }
}

fn late(member: &Member, failure: Failure) -> Failure {
    note_failure(member, failure, "");
    failure
}

fn noted(member: &Member, failure: Failure, error: &(dyn StdError + 'static)) -> Failure {
    match failure {
        Failure::IsHttp2 => {}
        Failure::Upload | Failure::SlowUpload => {
            tracing::debug!(error = %causes(error), "a request broke off");
        }
        // Of one address, perhaps: that says nothing of the others.
        Failure::Broken => {
            let upstream = &member.upstream;
            tracing::warn!(%upstream, error = %causes(error), "{}", failure.as_str());
        }
        // It is no failure, unless the next is.
        Failure::Stale => tracing::debug!(error = %causes(error), "a connection was stale"),
        _ => note_failure(member, failure, &causes(error)),
    }
    failure
}

fn note_failure(member: &Member, failure: Failure, causes: &str) {
    let upstream = &member.upstream;
    if member.health.failed() {
        tracing::warn!(%upstream, causes, "the upstream fails: {}", failure.as_str());
    } else {
        tracing::debug!(%upstream, causes, "the upstream fails: {}", failure.as_str());
    }
}
