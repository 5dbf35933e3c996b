//! Failures: why there is no answer, and what the visitor gets instead.

use std::error::Error as StdError;
use std::io;

use http::Response;
use http::StatusCode;
use hyper_util::client::legacy;

use crate::http::context::AlreadyInjected;
use crate::origin::proxy::body::ProxyBody;
use crate::origin::proxy::connect::ConnectError;
use crate::origin::proxy::idle_timeout::IdleTimeout;
use crate::origin::proxy::rejection;
use crate::origin::proxy::stream::Activity;
use crate::origin::retry_page::Absence;

/// Why an upstream gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There was no connection: nothing was sent.
    ConnectFailed,
    /// There was none in time.
    ConnectTimeout,
    /// It is there, but not to be believed, or speaks no TLS: that does not pass by waiting.
    TlsFailed,
    /// The connection is there, and is another's.
    Http2Negotiated,
    /// It closed a connection that had been used before, without a byte of an answer: most likely it had been about to.
    StaleConnection,
    /// It took the request, and closed without a byte of an answer.
    ClosedWithoutResponse,
    /// It has not begun to answer in time.
    FirstByteTimeout,
    /// It has begun to answer, and not come to the end of the head in time.
    HeaderTimeout,
    /// What it began to answer is no HTTP, or broke off within the head.
    InvalidResponse,
    /// The client did not send its body to the end.
    RequestBodyAborted,
    /// The client has stopped to send its body.
    RequestBodyTimeout,
}

impl Failure {
    pub(crate) fn of(error: &legacy::Error) -> Self {
        if error.is_connect() {
            return match source::<ConnectError>(error) {
                Some(ConnectError::TimedOut(_)) => Self::ConnectTimeout,
                Some(ConnectError::Http2Negotiated) => Self::Http2Negotiated,
                Some(ConnectError::Failed(error)) if is_wrong(&**error) => Self::TlsFailed,
                _ => Self::ConnectFailed,
            };
        }
        let http = source::<hyper::Error>(error);
        let is_parse = http.is_some_and(hyper::Error::is_parse);
        let failure = Self::of_http(http);
        match error.connect_info().and_then(Activity::of) {
            _ if failure.is_of_client() => failure,
            Some(activity) if is_parse || activity.has_response_bytes() => Self::InvalidResponse,
            Some(activity) if failure == Self::ClosedWithoutResponse && activity.is_reused() => {
                Self::StaleConnection
            }
            _ => failure,
        }
    }

    /// As far as it is known without the connection.
    pub(crate) fn of_http(error: Option<&hyper::Error>) -> Self {
        let is_user = error.is_some_and(hyper::Error::is_user);
        let is_slow = error.is_some_and(|error| source::<IdleTimeout>(error).is_some());
        let io = error.and_then(|error| source::<io::Error>(error));
        match io.map(io::Error::kind) {
            _ if is_user && is_slow => Self::RequestBodyTimeout,
            _ if is_user => Self::RequestBodyAborted,
            // It has not even taken the request in time.
            Some(io::ErrorKind::TimedOut) => Self::FirstByteTimeout,
            _ => Self::ClosedWithoutResponse,
        }
    }

    /// True if it is nothing that the upstream could help.
    pub(crate) fn is_of_client(self) -> bool {
        matches!(self, Self::RequestBodyAborted | Self::RequestBodyTimeout)
    }

    /// True if the request can't have done anything.
    pub(crate) fn was_not_sent(self) -> bool {
        matches!(
            self,
            Self::ConnectFailed | Self::ConnectTimeout | Self::TlsFailed | Self::Http2Negotiated
        )
    }

    /// True if there was no byte of an answer, so that an idempotent request may be sent again.
    pub(crate) fn has_no_byte(self) -> bool {
        !self.is_of_client() && !matches!(self, Self::InvalidResponse | Self::HeaderTimeout)
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

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ConnectFailed => "can't connect",
            Self::ConnectTimeout => "no connection in time",
            Self::TlsFailed => "its certificate or its TLS is not to be trusted",
            Self::Http2Negotiated => "no connection is kept",
            Self::StaleConnection => "it closed a connection that was kept",
            Self::ClosedWithoutResponse => "it closed the connection without an answer",
            Self::FirstByteTimeout => "no answer in time",
            Self::HeaderTimeout => "no end of its head in time",
            Self::InvalidResponse => "its answer is no HTTP, or broke off",
            Self::RequestBodyAborted => "the body of the request broke off",
            Self::RequestBodyTimeout => "the body of the request does not go on",
        }
    }

    /// What the visitor gets: for a navigation a page that tries again by itself, for others a line of text.
    pub(crate) fn answer(self, is_navigation: bool) -> Response<ProxyBody> {
        if self.is_of_client() {
            let text = match self {
                Self::RequestBodyTimeout => "408 The body of the request does not go on\n",
                _ => "400 The body of the request broke off\n",
            };
            return rejection::line(self.status(), text);
        }
        let absence = Absence {
            status: self.status(),
            title: "Not there right now",
            sentence: "The site does not answer. It may be starting.",
            line: match self.status() {
                StatusCode::GATEWAY_TIMEOUT => "504 Gateway Timeout\n",
                _ => "502 Bad Gateway\n",
            },
        };
        let mut response = absence.answer(is_navigation).map(ProxyBody::own);
        response.extensions_mut().insert(AlreadyInjected);
        response
    }
}

fn source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut sources = std::iter::successors(Some(error), |error| (*error).source());
    sources.find_map(|error| error.downcast_ref())
}

/// True for what the TLS library says of a peer: of a certificate, or of bytes that are none of TLS. It stands in one
/// error of the system within another, which don't name each other as their source.
fn is_wrong(error: &(dyn StdError + 'static)) -> bool {
    let Some(error) = source::<io::Error>(error) else {
        return false;
    };
    let inner = error.get_ref();
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(|inner| is_wrong(inner))
}

/// All that an error has to say, for a log.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let all = std::iter::successors(Some(error), |error| (*error).source());
    let all: Vec<_> = all.map(ToString::to_string).collect();
    all.join(": ")
}
