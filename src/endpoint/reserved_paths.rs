//! The table of the reserved paths.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;

use crate::client::settings::ClientSettings;
use crate::endpoint::deploys::handler::DeployHandler;
use crate::endpoint::event_stream::EventStream;
use crate::endpoint::event_stream::HEARTBEAT_INTERVAL;
use crate::endpoint::release_json::release_json;
use crate::endpoint::response;
use crate::endpoint::scripts::Script;
use crate::endpoint::stream_limit::StreamLimit;
use crate::http::body::Body;
use crate::http::reply::NO_CACHE;
use crate::http::reply::NOSNIFF;
use crate::http::reply::Reply;
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

/// The future of a response. Only a response that needs the body of the request is pending.
pub(crate) enum ReservedFuture {
    /// `None` after it was polled.
    Ready(Option<Response<Body>>),
    Pending(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
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
        B: http_body::Body<Data: Buf> + Send + 'static,
    {
        let Some(row) = self.table.iter().find(|row| row.name == name) else {
            // The names of scripts have a version, which may be another one.
            return respond_script(name, request.method(), request.headers()).into();
        };
        if !row.methods.contains(request.method()) {
            return response::method_not_allowed(row.methods).into();
        }
        let response = match &row.resource {
            Resource::Events => self.events(request.method()),
            Resource::ReleaseJson => release_json(
                &self.site,
                &self.stream_limit,
                &self.settings,
                request.uri().query().unwrap_or(""),
                request.headers(),
            ),
            Resource::TypeDeclarations => type_declarations(),
            Resource::Deploys(handler) => {
                let handler = Arc::clone(handler);
                let response = Box::pin(async move { handler.handle(request).await });
                return ReservedFuture::Pending(response);
            }
        };
        response.into()
    }

    fn events(&self, method: &Method) -> Response<Body> {
        let permit = match self.stream_limit.acquire() {
            Some(permit) if !self.site.state().is_closed() => permit,
            _ => return response::unavailable("too many event streams\n"),
        };
        let body = if *method == Method::HEAD {
            Body::empty()
        } else {
            let policy = self.settings.stream_policy();
            Body::new(EventStream::new(
                &self.site,
                permit,
                policy,
                HEARTBEAT_INTERVAL,
            ))
        };
        let mut response = Response::new(body);
        set_event_stream_headers(response.headers_mut());
        response
    }
}

impl Future for ReservedFuture {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        match &mut *self {
            Self::Ready(response) => {
                // Polled again after it was ready, it responds with nothing.
                let response = response.take();
                Poll::Ready(response.unwrap_or_default())
            }
            Self::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl From<Response<Body>> for ReservedFuture {
    fn from(response: Response<Body>) -> Self {
        Self::Ready(Some(response))
    }
}

fn respond_script(name: &str, method: &Method, headers: &HeaderMap) -> Response<Body> {
    match Script::from_name(name) {
        Some(script) if READ.contains(method) => script.respond(headers),
        Some(_) => response::method_not_allowed(READ),
        None => response::not_found(),
    }
}

fn set_event_stream_headers(headers: &mut HeaderMap) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    // `no-transform` keeps proxies from compressing, which would hold events back until a block is full.
    let cache_control = HeaderValue::from_static("no-cache, no-transform");
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    // For nginx, which buffers responses.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
}

/// The TypeScript declarations of what the client adds to a page.
fn type_declarations() -> Response<Body> {
    let declarations = include_str!("../client/js/client.d.ts");
    Reply::text(StatusCode::OK, declarations)
        .header(header::CACHE_CONTROL, NO_CACHE)
        .build()
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const READ_AND_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
