//! An exchange: a client's request made ready for upstreams, and an upstream's response made ready for the client.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use crate::error::BoxError;
use crate::http::body::Body;
use crate::http::context::Outcome;
use crate::http::context::RequestContext;
use crate::http::context::UpstreamOutcome;
use crate::http::fetch_metadata;
use crate::http::hop_by_hop;
use crate::origin::proxy::backend::Backend;
use crate::origin::proxy::body::UpstreamBody;
use crate::origin::proxy::dispatch;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::location::LocationRewriter;
use crate::origin::proxy::rejection::Rejection;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::request_headers;
use crate::origin::proxy::shared::Selection;
use crate::origin::proxy::shared::Shared;
use crate::origin::proxy::tunnel;
use crate::origin::proxy::upstream_request::UpstreamRequest;

/// The request for the upstreams, and what is needed to handle their response.
pub(crate) struct Exchange {
    request: UpstreamRequest,
    selection: Selection,
    upgrade: Option<Upgrade>,
    is_navigation: bool,
    loads_code: bool,
    /// The path prefix that a route removed.
    prefix: Option<HeaderValue>,
}

/// The upgrade that the client requests.
struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Exchange {
    /// Takes the request apart; an error if it must not be forwarded.
    pub(crate) fn new<B>(
        shared: &Shared,
        mut request: Request<B>,
        selection: Selection,
    ) -> Result<Self, Rejection>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let settings = &shared.settings;
        Rejection::check_request_line(&request)?;
        if settings.via.is_loop(request.headers()) {
            return Err(Rejection::Loop);
        }
        let protocol = hop_by_hop::requested_upgrade(request.headers())
            .filter(|_| request.version() == Version::HTTP_11 && selection == Selection::Any);
        let has_body = !request.body().is_end_stream();
        if protocol.is_some() && has_body {
            return Err(Rejection::UpgradeWithBody);
        }
        let upgrade = protocol.map(|protocol| Upgrade {
            protocol,
            client: hyper::upgrade::on(&mut request),
        });
        let (parts, body) = request.into_parts();
        let prefix = RequestContext::get(&parts.extensions)
            .and_then(|context| context.removed_prefix.clone());
        let body = if has_body {
            let body = body.map_err(Into::into).boxed_unsync();
            RequestBody::new(body, settings.body_idle_timeout)
        } else {
            RequestBody::empty()
        };
        let is_navigation = fetch_metadata::is_navigation(&parts.method, &parts.headers);
        let loads_code = request_headers::loads_code(&parts.headers, parts.uri.path());
        let is_shown =
            is_navigation || loads_code || request_headers::is_loaded_by_page(&parts.headers);
        let request = UpstreamRequest {
            can_wait: is_shown && selection == Selection::Any && parts.method.is_safe(),
            path_and_query: request_headers::path_and_query(&parts.uri),
            method: parts.method.clone(),
            headers: request_headers::for_upstream(
                &settings.forwarded,
                &settings.via,
                parts,
                upgrade.as_ref().map(|upgrade| &upgrade.protocol),
            ),
            body,
        };
        Ok(Self {
            request,
            selection,
            upgrade,
            is_navigation,
            loads_code,
            prefix,
        })
    }

    /// Sends the request, and returns the response for the client.
    pub(crate) async fn run(self, shared: &Shared) -> Response<Body> {
        let response = dispatch::send(&self.request, shared, self.selection).await;
        let (index, mut response) = match response {
            Ok(response) => response,
            Err(failure) => {
                self.request.body.discard();
                return failure.response(self.is_navigation);
            }
        };
        let backend = &shared.backends[index];
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch_protocols(shared, backend, response);
        }
        if self.loads_code && response.status() == StatusCode::NOT_FOUND {
            shared.trigger_check();
        }
        let authority = match &shared.settings.host {
            HostHeader::Name(name) => name,
            _ => backend.upstream.authority(),
        };
        let upstream = UpstreamOutcome {
            index,
            authority: authority.clone(),
        };
        response
            .extensions_mut()
            .insert(Outcome::Upstream(upstream));
        let received = response.version();
        *response.version_mut() = Version::HTTP_11;
        let headers = response.headers_mut();
        hop_by_hop::remove(headers);
        shared.settings.via.append_to(headers, received);
        self.rewrite_location(headers, &shared.settings.host, backend);
        // An event stream may be idle for as long as it likes.
        let is_event_stream = is_event_stream(headers);
        let idle_timeout = (!is_event_stream).then_some(shared.settings.body_idle_timeout);
        let request_body = self.request.body;
        request_body.response_started();
        response.map(|body| Body::new(UpstreamBody::new(body, idle_timeout, request_body)))
    }

    /// Joins the two connections, if the upstream switched to a protocol that the client requested.
    fn switch_protocols(
        self,
        shared: &Shared,
        backend: &Backend,
        mut response: Response<Incoming>,
    ) -> Response<Body> {
        let protocol = response.headers().get(header::UPGRADE).cloned();
        let (Some(upgrade), Some(protocol)) = (self.upgrade, protocol) else {
            return unrequested_switch(backend, self.is_navigation);
        };
        if !tunnel::is_requested(&upgrade.protocol, &protocol) {
            return unrequested_switch(backend, self.is_navigation);
        }
        let upstream = hyper::upgrade::on(&mut response);
        shared.tunnels.open(upgrade.client, upstream);
        let headers = response.headers_mut();
        hop_by_hop::remove(headers);
        shared.settings.via.append_to(headers, Version::HTTP_11);
        headers.insert(header::CONNECTION, request_headers::UPGRADE);
        headers.insert(header::UPGRADE, protocol);
        response.map(|_| Body::empty())
    }

    /// Rewrites `Location` from the origin and path of the upstream to those of the client.
    fn rewrite_location(&self, headers: &mut HeaderMap, host: &HostHeader, backend: &Backend) {
        let Some(location) = headers.get(header::LOCATION).and_then(as_str) else {
            return;
        };
        let upstream = &backend.upstream;
        let scheme = upstream.scheme();
        let authority = match host {
            HostHeader::Keep => None,
            HostHeader::Upstream => Some(upstream.authority()),
            HostHeader::Name(name) => Some(name),
        };
        let rewriter = LocationRewriter {
            upstream_origin: authority.map(|authority| (&scheme, authority)),
            client_host: self.request.headers.get(header::HOST).and_then(as_str),
            prefix: self.prefix.as_ref().and_then(as_str),
        };
        let location = rewriter.rewrite(location);
        if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
            headers.insert(header::LOCATION, location);
        }
    }
}

fn unrequested_switch(backend: &Backend, is_navigation: bool) -> Response<Body> {
    let upstream = &backend.upstream;
    let reason = "switched to a protocol that was not requested";
    tracing::warn!(%upstream, reason, "upstream request failed");
    Failure::InvalidResponse.response(is_navigation)
}

fn as_str(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|media_type| {
        let media_type = media_type.as_bytes().split(|b| *b == b';').next();
        media_type.is_some_and(|essence| {
            essence
                .trim_ascii()
                .eq_ignore_ascii_case(b"text/event-stream")
        })
    })
}
