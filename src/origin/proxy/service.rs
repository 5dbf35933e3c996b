//! The proxy as a service: what of a request goes to an upstream, and what of its answer comes back.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tower_service::Service;

use crate::http::context::FromUpstream;
use crate::http::context::OwnName;
use crate::http::fetch_metadata;
use crate::http::forwarded::Prefix;
use crate::http::hop_by_hop;
use crate::origin::proxy::Proxy;
use crate::origin::proxy::Shared;
use crate::origin::proxy::body::ProxyBody;
use crate::origin::proxy::dispatch::Selection;
use crate::origin::proxy::dispatch::UpstreamRequest;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::location::LocationRewriter;
use crate::origin::proxy::rejection::Rejection;
use crate::origin::proxy::request_body::BoxError;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::request_headers;
use crate::origin::proxy::tunnel;

impl<B> Service<Request<B>> for Proxy
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        ProxyFuture::new(&self.shared, request, Selection::Any)
    }
}

/// One upstream of a [`Proxy`] by itself. `Clone` is cheap.
#[derive(Clone)]
pub struct UpstreamService {
    shared: Arc<Shared>,
    number: usize,
}

impl UpstreamService {
    pub(crate) fn new(shared: Arc<Shared>, number: usize) -> Self {
        Self { shared, number }
    }
}

impl<B> Service<Request<B>> for UpstreamService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = ProxyFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ProxyFuture {
        ProxyFuture::new(&self.shared, request, Selection::Only(self.number))
    }
}

impl fmt::Debug for UpstreamService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upstream = &self.shared.backends[self.number].upstream;
        f.debug_tuple("UpstreamService").field(upstream).finish()
    }
}

/// The answer of a [`Proxy`] on its way.
pub struct ProxyFuture(Pin<Box<dyn Future<Output = Response<ProxyBody>> + Send>>);

impl ProxyFuture {
    fn new<B>(shared: &Arc<Shared>, request: Request<B>, selection: Selection) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let exchange = match Exchange::of(shared, request, selection) {
            Ok(exchange) => exchange,
            Err(rejection) => return Self(Box::pin(std::future::ready(rejection.answer()))),
        };
        let shared = Arc::clone(shared);
        Self(Box::pin(async move { exchange.run(&shared).await }))
    }
}

impl Future for ProxyFuture {
    type Output = Result<Response<ProxyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ProxyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyFuture").finish_non_exhaustive()
    }
}

/// A request, and what has to be known of it when the answer comes.
struct Exchange {
    request: UpstreamRequest,
    selection: Selection,
    upgrade: Option<Upgrade>,
    is_navigation: bool,
    loads_code: bool,
    /// What a route took off the path.
    prefix: Option<Prefix>,
}

/// What a client wants to switch to.
struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Exchange {
    /// Refuses what must not be passed on.
    fn of<B>(
        shared: &Shared,
        mut request: Request<B>,
        selection: Selection,
    ) -> Result<Self, Rejection>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let settings = &shared.settings;
        Rejection::check_line(&request)?;
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
        let prefix = parts.extensions.get::<Prefix>().cloned();
        let request_body = if has_body {
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
            target: request_headers::target(&parts.uri),
            method: parts.method.clone(),
            headers: request_headers::headers(
                &settings.forwarded,
                &settings.via,
                parts,
                upgrade.as_ref().map(|u| &u.protocol),
            ),
            request_body,
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

    async fn run(self, shared: &Shared) -> Response<ProxyBody> {
        let (number, mut response) = match self.request.send(shared, self.selection).await {
            Ok(answer) => answer,
            Err(failure) => {
                self.request.request_body.discard();
                return failure.answer(self.is_navigation);
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(shared, response);
        }
        if self.loads_code && response.status() == StatusCode::NOT_FOUND {
            shared.hint();
        }
        response.extensions_mut().insert(FromUpstream(number));
        if self.selection != Selection::Any {
            let own = match &shared.settings.host {
                HostHeader::Name(name) => name,
                _ => shared.backends[number].upstream.authority(),
            };
            response.extensions_mut().insert(OwnName(own.clone()));
        }
        let received = response.version();
        *response.version_mut() = Version::HTTP_11;
        let fields = response.headers_mut();
        hop_by_hop::remove(fields);
        shared.settings.via.append_to(fields, received);
        shared.rewrite_location(fields, number, &self.request.headers, self.prefix.as_ref());
        // Nothing is to be expected of it for long.
        let is_stream = is_event_stream(fields);
        let idle = (!is_stream).then_some(shared.settings.body_idle_timeout);
        let request_body = self.request.request_body;
        request_body.response_started();
        response.map(|body| ProxyBody::upstream(body, idle, request_body))
    }

    /// The upstream has switched: to what was asked for, or it is not to be trusted any further.
    fn switch(self, shared: &Shared, mut response: Response<Incoming>) -> Response<ProxyBody> {
        let protocol = response.headers().get(header::UPGRADE).cloned();
        let (Some(upgrade), Some(protocol)) = (self.upgrade, protocol) else {
            tracing::warn!("an upstream switched protocols unasked");
            return Failure::InvalidResponse.answer(self.is_navigation);
        };
        if !tunnel::is_agreed(&upgrade.protocol, Some(&protocol)) {
            tracing::warn!("an upstream switched to a protocol that nobody asked for");
            return Failure::InvalidResponse.answer(self.is_navigation);
        }
        let upstream = hyper::upgrade::on(&mut response);
        shared.tunnels.open(upgrade.client, upstream);
        let fields = response.headers_mut();
        hop_by_hop::remove(fields);
        shared.settings.via.append_to(fields, Version::HTTP_11);
        fields.insert(header::CONNECTION, UPGRADE);
        fields.insert(header::UPGRADE, protocol);
        response.map(|_| ProxyBody::own(Bytes::new()))
    }
}

impl Shared {
    /// Sends the client where the upstream wants it to go, by the names that the client knows.
    fn rewrite_location(
        &self,
        fields: &mut HeaderMap,
        number: usize,
        asked: &HeaderMap,
        prefix: Option<&Prefix>,
    ) {
        let Some(location) = fields.get(header::LOCATION).and_then(text) else {
            return;
        };
        let upstream = &self.backends[number].upstream;
        let scheme = upstream.scheme();
        let authority = match &self.settings.host {
            HostHeader::Keep => None,
            HostHeader::Upstream => Some(upstream.authority()),
            HostHeader::Name(name) => Some(name),
        };
        let rewriter = LocationRewriter {
            asked: authority.map(|authority| (&scheme, authority)),
            host: asked.get(header::HOST).and_then(text),
            prefix: prefix.and_then(|prefix| text(&prefix.0)),
        };
        let location = rewriter.rewrite(location);
        if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
            fields.insert(header::LOCATION, location);
        }
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn is_event_stream(fields: &HeaderMap) -> bool {
    let media_type = fields.get(header::CONTENT_TYPE);
    media_type.is_some_and(|media_type| {
        let media_type = media_type.as_bytes().split(|b| *b == b';').next();
        media_type.is_some_and(|essence| {
            essence
                .trim_ascii()
                .eq_ignore_ascii_case(b"text/event-stream")
        })
    })
}

// What `Connection` has to name.
pub(crate) const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");
