//! The answer while what is asked for is not there yet.

use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::http::body::Body;
use crate::http::reply::Reply;

/// A 503 that says what is awaited; for a navigation, as a page that tries again by itself.
pub(crate) fn response(awaited: &str, is_navigation: bool) -> Response<Body> {
    let absence = Absence {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Not published yet",
        sentence: &format!("This site is waiting for {awaited}."),
        line: &format!("503 Waiting for {awaited}\n"),
    };
    absence.answer(is_navigation)
}

/// What is not there, and how that is said.
pub(crate) struct Absence<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'a str,
    /// For people.
    pub(crate) sentence: &'a str,
    /// For what is no browser.
    pub(crate) line: &'a str,
}

impl Absence<'_> {
    /// For a navigation, a page that tries again by itself; for others, a line of text.
    pub(crate) fn answer(&self, is_navigation: bool) -> Response<Body> {
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

// Seconds: somebody is building it right now.
const RETRY_AFTER: &str = "2";
