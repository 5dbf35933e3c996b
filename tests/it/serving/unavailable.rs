//! The response while there is no release.

use std::path::Path;

use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;

use super::*;
use crate::support::DEADLINE;
use crate::support::directory_site::send;
use crate::support::directory_site::watch;
use crate::support::put;
use crate::support::site_dir;

async fn get(files: &StaticFiles, path: &str, fields: &[(&str, &str)]) -> Reply {
    Reply::read(send(files.clone(), "GET", path, fields).await).await
}

/// Watches `dir` until the 503 of `/` contains `expected`.
async fn wait_for_reason(dir: &Path, expected: &str) -> StaticFiles {
    let site = Site::new();
    let files = StaticFiles::new(site.clone());
    let source = tokio::spawn(watch(dir).incomplete_after(DEADLINE * 2).run(site.clone()));
    let end = tokio::time::Instant::now() + DEADLINE;
    let mut text = String::new();
    while !text.contains(expected) {
        assert!(
            tokio::time::Instant::now() < end,
            "waited for {expected:?}, but the response is {text:?}"
        );
        tokio::task::yield_now().await;
        let reply = get(&files, "/", &[]).await;
        reply.text().clone_into(&mut text);
        assert_plain(&reply, 503, &text);
        assert_eq!(reply.field("retry-after"), "2");
        let is_sentence = text.starts_with("503 Waiting for ") && text.ends_with('\n');
        assert!(is_sentence, "{text}");
    }
    source.abort();
    files
}

#[tokio::test]
async fn no_release_returns_503_with_not_ready_reason() {
    let files = StaticFiles::new(Site::new());
    let reply = get(&files, "/", &[]).await;
    assert_plain(&reply, 503, "503 Waiting for the first release\n");

    let dir = site_dir(&[]);
    let missing = dir.path().join("dist");
    let name = missing.display();
    wait_for_reason(
        &missing,
        &format!("a complete build in {name}: there is no such directory"),
    )
    .await;
    std::fs::create_dir(&missing).unwrap();
    wait_for_reason(&missing, "it has no index.html, or an empty one").await;
    put(&missing, &[("index.html", "")]);
    wait_for_reason(&missing, "it has no index.html, or an empty one").await;
    put(&missing, &[("index.html", INDEX)]);
    wait_for_reason(&missing, "missing files: /assets/index-BfX2k3Qa.js").await;
    put(&missing, &[("assets/index-BfX2k3Qa.js", "")]);
    wait_for_reason(&missing, "missing files: /assets/index-BfX2k3Qa.js").await;
}

#[tokio::test]
async fn no_release_navigation_gets_self_refreshing_page() {
    let dir = site_dir(&[]);
    let odd = dir.path().join("<b>&amp;\"'");
    let files = wait_for_reason(&odd, "there is no such directory").await;
    for path in ["/", "/some/route", "/assets/x.js"] {
        let reply = get(&files, path, NAVIGATION).await;
        assert_eq!(reply.status, 503);
        assert_eq!(reply.field("content-type"), "text/html; charset=utf-8");
        assert_eq!(reply.field("cache-control"), "no-store");
        assert_eq!(reply.field("retry-after"), "2");
        assert_eq!(reply.field("x-content-type-options"), "nosniff");
        let policy = reply.field("content-security-policy");
        assert_eq!(policy, "default-src 'none'; style-src 'unsafe-inline'");
        let html = reply.text();
        assert!(html.starts_with("<!doctype html>\n"));
        assert!(html.contains("<meta http-equiv=\"refresh\" content=\"2\">"));
        assert!(html.contains("&lt;b>&amp;amp;\"'"), "{html}");
        assert!(!html.contains("<b>"));
        for fields in [&[("accept", "*/*")], &[("sec-fetch-dest", "script")]] {
            let reply = get(&files, path, fields).await;
            assert_eq!(reply.status, 503);
            assert_eq!(reply.field("content-type"), "text/plain; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn no_release_page_has_no_script_and_post_returns_405() {
    let site = Site::new();
    let files = StaticFiles::new(site.clone());
    let app = UpdateNotifierLayer::new(site).layer(files.clone());
    let bare = get(&files, "/", NAVIGATION).await;
    let layered = Reply::read(send(app.clone(), "GET", "/", NAVIGATION).await).await;
    assert_eq!(lines(&layered.headers), lines(&bare.headers));
    assert_eq!(layered.body, bare.body);
    let reply = Reply::read(send(app, "POST", "/", &[]).await).await;
    assert_plain(&reply, 405, "405 Method Not Allowed\n");
}
