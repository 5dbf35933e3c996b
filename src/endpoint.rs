//! The endpoint: the reserved paths, `/__tidings/` by default.

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;

use crate::events::EventStream;
use crate::events::HEARTBEAT_INTERVAL;
use crate::events::Slots;
use crate::events::random_in;
use crate::inject::snippet;
use crate::origin::conditional::Decision;
use crate::origin::conditional::Validators;
use crate::origin::encoding::form_of;
use crate::release::Asset;
use crate::release::Content;
use crate::site::Site;

/// What answers under the prefix.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    site: Site,
    slots: Slots,
}

/// An answer of the endpoint: all there, or a stream.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole(Response<Full<Bytes>>),
    Stream(Response<EventStream>),
}

impl Endpoint {
    pub(crate) fn new(site: Site, slots: Slots) -> Self {
        Self { site, slots }
    }

    /// Answers a request for `name`, which is what follows the prefix and its slash.
    pub(crate) fn answer(&self, name: &str, method: &Method, headers: &HeaderMap) -> Answer {
        let known = name == EVENTS
            || name == RELEASE
            || name == snippet::client_name()
            || name == snippet::whole_name();
        if !known {
            return Answer::Whole(plain(StatusCode::NOT_FOUND, "there is nothing here\n"));
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Answer::Whole(answer);
        }
        match name {
            EVENTS => self.events(method),
            RELEASE => Answer::Whole(self.release()),
            _ if name == snippet::whole_name() => Answer::Whole(script(&WHOLE, headers)),
            _ => Answer::Whole(script(&CLIENT, headers)),
        }
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
        Answer::Stream(head.map(|()| EventStream::new(&self.site, slot, HEARTBEAT_INTERVAL)))
    }

    fn release(&self) -> Response<Full<Bytes>> {
        let state = self.site.state();
        let Some(announcement) = state.announcement() else {
            return unavailable("there is no release yet\n");
        };
        let mut answer = Response::new(Full::new(announcement.json().clone()));
        let headers = answer.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        answer
    }
}

fn script(script: &Asset, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let (representation, coding) = form_of(script, headers);
    let mut answer = Response::new(Full::default());
    let fields = answer.headers_mut();
    fields.insert(header::ETAG, representation.etag().clone());
    let immutable = HeaderValue::from_static("public, max-age=31536000, immutable");
    fields.insert(header::CACHE_CONTROL, immutable);
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    let validators = Validators {
        etag: representation.etag(),
        last_modified: None,
    };
    if validators.decide(headers) == Decision::NotModified {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
    fields.insert(header::CONTENT_TYPE, javascript);
    if let Some(coding) = coding {
        fields.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(coding.token()),
        );
    }
    match representation.content() {
        Content::Memory(script) => answer.map(|_| Full::new(script.clone())),
        Content::File(_) => answer,
    }
}

fn asset_of(script: &'static str) -> Asset {
    let script = Asset::from_bytes(Bytes::from_static(script.as_bytes()));
    script.compress();
    script
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

static CLIENT: LazyLock<Asset> = LazyLock::new(|| asset_of(snippet::CLIENT));
static WHOLE: LazyLock<Asset> = LazyLock::new(|| asset_of(snippet::WHOLE));

const EVENTS: &str = "events";
const RELEASE: &str = "release.json";
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
