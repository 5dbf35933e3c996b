//! The table of the reserved paths.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body_util::Full;

use crate::client::settings::ClientSettings;
use crate::endpoint::deploys::handler::DeployHandler;
use crate::endpoint::event_stream::EventStream;
use crate::endpoint::event_stream::HEARTBEAT_INTERVAL;
use crate::endpoint::release_json::release_json;
use crate::endpoint::response;
use crate::endpoint::scripts::Script;
use crate::endpoint::stream_limit::StreamLimit;
use crate::site::Site;

/// Responds to requests for the reserved paths. `Clone` is cheap.
#[derive(Debug, Clone)]
pub(crate) struct ReservedPaths {
    site: Site,
    stream_limit: StreamLimit,
    settings: Arc<ClientSettings>,
    table: Arc<[Row]>,
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    /// The part of the path after the prefix and its slash.
    name: &'static str,
    methods: &'static [Method],
    resource: Resource,
}

/// What responds on a reserved path.
#[derive(Debug)]
enum Resource {
    Events,
    ReleaseJson,
    TypeDeclarations,
    Deploys(Arc<DeployHandler>),
}

/// A response of a reserved path: complete, or a stream.
#[derive(Debug)]
pub(crate) enum ReservedResponse {
    Full(Response<Full<Bytes>>),
    Stream(Response<EventStream>),
}

/// The future of a response. Only a response that needs the body of the request is pending.
pub(crate) enum ReservedFuture {
    /// `None` after it was polled.
    Ready(Option<ReservedResponse>),
    Pending(Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>),
}

impl ReservedPaths {
    /// The table has `deploys` if there is a handler for it.
    pub(crate) fn new(
        site: Site,
        stream_limit: StreamLimit,
        settings: Arc<ClientSettings>,
        deploys: Option<Arc<DeployHandler>>,
    ) -> Self {
        let row = |name, methods, resource| Row {
            name,
            methods,
            resource,
        };
        let table = [
            row("events", READ, Resource::Events),
            row("release.json", READ, Resource::ReleaseJson),
            row("client.d.ts", READ, Resource::TypeDeclarations),
        ];
        let deploys =
            deploys.map(|handler| row("deploys", READ_AND_POST, Resource::Deploys(handler)));
        Self {
            site,
            stream_limit,
            settings,
            table: table.into_iter().chain(deploys).collect(),
        }
    }

    /// Responds to a request for `name`, the part of the path after the prefix and its slash.
    pub(crate) fn respond<B>(&self, name: &str, request: Request<B>) -> ReservedFuture
    where
        B: Body<Data: Buf> + Send + 'static,
    {
        let Some(row) = self.table.iter().find(|row| row.name == name) else {
            // The names of scripts have a version, which may be another one.
            let response = respond_script(name, request.method(), request.headers());
            return ReservedResponse::Full(response).into();
        };
        if !row.methods.contains(request.method()) {
            let response = response::method_not_allowed(row.methods);
            return ReservedResponse::Full(response).into();
        }
        let response = match &row.resource {
            Resource::Events => self.events(request.method()),
            Resource::ReleaseJson => ReservedResponse::Full(release_json(
                &self.site,
                &self.stream_limit,
                &self.settings,
                request.uri().query().unwrap_or(""),
                request.headers(),
            )),
            Resource::TypeDeclarations => ReservedResponse::Full(type_declarations()),
            Resource::Deploys(handler) => {
                let handler = Arc::clone(handler);
                let response = Box::pin(async move { handler.handle(request).await });
                return ReservedFuture::Pending(response);
            }
        };
        response.into()
    }

    fn events(&self, method: &Method) -> ReservedResponse {
        let permit = match self.stream_limit.acquire() {
            Some(permit) if !self.site.state().is_closed() => permit,
            _ => {
                let unavailable = response::unavailable("too many event streams\n");
                return ReservedResponse::Full(unavailable);
            }
        };
        let mut head = Response::new(());
        set_event_stream_headers(head.headers_mut());
        if *method == Method::HEAD {
            return ReservedResponse::Full(head.map(|()| Full::default()));
        }
        let policy = self.settings.stream_policy();
        let stream = EventStream::new(&self.site, permit, policy, HEARTBEAT_INTERVAL);
        ReservedResponse::Stream(head.map(|()| stream))
    }
}

impl Future for ReservedFuture {
    type Output = ReservedResponse;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ReservedResponse> {
        match &mut *self {
            Self::Ready(response) => {
                // Polled again after it was ready, it responds with nothing.
                let response = response.take();
                Poll::Ready(response.unwrap_or_else(|| ReservedResponse::Full(Response::default())))
            }
            Self::Pending(future) => future.as_mut().poll(cx).map(ReservedResponse::Full),
        }
    }
}

impl From<ReservedResponse> for ReservedFuture {
    fn from(response: ReservedResponse) -> Self {
        Self::Ready(Some(response))
    }
}

fn respond_script(name: &str, method: &Method, headers: &HeaderMap) -> Response<Full<Bytes>> {
    match Script::from_name(name) {
        Some(script) if READ.contains(method) => script.respond(headers),
        Some(_) => response::method_not_allowed(READ),
        None => response::text(StatusCode::NOT_FOUND, "there is nothing here\n"),
    }
}

fn set_event_stream_headers(headers: &mut HeaderMap) {
    let content_type = HeaderValue::from_static("text/event-stream");
    // `no-transform` keeps proxies from compressing, which would hold events back until a block is full.
    let cache_control = HeaderValue::from_static("no-cache, no-transform");
    response::set_headers(headers, content_type, cache_control);
    // For nginx, which buffers responses.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// The TypeScript declarations of what the client adds to a page.
fn type_declarations() -> Response<Full<Bytes>> {
    let declarations = include_str!("../client/js/client.d.ts");
    let mut response = response::text(StatusCode::OK, declarations);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, response::NO_CACHE);
    response
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const READ_AND_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
