//! The announcement of a deploy, as a CI job sends it.

use std::error::Error as StdError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::header;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tokio::time::timeout;

use crate::announce::response::AnnounceResponse;
use crate::announce::target::Target;
use crate::endpoint::deploys::secret::SIGNATURE_HEADER;
use crate::endpoint::deploys::secret::Secret;
use crate::error::Error;
use crate::error::Kind;
use crate::http::client_tls;
use crate::http::client_tls::RootStore;
use crate::release::Policy;
use crate::release::ReleaseId;

/// An announcement of a deploy, with metadata of the release. Without any it only requests a check for a new release.
///
/// ```no_run
/// use tidings::{Announcement, Secret};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = Secret::new(std::fs::read("/run/secrets/webhook")?)?;
/// let announcement = Announcement::new().label("1.4.2").notes("Dark mode.");
/// let response = announcement.send("https://www.example.com", &secret).await?;
/// assert!(response.is_accepted(), "{}", response.text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Announcement {
    id: Option<ReleaseId>,
    notes: Option<String>,
    label: Option<String>,
    policy: Option<Policy>,
}

/// The body of the request.
#[derive(Serialize)]
struct Payload<'a> {
    /// Unix seconds, with fractions, or two jobs in one second could have the same signature.
    time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'static str>,
}

impl Announcement {
    /// An announcement without metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of the release. It is published under this id, on a site whose files something else serves.
    pub fn id(mut self, id: ReleaseId) -> Self {
        self.id = Some(id);
        self
    }

    /// What is new in the release: a text, or the URL of one.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// The public name of the release, such as `1.4.2`.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// What tabs do about the release.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sends it to the webhook at `url`, signed with the secret, which itself is not sent. Without a path it goes to
    /// `/__tidings/deploys`; with one that does not end in `/deploys`, to `deploys` below it. Must run on a tokio
    /// runtime with I/O and time enabled.
    ///
    /// A response is no error, whatever its status: see [`AnnounceResponse::is_accepted`].
    ///
    /// # Errors
    ///
    /// If `url` is no `http://` or `https://` URL, or there is no response within 30 seconds.
    pub async fn send(&self, url: &str, secret: &Secret) -> Result<AnnounceResponse, Error> {
        let target = Target::parse(url, client_tls::SCHEMES)?;
        let body = Bytes::from(self.to_json(SystemTime::now()));
        let request = Request::builder()
            .method(Method::POST)
            .uri(target.uri())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            .header(SIGNATURE_HEADER, secret.sign(&body))
            .body(Full::new(body));
        let failed = |reason: &str| {
            let uri = target.uri();
            Error::new(Kind::Announce(format!("can't announce at {uri}: {reason}")))
        };
        let request = request.map_err(|error| failed(&error.to_string()))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = client_tls::http1_connector(http, &RootStore::default());
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let exchange = async {
            match client.request(request).await {
                Ok(response) => Ok(AnnounceResponse::read(response).await),
                Err(error) => Err(failed(&root_cause(&error)).with(error)),
            }
        };
        let seconds = TIMEOUT.as_secs();
        timeout(TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err(failed(&format!("no response within {seconds} s"))))
    }

    fn to_json(&self, now: SystemTime) -> String {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let payload = Payload {
            time: since.as_secs_f64(),
            id: self.id.as_ref().map(ReleaseId::as_str),
            label: self.label.as_deref(),
            notes: self.notes.as_deref(),
            policy: self.policy.map(Policy::as_str),
        };
        // Strings and finite numbers always serialize.
        serde_json::to_string(&payload).unwrap_or_default()
    }
}

/// The innermost source of an error: the refused connection, the invalid certificate.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

const USER_AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

// Longer than any response takes; a CI job should not hang for a site that is down.
const TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_fields_are_left_out() {
        let now = UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
        assert_eq!(
            Announcement::new().to_json(now),
            r#"{"time":1767225600.25}"#
        );
        let announcement = Announcement::new()
            .id("v1".parse().unwrap())
            .label("1")
            .notes("\"n\"")
            .policy(Policy::Idle);
        assert_eq!(
            announcement.to_json(now),
            r#"{"time":1767225600.25,"id":"v1","label":"1","notes":"\"n\"","policy":"idle"}"#
        );
    }
}
