//! Rejections: requests that are answered without an upstream.

use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;
use crate::http::reply::Reply;

/// Why a request is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// TRACE, which would show the client the headers added for the upstream, or CONNECT, which is for forward proxies.
    Method,
    /// `OPTIONS` for this server itself (RFC 9110, sections 7.6.2 and 9.3.7): not an error, 204.
    Options,
    /// The request target is not a path: an authority, or `*` with another method than `OPTIONS`.
    Target,
    /// This proxy already forwarded the request.
    Loop,
    /// An upgrade request with a body: bytes after the header could be taken for another request.
    UpgradeWithBody,
}

impl Rejection {
    /// Checks the method, the request target, and `Max-Forwards`.
    pub(crate) fn check_request_line<B>(request: &Request<B>) -> Result<(), Self> {
        let method = request.method();
        if *method == Method::CONNECT || *method == Method::TRACE {
            return Err(Self::Method);
        }
        let max_forwards = request.headers().get(header::MAX_FORWARDS);
        let is_final = max_forwards.is_some_and(|max_forwards| max_forwards == "0");
        if *method == Method::OPTIONS && (is_final || request.uri().path() == "*") {
            return Err(Self::Options);
        }
        if !request.uri().path().starts_with('/') {
            return Err(Self::Target);
        }
        Ok(())
    }

    /// The response for the client.
    pub(crate) fn response(self) -> Response<Body> {
        let (status, text) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed\n"),
            Self::Options => (StatusCode::NO_CONTENT, ""),
            Self::Target => (
                StatusCode::BAD_REQUEST,
                "400 Bad Request: the request target is not a path\n",
            ),
            Self::Loop => (
                StatusCode::LOOP_DETECTED,
                "508 Loop Detected: an upstream points back to this server\n",
            ),
            Self::UpgradeWithBody => (
                StatusCode::BAD_REQUEST,
                "400 Bad Request: an upgrade request must not have a body\n",
            ),
        };
        let mut response = Reply::text(status, text).build();
        if matches!(self, Self::Method | Self::Options) {
            response.headers_mut().insert(header::ALLOW, ALLOW);
        }
        response
    }
}

const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
