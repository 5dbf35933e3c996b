//! Refused announcements.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::endpoint::deploys::payload::MAX_CLOCK_SKEW;
use crate::http::body::Body;
use crate::http::reply::Reply;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The same response whichever part of the credentials is wrong.
    Unauthorized,
    /// The time in the payload is too far from this machine's clock.
    ClockSkew {
        skew: Duration,
        is_ahead: bool,
    },
    /// A signed payload with content has no time, and could be replayed.
    MissingTimestamp,
    /// The signature was used before.
    Replayed,
    TooLarge {
        max_bytes: usize,
    },
    /// The body ended with an error.
    Incomplete,
    TooSlow,
    /// The body was the oldest of too many that were being read.
    Evicted,
    /// Too many announcements; the next one is accepted after this time.
    RateLimited(Duration),
    /// The payload is invalid; the text is the response.
    InvalidPayload(String),
    /// The id is not that of the current release, on a site whose releases are named by their content.
    HasFiles,
}

impl Refusal {
    pub(crate) fn into_response(self) -> Response<Body> {
        let status = self.status();
        let mut reply = Reply::text(status, format!("{self}\n"));
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            reply = reply.header(header::WWW_AUTHENTICATE, bearer);
        }
        let retry_after = match self {
            Self::Evicted => Some(EVICTED_RETRY_AFTER.as_secs()),
            // Rounded up, or the retry would come too early.
            Self::RateLimited(wait) => Some(wait.as_secs() + 1),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            reply = reply.header(header::RETRY_AFTER, seconds.into());
        }
        reply.build()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized
            | Self::ClockSkew { .. }
            | Self::MissingTimestamp
            | Self::Replayed => StatusCode::UNAUTHORIZED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete | Self::InvalidPayload(_) => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Evicted | Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::HasFiles => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("a valid bearer token or signature is required"),
            Self::ClockSkew { skew, is_ahead } => {
                let (skew, max) = (skew.as_secs(), MAX_CLOCK_SKEW.as_secs());
                let direction = if *is_ahead { "ahead of" } else { "behind" };
                write!(
                    f,
                    "the time in the payload is {skew} s {direction} the server's clock, and {max} s are allowed: correct the clock of the sender, or sign the payload later"
                )
            }
            Self::MissingTimestamp => f.write_str(
                "a signed payload needs a time, or it could be replayed: add it before signing, as in {\"time\": 1767225600} (Unix seconds)",
            ),
            Self::Replayed => f.write_str(
                "the signature was used before: sign the payload again, with the current time in it",
            ),
            Self::TooLarge { max_bytes } => write!(f, "the body is larger than {max_bytes} bytes"),
            Self::Incomplete => f.write_str("the body is incomplete"),
            Self::TooSlow => f.write_str("the body was sent too slowly"),
            Self::Evicted => f.write_str("too many announcements at once"),
            Self::RateLimited(_) => f.write_str("too many announcements within a minute"),
            Self::InvalidPayload(reason) => f.write_str(reason),
            Self::HasFiles => f.write_str(
                "the releases of a directory are named by their content: send \"label\" with the public name, and no \"id\"",
            ),
        }
    }
}

// By then bodies that are being read are complete, or have timed out.
const EVICTED_RETRY_AFTER: Duration = Duration::from_secs(5);
