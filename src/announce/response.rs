//! The response of a webhook.

use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The response of a webhook to an [`Announcement`](crate::Announcement).
#[derive(Debug, Clone)]
pub struct AnnounceResponse {
    status: StatusCode,
    text: String,
}

impl AnnounceResponse {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        while bytes.len() < MAX_TEXT_BYTES
            && let Some(Ok(frame)) = body.frame().await
        {
            bytes.extend_from_slice(frame.data_ref().map_or(b"".as_slice(), |data| data));
        }
        bytes.truncate(MAX_TEXT_BYTES);
        let text = String::from_utf8_lossy(&bytes);
        let is_printable = |c: &char| !c.is_control() || *c == '\n';
        let mut text: String = text.trim().chars().filter(is_printable).collect();
        let location = head.headers.get(header::LOCATION);
        if let Some(location) = location.filter(|_| head.status.is_redirection()) {
            // Not followed: the signature is for the server at the given URL.
            text = format!(
                "the server redirects to {location:?}: announce there if that is the same site"
            );
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

    /// The body, for people: JSON if a webhook accepted the announcement, in which `text` describes what will happen.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if a webhook accepted the announcement: for 202 only, since some servers respond to anything with 200 and a
    /// page.
    pub fn is_accepted(&self) -> bool {
        self.status == StatusCode::ACCEPTED
    }
}

// An error page at most, of which a person may want to see the start.
const MAX_TEXT_BYTES: usize = 64 * 1024;
