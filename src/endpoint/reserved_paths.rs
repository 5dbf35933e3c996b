//! The table of the reserved paths.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;

use crate::client::settings::ClientSettings;
use crate::endpoint::event_stream::EventStream;
use crate::endpoint::event_stream::HEARTBEAT_INTERVAL;
use crate::endpoint::release_json::release_json;
use crate::endpoint::response;
use crate::endpoint::scripts::Script;
use crate::endpoint::stream_limit::StreamLimit;
use crate::site::Site;

/// Responds to requests for the reserved paths.
#[derive(Debug, Clone)]
pub(crate) struct ReservedPaths {
    site: Site,
    stream_limit: StreamLimit,
    settings: Arc<ClientSettings>,
}

/// A response of a reserved path: complete, or a stream.
#[derive(Debug)]
pub(crate) enum ReservedResponse {
    Full(Response<Full<Bytes>>),
    Stream(Response<EventStream>),
}

/// What a reserved path refers to.
enum Resource {
    Events,
    ReleaseJson,
    TypeDeclarations,
    Script(Script),
}

impl ReservedPaths {
    pub(crate) fn new(
        site: Site,
        stream_limit: StreamLimit,
        settings: Arc<ClientSettings>,
    ) -> Self {
        Self {
            site,
            stream_limit,
            settings,
        }
    }

    /// Responds to a request for `name`, the part of the path after the prefix and its slash.
    pub(crate) fn respond<B>(&self, name: &str, request: &Request<B>) -> ReservedResponse {
        let Some(resource) = Resource::from_name(name) else {
            let not_found = response::text(StatusCode::NOT_FOUND, "there is nothing here\n");
            return ReservedResponse::Full(not_found);
        };
        let (method, headers) = (request.method(), request.headers());
        if !matches!(*method, Method::GET | Method::HEAD) {
            return ReservedResponse::Full(response::method_not_allowed("GET, HEAD"));
        }
        ReservedResponse::Full(match resource {
            Resource::Events => return self.events(method),
            Resource::ReleaseJson => {
                let query = request.uri().query().unwrap_or("");
                release_json(
                    &self.site,
                    &self.stream_limit,
                    &self.settings,
                    query,
                    headers,
                )
            }
            Resource::TypeDeclarations => type_declarations(),
            Resource::Script(script) => script.respond(headers),
        })
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

impl Resource {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "events" => Self::Events,
            "release.json" => Self::ReleaseJson,
            "client.d.ts" => Self::TypeDeclarations,
            _ => Self::Script(Script::from_name(name)?),
        })
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
