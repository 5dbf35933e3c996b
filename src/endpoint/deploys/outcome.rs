//! The outcome of an announcement, as JSON for scripts with a sentence for the log of a CI job.

use http::Response;
use http::StatusCode;
use serde::Serialize;

use crate::endpoint::response;
use crate::http::body::Body;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::ATTACH_AFTER;
use crate::site::MAX_PENDING_AGE;

/// The outcome of an accepted announcement.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The sources check for a new release; `current` is the current one so far.
    CheckRequested { current: Option<ReleaseId> },
    /// The release is published.
    Published(ReleaseId),
    /// The release is the current one.
    AlreadyCurrent(ReleaseId),
    /// It was a test of the connection and the secret.
    Ping,
}

/// The body of the response.
#[derive(Debug, Serialize)]
struct OutcomeBody<'a> {
    /// `look`, `publish` or `nothing`.
    will: &'static str,
    id: Option<&'a str>,
    current: Option<&'a str>,
    /// The names of the metadata fields that were set.
    said: Vec<&'static str>,
    text: String,
}

impl Outcome {
    /// The response to an announcement with this metadata. `truncated_fields` has a clause for each field that was too
    /// long.
    pub(crate) fn into_response(
        self,
        metadata: &ReleaseMetadata,
        truncated_fields: &[String],
    ) -> Response<Body> {
        let (will, id, current) = match &self {
            Self::CheckRequested { current } => ("look", None, current.as_ref()),
            Self::Published(id) => ("publish", Some(id), Some(id)),
            Self::AlreadyCurrent(id) => ("nothing", Some(id), Some(id)),
            Self::Ping => ("nothing", None, None),
        };
        let mut text = self.text(metadata);
        for truncated in truncated_fields {
            text = format!("{text} But {truncated}.");
        }
        let body = OutcomeBody {
            will,
            id: id.map(ReleaseId::as_str),
            current: current.map(ReleaseId::as_str),
            said: metadata.field_names(),
            text,
        };
        response::json_line(StatusCode::ACCEPTED, &body)
    }

    fn text(&self, metadata: &ReleaseMetadata) -> String {
        let attached = match metadata.field_names().as_slice() {
            [] => None,
            [name @ "notes"] => Some(format!("The {name} are attached to it")),
            [name] => Some(format!("The {name} is attached to it")),
            [first @ .., last] => Some(format!(
                "The {} and the {last} are attached to it",
                first.join(", the ")
            )),
        };
        match (self, attached) {
            (Self::CheckRequested { .. }, None) => CHECK_REQUESTED.to_owned(),
            (Self::CheckRequested { current }, Some(attached)) => {
                let (within, ahead) = (ATTACH_AFTER.as_secs(), MAX_PENDING_AGE.as_secs() / 60);
                let text = format!(
                    "{CHECK_REQUESTED} {attached}, if it is published within {ahead} minutes."
                );
                match current {
                    Some(current) => format!(
                        "{text} If there is none after {within} s, to the current one, {current}, if that is not older than {ahead} minutes and has no other metadata."
                    ),
                    None => text,
                }
            }
            (Self::Published(id), None) => {
                format!("Release {id} is published, and open tabs are notified.")
            }
            (Self::Published(id), Some(attached)) => {
                format!("Release {id} is published, and open tabs are notified. {attached}.")
            }
            (Self::AlreadyCurrent(id), None) => {
                format!("Release {id} is already current. No tab is notified.")
            }
            (Self::AlreadyCurrent(id), Some(attached)) => {
                format!("Release {id} is already current. {attached}. No tab is notified again.")
            }
            (Self::Ping, _) => "The signature is valid. There is nothing to do.".to_owned(),
        }
    }
}

const CHECK_REQUESTED: &str = "The sources now check for a new release.";
