//! `UpdateNotifierLayer` over arbitrary inner services.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod coded_pages;
mod compress_pages;
mod csp;
mod directory_csp;
mod eligibility;
mod inner_service;
mod serve_dir;
mod streaming;
mod validators;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use tidings::Body;
use tidings::Release;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;
use tower::service_fn;

use crate::support::bodies::ScriptedBody;
use crate::support::directory_site::Reply;
use crate::support::directory_site::send;

/// A page, split at the insertion point.
const PAGE: (&str, &str) = (
    "<!doctype html><html><head>",
    "<title>App</title></head><body>app</body></html>\n",
);

const NAVIGATION: &[(&str, &str)] = &[
    ("sec-fetch-dest", "document"),
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
];

/// A site whose current release has this id.
fn site(id: &str) -> Site {
    let site = Site::new();
    publish(&site, id);
    site
}

fn publish(site: &Site, id: &str) {
    site.publish(Release::new(id.parse().unwrap(), 1_700_000_000_000));
}

fn page() -> String {
    format!("{}{}", PAGE.0, PAGE.1)
}

/// Sends `answer` through the layer, with `r1` as the current release.
async fn through(request: &[(&str, &str)], answer: Response<ScriptedBody>) -> Response<Body> {
    let answer = Mutex::new(Some(answer));
    let service = service_fn(move |_request: Request<Empty<Bytes>>| {
        let answer = answer.lock().unwrap().take();
        ready(Ok::<_, Infallible>(answer.expect("one request")))
    });
    let app = UpdateNotifierLayer::new(site("r1")).layer(service);
    send(app, "GET", "/", request).await
}

/// As [`through`], and reads the body.
async fn read_through(request: &[(&str, &str)], answer: Response<ScriptedBody>) -> Reply {
    Reply::read(through(request, answer).await).await
}

/// A response with these fields and this body, in frames of seven bytes.
fn answer(status: u16, fields: &[(&str, &str)], body: &[u8]) -> Response<ScriptedBody> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(ScriptedBody::trickle(body, 7)).unwrap()
}

/// The script tag in `text` between `before` and `after`; panics if there is anything else.
#[track_caller]
fn tag_between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let inner = text.strip_prefix(before);
    let tag = inner.and_then(|inner| inner.strip_suffix(after));
    let tag = tag.unwrap_or_else(|| panic!("{text:?} is not {before:?}, a tag, {after:?}"));
    assert!(tag.starts_with("<script async src=\"/__tidings/client-"));
    assert!(tag.ends_with("></script>"));
    assert_eq!(tag.matches('<').count(), 2, "{tag}");
    tag
}

/// The release id in the script tag of a page.
#[track_caller]
fn release_of(page: &str) -> &str {
    let (_, rest) = page.split_once(" data-release=\"").expect("a tag");
    rest.split('"').next().unwrap()
}
