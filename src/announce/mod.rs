//! The announcement: how a job that deploys tells a webhook of it.

mod target;

use std::error::Error as StdError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::announce::target::Target;
use crate::endpoint::deploys::SIGNATURE_HEADER;
use crate::endpoint::deploys::Secret;
use crate::error::Error;
use crate::error::Kind;
use crate::http::client_tls;
use crate::http::client_tls::RootStore;
use crate::release::Policy;
use crate::release::ReleaseId;

/// What a deploy is announced with; by default no more than that there is one.
///
/// ```no_run
/// use tidings::{Announcement, Secret};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = Secret::new(std::fs::read("/run/secrets/webhook")?)?;
/// let announcement = Announcement::new().label("1.4.2").notes("Dark mode.");
/// let announced = announcement.send("https://www.example.com", &secret).await?;
/// assert!(announced.is_accepted(), "{}", announced.text());
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

/// What a webhook answered.
#[derive(Debug, Clone)]
pub struct Announced {
    status: StatusCode,
    text: String,
}

impl Announcement {
    /// One that says nothing of the release.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the release: it is published under this id, on a site whose files something else serves.
    pub fn id(mut self, id: ReleaseId) -> Self {
        self.id = Some(id);
        self
    }

    /// Says what is new in it: a text, or the URL of one.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// Gives it the name that people know it by: `1.4.2`.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says how tabs go over to it.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sends it to the webhook at `url`, signed with the secret, which itself is not sent. Without a path it goes to
    /// `/__tidings/deploys`; with one that does not end in `/deploys`, to `deploys` below that. Must run on a tokio
    /// runtime with I/O and time enabled.
    ///
    /// Whatever is answered is no error; [`Announced::is_accepted`] says what it means.
    ///
    /// # Errors
    ///
    /// If `url` is no `http://` or `https://` URL, or there is no answer within 30 seconds.
    pub async fn send(&self, url: &str, secret: &Secret) -> Result<Announced, Error> {
        let target = Target::parse(url, client_tls::SCHEMES)?;
        let body = Bytes::from(self.json(SystemTime::now()));
        let request = Request::builder()
            .method(Method::POST)
            .uri(target.uri())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, AGENT)
            .header(SIGNATURE_HEADER, secret.sign(&body))
            .body(Full::new(body));
        let failed = |why: &str| {
            let uri = target.uri();
            Error::new(Kind::Announce(format!("can't announce at {uri}: {why}")))
        };
        let request = request.map_err(|error| failed(&error.to_string()))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = client_tls::http1_connector(http, &RootStore::default());
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let asked = async {
            let answer = client.request(request).await;
            match answer {
                Ok(answer) => Ok(Announced::read(answer).await),
                Err(error) => Err(failed(&innermost(&error)).with(error)),
            }
        };
        let seconds = LONGEST.as_secs();
        timeout(LONGEST, asked)
            .await
            .unwrap_or_else(|_| Err(failed(&format!("no answer within {seconds} s"))))
    }

    fn json(&self, now: SystemTime) -> String {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        // With fractions, or else two jobs in one second would have the same signature.
        let mut json = serde_json::json!({ "time": since.as_secs_f64() });
        let said = [
            ("id", self.id.as_ref().map(ReleaseId::as_str)),
            ("label", self.label.as_deref()),
            ("notes", self.notes.as_deref()),
            ("policy", self.policy.map(Policy::as_str)),
        ];
        for (name, text) in said {
            if let Some(text) = text {
                json[name] = text.into();
            }
        }
        json.to_string()
    }
}

impl Announced {
    async fn read(answer: Response<Incoming>) -> Self {
        let (head, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        while bytes.len() < MOST_READ
            && let Some(Ok(frame)) = body.frame().await
        {
            bytes.extend_from_slice(frame.data_ref().map_or(b"".as_slice(), |data| data));
        }
        bytes.truncate(MOST_READ);
        let text = String::from_utf8_lossy(&bytes);
        let is_plain = |c: &char| !c.is_control() || *c == '\n';
        let mut text: String = text.trim().chars().filter(is_plain).collect();
        let location = head.headers.get(header::LOCATION);
        if let Some(location) = location.filter(|_| head.status.is_redirection()) {
            // Not followed: what is signed here is for who was named here.
            text = format!("it redirects: announce at {location:?} if that is the same site");
        }
        Self {
            status: head.status,
            text,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What was answered, for people: of a webhook that accepts it JSON, in which `text` says what will happen.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if a webhook took it. Not for every success: there are servers that answer anything with a page.
    pub fn is_accepted(&self) -> bool {
        self.status == StatusCode::ACCEPTED
    }
}

/// What lies at the bottom of an error: the refused connection, the wrong certificate.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

const AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

// Longer than any answer takes; a CI job should not hang for a site that is down.
const LONGEST: Duration = Duration::from_secs(30);

// A page about an error, at most; what a person may want to see of it.
const MOST_READ: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_said() {
        let now = UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
        assert_eq!(Announcement::new().json(now), r#"{"time":1767225600.25}"#);
        let announcement = Announcement::new()
            .id("v1".parse().unwrap())
            .label("1")
            .notes("\"n\"")
            .policy(Policy::Idle);
        assert_eq!(
            announcement.json(now),
            r#"{"time":1767225600.25,"id":"v1","label":"1","notes":"\"n\"","policy":"idle"}"#
        );
    }
}
