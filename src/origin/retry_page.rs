//! The response while a site has no release, or an upstream is unavailable: a page that reloads itself.

use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;
use crate::http::reply::Reply;

/// Returns a 503 for a site without a release, with what it waits for; for a navigation, as a page that reloads itself.
pub(crate) fn response(reason: &str, is_navigation: bool) -> Response<Body> {
    let unavailable = Unavailable {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Not published yet",
        sentence: &format!("This site is waiting for {reason}."),
        line: &format!("503 Waiting for {reason}\n"),
    };
    unavailable.respond(is_navigation)
}

/// The status and the texts of a response for something that is temporarily unavailable.
pub(crate) struct Unavailable<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'a str,
    /// The text of the page.
    pub(crate) sentence: &'a str,
    /// The plain-text body of a response to anything but a navigation.
    pub(crate) line: &'a str,
}

impl Unavailable<'_> {
    /// Returns the response: for a navigation a page that reloads itself, otherwise a line of text.
    pub(crate) fn respond(&self, is_navigation: bool) -> Response<Body> {
        let reply = if is_navigation {
            Reply::html(self.status, html(self.title, self.sentence))
        } else {
            Reply::text(self.status, self.line.to_owned())
        };
        let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
        reply
            .header(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
            .header(header::CONTENT_SECURITY_POLICY, policy)
            .build()
    }
}

fn html(title: &str, sentence: &str) -> String {
    let mut escaped = String::with_capacity(sentence.len());
    for c in sentence.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"refresh\" content=\"{RETRY_AFTER}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36em;margin:20vh auto;padding:0 1em;\
         color-scheme:light dark}}</style>\n\
         <h1>{title}</h1>\n<p>{escaped}\n\
         <p>The page tries again by itself.\n"
    )
}

// In seconds: the first build or the restart of an upstream usually completes soon.
const RETRY_AFTER: &str = "2";
