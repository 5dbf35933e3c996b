//! `StaticFiles`: its responses, header by header, without a socket.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod angular;
mod caching;
mod conditional_requests;
mod content_codings;
mod large_files;
mod media_types;
mod metadata;
mod pages;
mod preflight;
mod ranges;
mod routes;
mod unavailable;

use http::HeaderMap;

use crate::support::directory_site::DirectorySite;
use crate::support::directory_site::Reply;

/// An app with a hashed script, a page, a directory with an index, and a text file.
const SITE: &[(&str, &str)] = &[
    ("index.html", INDEX),
    ("about.html", ABOUT),
    ("docs/index.html", DOCS),
    ("assets/index-BfX2k3Qa.js", SCRIPT),
    ("robots.txt", ROBOTS),
];

const INDEX: &str = "<!doctype html><html><head><title>Home</title>\
    <script type=module src=/assets/index-BfX2k3Qa.js></script></head><body>home</body></html>\n";
const ABOUT: &str = "<!doctype html><title>About</title><p>about</p>\n";
const DOCS: &str = "<!doctype html><title>Docs</title><p>docs</p>\n";
const SCRIPT: &str = "console.log('hello')\n";
const ROBOTS: &str = "User-agent: *\n";

/// The headers of a navigation.
const NAVIGATION: &[(&str, &str)] = &[
    ("sec-fetch-dest", "document"),
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
];

/// Asserts that `reply` is the page `html` with the script tag inserted, and otherwise unchanged.
#[track_caller]
fn assert_page(reply: &Reply, html: &str) {
    let (before, rest) = reply.text().split_once("<script async ").expect("a tag");
    let (tag, after) = rest.split_once("</script>").expect("the tag's end");
    assert!(tag.starts_with("src=\"/__tidings/client-"), "{tag}");
    assert_eq!(format!("{before}{after}"), html);
    assert_eq!(reply.field("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.field("content-length"), reply.body.len().to_string());
}

/// Asserts that `reply` is a plain text that is not cached.
#[track_caller]
fn assert_plain(reply: &Reply, status: u16, text: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.text(), text);
    assert_eq!(reply.field("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.field("cache-control"), "no-store");
    assert_eq!(reply.field("x-content-type-options"), "nosniff");
    assert_eq!(reply.field("etag"), "");
}

/// The header fields as `name: value`, sorted.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.iter();
    let mut lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn method_not_allowed_returns_405_with_allow() {
    let served = DirectorySite::new(SITE).await;
    for method in [
        "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
    ] {
        for path in ["/", "/robots.txt", "/none", "/%00", "/docs"] {
            let reply = served.request(method, path, NAVIGATION).await;
            assert_plain(&reply, 405, "405 Method Not Allowed\n");
            assert_eq!(reply.field("allow"), "GET, HEAD", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_has_headers_of_get_and_no_body() {
    let served = DirectorySite::new(SITE).await;
    for path in [
        "/",
        "/about",
        "/docs/",
        "/some/route",
        "/assets/index-BfX2k3Qa.js",
        "/robots.txt",
    ] {
        let get = served.get(path, NAVIGATION).await;
        let head = served.request("HEAD", path, NAVIGATION).await;
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(lines(&head.headers), lines(&get.headers), "{path}");
        assert_eq!(head.body, "", "{path}");
    }
    for path in ["/docs", "/about/", "/none.js", "/%00"] {
        let get = served.get(path, &[]).await;
        let head = served.request("HEAD", path, &[]).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(lines(&head.headers), lines(&get.headers), "{path}");
    }
}

#[tokio::test]
async fn every_response_has_nosniff() {
    let served = DirectorySite::new(SITE).await;
    let etag = served.get("/robots.txt", &[]).await;
    let etag = etag.field("etag");
    let check = async |expected: u16, method: &str, path: &str, fields: &[(&str, &str)]| {
        let reply = served.request(method, path, fields).await;
        assert_eq!(reply.status, expected, "{method} {path}");
        assert_eq!(
            reply.field("x-content-type-options"),
            "nosniff",
            "{method} {path}"
        );
    };
    check(200, "GET", "/", &[]).await;
    check(200, "GET", "/some/route", NAVIGATION).await;
    check(200, "HEAD", "/robots.txt", &[]).await;
    check(206, "GET", "/robots.txt", &[("range", "bytes=0-1")]).await;
    check(304, "GET", "/robots.txt", &[("if-none-match", etag)]).await;
    check(308, "GET", "/docs", &[]).await;
    check(400, "GET", "/%00", &[]).await;
    check(404, "GET", "/none", &[]).await;
    check(405, "POST", "/", &[]).await;
    check(412, "GET", "/robots.txt", &[("if-match", "\"other\"")]).await;
    check(416, "GET", "/robots.txt", &[("range", "bytes=99-")]).await;
}
