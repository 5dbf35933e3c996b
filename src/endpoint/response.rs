//! Responses of the reserved paths.

use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use serde::Serialize;

use crate::endpoint::jitter::random_in;
use crate::http::body::Body;
use crate::http::reply::Reply;

/// One line of JSON.
pub(crate) fn json_line(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Only maps with other keys than strings don't serialize.
    let mut json = serde_json::to_vec(value).unwrap_or_default();
    json.push(b'\n');
    Reply::json(status, json).build()
}

/// 404.
pub(crate) fn not_found() -> Response<Body> {
    Reply::text(StatusCode::NOT_FOUND, "there is nothing here\n").build()
}

/// 405, with the methods that are allowed.
pub(crate) fn method_not_allowed(methods: &[Method]) -> Response<Body> {
    let methods: Vec<_> = methods.iter().map(Method::as_str).collect();
    let allow = methods.join(", ");
    let reason = format!("method not allowed, use {allow}\n");
    let reply = Reply::text(StatusCode::METHOD_NOT_ALLOWED, reason);
    match HeaderValue::try_from(allow) {
        Ok(allow) => reply.header(header::ALLOW, allow).build(),
        Err(_) => reply.build(),
    }
}

/// 503, with a random `Retry-After`.
pub(crate) fn unavailable(reason: &'static str) -> Response<Body> {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, reason)
        .header(header::RETRY_AFTER, random_in(5..=15).into())
        .build()
}
