//! Failures: why there is no response from an upstream, and the response that the client gets instead.

use std::error::Error as StdError;
use std::io;

use http::Response;
use http::StatusCode;
use hyper_util::client::legacy;

use crate::http::body::Body;
use crate::http::context::Outcome;
use crate::http::reply::Reply;
use crate::origin::proxy::connect::ConnectError;
use crate::origin::proxy::idle_timeout::IdleTimeout;
use crate::origin::proxy::stream::Activity;
use crate::origin::retry_page::Unavailable;

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no connection: nothing was sent.
    ConnectFailed,
    /// There is no connection within the connect timeout.
    ConnectTimeout,
    /// The certificate is not valid, or the upstream does not speak TLS. Waiting does not help.
    TlsFailed,
    /// The connection was established with HTTP/2, and has to be used with that.
    Http2Negotiated,
    /// A reused connection was closed without a byte of a response, most likely before the upstream read the request.
    StaleConnection,
    /// A new connection was closed without a byte of a response.
    ClosedWithoutResponse,
    /// No byte of a response within the first-byte timeout.
    FirstByteTimeout,
    /// The header of the response began, and was not complete within the first-byte timeout.
    HeaderTimeout,
    /// The response is not HTTP, or ends within the header.
    InvalidResponse,
    /// The client did not send the whole body.
    RequestBodyAborted,
    /// The client stopped sending the body.
    RequestBodyTimeout,
}

impl Failure {
    /// From an error of the HTTP/1.1 client.
    pub(crate) fn from_client(error: &legacy::Error) -> Self {
        if error.is_connect() {
            return match find_source::<ConnectError>(error) {
                Some(ConnectError::TimedOut(_)) => Self::ConnectTimeout,
                Some(ConnectError::Http2Negotiated) => Self::Http2Negotiated,
                Some(ConnectError::Failed(error)) if is_tls_error(&**error) => Self::TlsFailed,
                _ => Self::ConnectFailed,
            };
        }
        let hyper = find_source::<hyper::Error>(error);
        let is_parse = hyper.is_some_and(hyper::Error::is_parse);
        let failure = Self::from_hyper(hyper);
        match error.connect_info().and_then(Activity::from_connected) {
            _ if failure.is_of_client() => failure,
            Some(activity) if is_parse || activity.has_response_bytes() => Self::InvalidResponse,
            Some(activity) if failure == Self::ClosedWithoutResponse && activity.is_reused() => {
                Self::StaleConnection
            }
            _ => failure,
        }
    }

    /// From an error of a connection, as far as it is known without the connection.
    pub(crate) fn from_hyper(error: Option<&hyper::Error>) -> Self {
        // An error of the request body.
        let is_user = error.is_some_and(hyper::Error::is_user);
        let is_idle = error.is_some_and(|error| find_source::<IdleTimeout>(error).is_some());
        let io = error.and_then(|error| find_source::<io::Error>(error));
        match io.map(io::Error::kind) {
            _ if is_user && is_idle => Self::RequestBodyTimeout,
            _ if is_user => Self::RequestBodyAborted,
            // The upstream did not accept the request in time.
            Some(io::ErrorKind::TimedOut) => Self::FirstByteTimeout,
            _ => Self::ClosedWithoutResponse,
        }
    }

    /// True if the client caused it.
    pub(crate) fn is_of_client(self) -> bool {
        matches!(self, Self::RequestBodyAborted | Self::RequestBodyTimeout)
    }

    /// True if no byte of the request was sent: it cannot have had an effect.
    pub(crate) fn was_not_sent(self) -> bool {
        matches!(
            self,
            Self::ConnectFailed | Self::ConnectTimeout | Self::TlsFailed | Self::Http2Negotiated
        )
    }

    /// True if no byte of a response came: an idempotent request may be sent again.
    pub(crate) fn has_no_response_bytes(self) -> bool {
        !self.is_of_client() && !matches!(self, Self::InvalidResponse | Self::HeaderTimeout)
    }

    /// The reason in log lines.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ConnectFailed => "connect failed",
            Self::ConnectTimeout => "connect timeout",
            Self::TlsFailed => "TLS handshake failed",
            Self::Http2Negotiated => "HTTP/2 connection closed",
            Self::StaleConnection => "reused connection closed",
            Self::ClosedWithoutResponse => "connection closed without a response",
            Self::FirstByteTimeout => "first byte timeout",
            Self::HeaderTimeout => "response header timeout",
            Self::InvalidResponse => "invalid response",
            Self::RequestBodyAborted => "request body aborted",
            Self::RequestBodyTimeout => "request body timeout",
        }
    }

    /// The response for the client: for a navigation an HTML page that reloads by itself, otherwise a line of text.
    pub(crate) fn response(self, is_navigation: bool) -> Response<Body> {
        if self.is_of_client() {
            let text = match self {
                Self::RequestBodyTimeout => "408 Request Timeout: the request body is incomplete\n",
                _ => "400 Bad Request: the request body is incomplete\n",
            };
            return Reply::text(self.status(), text).build();
        }
        let unavailable = Unavailable {
            status: self.status(),
            title: "Site unavailable",
            sentence: "The server of this site does not respond. It may be starting.",
            line: match self.status() {
                StatusCode::GATEWAY_TIMEOUT => "504 Gateway Timeout\n",
                _ => "502 Bad Gateway\n",
            },
        };
        let mut response = unavailable.respond(is_navigation);
        response.extensions_mut().insert(Outcome::Server);
        response
    }

    fn status(self) -> StatusCode {
        match self {
            Self::ConnectFailed
            | Self::TlsFailed
            | Self::Http2Negotiated
            | Self::StaleConnection
            | Self::ClosedWithoutResponse
            | Self::InvalidResponse => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::FirstByteTimeout | Self::HeaderTimeout => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::RequestBodyAborted => StatusCode::BAD_REQUEST,
            Self::RequestBodyTimeout => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// An error and all its sources, separated by colons.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let all = std::iter::successors(Some(error), |error| (*error).source());
    let all: Vec<_> = all.map(ToString::to_string).collect();
    all.join(": ")
}

/// The first error of this type among an error and its sources.
fn find_source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut sources = std::iter::successors(Some(error), |error| (*error).source());
    sources.find_map(|error| error.downcast_ref())
}

/// True for errors of the TLS library: an invalid certificate, or bytes that are not TLS. They are nested in
/// `io::Error`s, which do not give them as their source.
fn is_tls_error(error: &(dyn StdError + 'static)) -> bool {
    let Some(error) = find_source::<io::Error>(error) else {
        return false;
    };
    let inner = error.get_ref();
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(|inner| is_tls_error(inner))
}
