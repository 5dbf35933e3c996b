//! The answers of the webhook, for who reads them in the log of a CI job.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use serde_json::Value;

use crate::endpoint::deploys::message::WINDOW;
use crate::endpoint::deploys::reading::MOST_BYTES;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::ATTACH_AFTER;
use crate::site::MAX_PENDING_AGE;

/// What an announcement leads to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The sources look; `current` is what is current so far.
    Look { current: Option<ReleaseId> },
    /// It is published.
    Publish(ReleaseId),
    /// There is nothing to publish.
    IsCurrent(ReleaseId),
    /// Somebody tries whether all is well.
    Pong,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Method,
    /// It does not say which part of the proof is wrong.
    NoProof,
    /// The time in it is so far from ours, and ahead of it.
    Clock(Duration, bool),
    Timeless,
    Seen,
    TooLarge,
    BrokenOff,
    TooSlow,
    MadeRoom,
    TooMany(Duration),
    /// The body is not as it should be; says why.
    Wrong(String),
    HasFiles,
}

impl Outcome {
    /// `{"will":…,"id":…,"current":…,"said":[…],"text":…}`: what will happen, in words for a script and in a sentence.
    pub(crate) fn answer(&self, about: &ReleaseMetadata, cuts: &[String]) -> Response<Full<Bytes>> {
        let (will, id, current) = match self {
            Self::Look { current } => ("look", None, current.as_ref()),
            Self::Publish(id) => ("publish", Some(id), Some(id)),
            Self::IsCurrent(id) => ("nothing", Some(id), Some(id)),
            Self::Pong => ("nothing", None, None),
        };
        let mut text = self.text(about);
        for cut in cuts {
            text = format!("{text} But {cut}.");
        }
        let json = serde_json::json!({
            "will": will,
            "id": id.map(ReleaseId::as_str),
            "current": current.map(ReleaseId::as_str),
            "said": about.field_names(),
            "text": text,
        });
        whole(StatusCode::ACCEPTED, JSON, format!("{json}\n"))
    }

    fn text(&self, about: &ReleaseMetadata) -> String {
        let said = about.field_names();
        let them = match said.as_slice() {
            [] => None,
            [name @ "notes"] => Some(format!("The {name} go")),
            [one] => Some(format!("The {one} goes")),
            [first @ .., last] => Some(format!("The {} and the {last} go", first.join(", the "))),
        };
        match (self, them) {
            (Self::Look { current }, them) => {
                let mut text = "We look now whether there is a new release.".to_owned();
                if let Some(them) = them {
                    let (within, ahead) = (ATTACH_AFTER.as_secs(), MAX_PENDING_AGE.as_secs() / 60);
                    text = format!("{text} {them} with it, if it comes within {ahead} minutes.");
                    if let Some(current) = current {
                        text = format!(
                            "{text} If none has come after {within} s, with the current one, {current}, if that is not older than {ahead} minutes and nothing else is said of it."
                        );
                    }
                }
                text
            }
            (Self::Publish(id), None) => {
                format!("Release {id} is published, and open tabs are told.")
            }
            (Self::Publish(id), Some(them)) => {
                format!("Release {id} is published, and open tabs are told. {them} with it.")
            }
            (Self::IsCurrent(id), None) => {
                format!("Release {id} is current already. Nobody is told.")
            }
            (Self::IsCurrent(id), Some(them)) => {
                format!("Release {id} is current already. {them} with it. Nobody is told again.")
            }
            (Self::Pong, _) => "The signature is right. There is nothing to do.".to_owned(),
        }
    }
}

impl Refusal {
    pub(crate) fn answer(&self) -> Response<Full<Bytes>> {
        let mut answer = whole(self.status(), TEXT, format!("{self}\n"));
        let fields = answer.headers_mut();
        match self {
            Self::Method => {
                let allow = HeaderValue::from_static("GET, HEAD, POST");
                fields.insert(header::ALLOW, allow);
            }
            Self::NoProof | Self::Clock(..) | Self::Timeless | Self::Seen => {
                let bearer = HeaderValue::from_static("Bearer");
                fields.insert(header::WWW_AUTHENTICATE, bearer);
            }
            Self::MadeRoom => {
                fields.insert(header::RETRY_AFTER, ROOM_AFTER.as_secs().into());
            }
            Self::TooMany(wait) => {
                // Rounded up: a moment too early is too early.
                fields.insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
            }
            _ => {}
        }
        answer
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoProof | Self::Clock(..) | Self::Timeless | Self::Seen => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokenOff | Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MadeRoom | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::HasFiles => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("POST announces a deploy, GET lists the last ones"),
            Self::NoProof => f.write_str("this needs the secret"),
            Self::Clock(skew, is_ahead) => {
                let (skew, most) = (skew.as_secs(), WINDOW.as_secs());
                let way = if *is_ahead { "ahead of" } else { "behind" };
                write!(
                    f,
                    "the time in the message is {skew} s {way} the time here, and {most} s are allowed: set the clock of the sender, or sign the message later"
                )
            }
            Self::Timeless => f.write_str(
                "whoever sees a signed message could send it again: add the time, as in {\"time\": 1767225600} (Unix seconds), before it is signed",
            ),
            Self::Seen => f.write_str(
                "this signature was seen before: sign the message again, with the time of now in it",
            ),
            Self::TooLarge => write!(f, "the body is larger than {MOST_BYTES} bytes"),
            Self::BrokenOff => f.write_str("the body broke off"),
            Self::TooSlow => f.write_str("the body came too slowly"),
            Self::MadeRoom => f.write_str("too many announcements at once"),
            Self::TooMany(_) => f.write_str("too many announcements within a minute"),
            Self::Wrong(why) => f.write_str(why),
            Self::HasFiles => f.write_str(
                "the releases of a directory are named by their content: send \"label\" for the name that people know, and no \"id\"",
            ),
        }
    }
}

/// The list of deploys.
pub(crate) fn list(deploys: &Value) -> Response<Full<Bytes>> {
    whole(StatusCode::OK, JSON, format!("{deploys}\n"))
}

fn whole(status: StatusCode, media_type: HeaderValue, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let fields = answer.headers_mut();
    fields.insert(header::CONTENT_TYPE, media_type);
    let no_store = HeaderValue::from_static("no-store");
    fields.insert(header::CACHE_CONTROL, no_store);
    let nosniff = HeaderValue::from_static("nosniff");
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    answer
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

// Those who are read are done by then, or thrown out.
const ROOM_AFTER: Duration = Duration::from_secs(5);
