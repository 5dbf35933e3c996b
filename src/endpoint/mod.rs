//! The endpoint: the reserved paths, `/__tidings/` by default.

pub(crate) mod deploys;
pub(crate) mod events;
pub(crate) mod scripts;

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
use crate::endpoint::events::EventStream;
use crate::endpoint::events::HEARTBEAT_INTERVAL;
use crate::endpoint::events::Slots;
use crate::endpoint::events::random_in;
use crate::endpoint::scripts::Script;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::site::Site;

/// What answers under the prefix.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    site: Site,
    slots: Slots,
    settings: Arc<ClientSettings>,
}

/// An answer of the endpoint: all there, or a stream.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole(Response<Full<Bytes>>),
    Stream(Response<EventStream>),
}

/// What is to be had under the prefix.
enum Resource {
    Events,
    Release,
    Types,
    Script(Script),
}

impl Endpoint {
    pub(crate) fn new(site: Site, slots: Slots, settings: Arc<ClientSettings>) -> Self {
        Self {
            site,
            slots,
            settings,
        }
    }

    /// Answers a request for `name`, which is what follows the prefix and its slash.
    pub(crate) fn answer<B>(&self, name: &str, request: &Request<B>) -> Answer {
        let Some(resource) = Resource::named(name) else {
            return Answer::Whole(plain(StatusCode::NOT_FOUND, "there is nothing here\n"));
        };
        let (method, headers) = (request.method(), request.headers());
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Answer::Whole(answer);
        }
        Answer::Whole(match resource {
            Resource::Events => return self.events(method),
            Resource::Release => self.release(request.uri().query().unwrap_or(""), headers),
            Resource::Types => types(),
            Resource::Script(script) => script.answer(headers),
        })
    }

    fn events(&self, method: &Method) -> Answer {
        let slot = match self.slots.take() {
            Some(slot) if !self.site.state().is_closed() => slot,
            _ => return Answer::Whole(unavailable("too many event streams\n")),
        };
        let mut head = Response::new(());
        let headers = head.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        // `no-transform` keeps proxies from compressing, which holds events back until a block is full.
        let no_cache = HeaderValue::from_static("no-cache, no-transform");
        headers.insert(header::CACHE_CONTROL, no_cache);
        // For nginx, which buffers what it forwards.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if *method == Method::HEAD {
            return Answer::Whole(head.map(|()| Full::default()));
        }
        let policy = self.settings.stream_policy();
        Answer::Stream(
            head.map(|()| EventStream::new(&self.site, slot, policy, HEARTBEAT_INTERVAL)),
        )
    }

    /// What is current; with `since` (a release) also what has changed since then, and the settings, with texts in
    /// the first of the languages in `lang`.
    fn release(&self, query: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let state = self.site.state();
        let Some(announcement) = state.announcement() else {
            return unavailable("there is no release yet\n");
        };
        let json = announcement.json();
        let Some(since) = parameter(query, "since") else {
            return conditional(announcement.etag(), headers, || json.clone());
        };
        let changes = state.changes_since(since);
        let changes = changes.as_deref().unwrap_or(b"null");
        let languages = parameter(query, "lang").unwrap_or("");
        let settings = self.settings.to_json(languages);
        let delay = random_in(0..=self.slots.spread());
        let open = json.strip_suffix(b"}").unwrap_or(json);
        let rest = format!(",\"delay\":{delay},\"settings\":{settings},\"changes\":");
        let parts = [open, rest.as_bytes(), changes, b"}"];
        let mut answer = Response::new(Full::from(parts.concat()));
        json_fields(answer.headers_mut(), NO_STORE);
        answer
    }
}

impl Resource {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "events" => Self::Events,
            "release.json" => Self::Release,
            "client.d.ts" => Self::Types,
            _ => Self::Script(Script::named(name)?),
        })
    }
}

/// The value of a parameter in a query whose values need no decoding: ids and languages.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn conditional(
    etag: &HeaderValue,
    headers: &HeaderMap,
    json: impl FnOnce() -> Bytes,
) -> Response<Full<Bytes>> {
    let validators = Validators {
        etag,
        last_modified: None,
    };
    let mut answer = Response::new(Full::default());
    answer.headers_mut().insert(header::ETAG, etag.clone());
    json_fields(answer.headers_mut(), NO_CACHE);
    if validators.decide(headers) == Decision::NotModified {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    answer.map(|_| Full::new(json()))
}

fn json_fields(fields: &mut HeaderMap, cache_control: HeaderValue) {
    let json = HeaderValue::from_static("application/json");
    fields.insert(header::CONTENT_TYPE, json);
    fields.insert(header::CACHE_CONTROL, cache_control);
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

/// The types of what the client adds to a page.
fn types() -> Response<Full<Bytes>> {
    let mut answer = plain(StatusCode::OK, include_str!("../client/js/client.d.ts"));
    answer.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    answer
}

fn unavailable(text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    let seconds = random_in(5..=15);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    answer
}

// To be asked about each time, with the entity tag if there is one.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
