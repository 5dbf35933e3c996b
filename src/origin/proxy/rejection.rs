//! Refusals: requests that are answered without asking an upstream.

use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;

use crate::origin::proxy::body::ProxyBody;

/// Why a request is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// TRACE would show the client what is added for the upstream, and tunnels to anywhere are not ours to open.
    Method,
    /// `OPTIONS` for this server itself (RFC 9110, sections 7.6.2 and 9.3.7).
    Options,
    /// What is asked for is no path: a name, or a star with another method than `OPTIONS`.
    Target,
    /// It came by here before.
    Loop,
    /// What follows it could be taken for another request.
    UpgradeWithBody,
}

impl Rejection {
    pub(crate) fn check_line<B>(request: &Request<B>) -> Result<(), Self> {
        let method = request.method();
        if *method == Method::CONNECT || *method == Method::TRACE {
            return Err(Self::Method);
        }
        let left = request.headers().get(header::MAX_FORWARDS);
        let is_last = left.is_some_and(|left| left == "0");
        if *method == Method::OPTIONS && (is_last || request.uri().path() == "*") {
            return Err(Self::Options);
        }
        if !request.uri().path().starts_with('/') {
            return Err(Self::Target);
        }
        Ok(())
    }

    pub(crate) fn answer(self) -> Response<ProxyBody> {
        let (status, text) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed\n"),
            Self::Options => (StatusCode::NO_CONTENT, ""),
            Self::Target => (
                StatusCode::BAD_REQUEST,
                "400 What is asked for is no path\n",
            ),
            Self::Loop => (
                StatusCode::LOOP_DETECTED,
                "508 This request was here before: the upstream leads back to this server\n",
            ),
            Self::UpgradeWithBody => (
                StatusCode::BAD_REQUEST,
                "400 A request to switch protocols has no body\n",
            ),
        };
        let mut answer = line(status, text);
        if matches!(self, Self::Method | Self::Options) {
            answer.headers_mut().insert(header::ALLOW, ALLOW);
        }
        answer
    }
}

/// A line of text, which nobody keeps.
pub(crate) fn line(status: StatusCode, text: &'static str) -> Response<ProxyBody> {
    let mut response = Response::new(ProxyBody::own(text));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
