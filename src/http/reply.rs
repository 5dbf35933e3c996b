//! Small responses of our own: a status, a text, and the headers that all of them have.

use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;

/// Builds a small response. It is not cached (`no-store`) and not sniffed unless a header is set otherwise.
#[derive(Debug)]
pub(crate) struct Reply(Response<Body>);

impl Reply {
    /// A status with a line of text.
    pub(crate) fn text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Self {
        Self::new(status, TEXT, text)
    }

    /// A status with a page.
    pub(crate) fn html(status: StatusCode, page: String) -> Self {
        Self::new(status, HTML, page)
    }

    /// A status with JSON.
    pub(crate) fn json(status: StatusCode, json: impl Into<bytes::Bytes>) -> Self {
        Self::new(status, JSON, json)
    }

    /// The status by its code and reason alone: `404 Not Found`.
    pub(crate) fn status(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("");
        Self::text(status, format!("{} {reason}\n", status.as_str()))
    }

    /// 405 (RFC 9110, section 15.5.6), with the methods that the resource has.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self::status(StatusCode::METHOD_NOT_ALLOWED)
            .header(header::ALLOW, HeaderValue::from_static(allow))
    }

    fn new(status: StatusCode, media_type: HeaderValue, body: impl Into<bytes::Bytes>) -> Self {
        let mut response = Response::new(Body::full(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        Self(response)
    }

    /// Sets a header, in place of the one of that name.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// The response.
    pub(crate) fn build(self) -> Response<Body> {
        self.0
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
pub(crate) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
