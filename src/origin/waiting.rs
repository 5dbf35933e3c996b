//! The answer while there is no release yet.

use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::origin::file_body::FileBody;

/// A 503 that says what is awaited; for a navigation, as a page that tries again by itself.
pub(crate) fn response(awaited: &str, is_navigation: bool) -> Response<FileBody> {
    let (media_type, text) = if is_navigation {
        ("text/html; charset=utf-8", page(awaited))
    } else {
        (
            "text/plain; charset=utf-8",
            format!("503 Waiting for {awaited}\n"),
        )
    };
    let mut response = Response::new(FileBody::text(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    fields.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn page(awaited: &str) -> String {
    let mut escaped = String::with_capacity(awaited.len());
    for c in awaited.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"refresh\" content=\"{RETRY_AFTER}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Not published yet</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36em;margin:20vh auto;padding:0 1em;\
         color-scheme:light dark}}</style>\n\
         <h1>Not published yet</h1>\n<p>This site is waiting for {escaped}.\n\
         <p>The page tries again by itself.\n"
    )
}

// Seconds: somebody is building it right now.
const RETRY_AFTER: &str = "2";
