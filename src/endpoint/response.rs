//! Responses of the reserved paths.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use serde::Serialize;

use crate::endpoint::jitter::random_in;

/// Plain text that must not be stored.
pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    set_headers(response.headers_mut(), TEXT, NO_STORE);
    response
}

/// One line of JSON that must not be stored.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    // Only maps with other keys than strings don't serialize.
    let mut json = serde_json::to_vec(value).unwrap_or_default();
    json.push(b'\n');
    let mut response = Response::new(Full::from(json));
    *response.status_mut() = status;
    set_headers(response.headers_mut(), JSON, NO_STORE);
    response
}

/// 503, with a random `Retry-After`.
pub(crate) fn unavailable(reason: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, reason);
    let seconds = random_in(5..=15);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}

/// 405, with the methods that are allowed.
pub(crate) fn method_not_allowed(methods: &[Method]) -> Response<Full<Bytes>> {
    let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
    let allow = methods.join(", ");
    let reason = format!("method not allowed, use {allow}\n");
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, reason);
    if let Ok(allow) = HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Sets the headers that describe a body.
pub(crate) fn set_headers(
    headers: &mut HeaderMap,
    content_type: HeaderValue,
    cache_control: HeaderValue,
) {
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Revalidated with every request.
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(crate) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
