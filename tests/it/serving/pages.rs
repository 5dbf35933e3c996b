//! Pages with and without the script.

use std::fs;
use std::time::Duration;
use std::time::SystemTime;

use tidings::UpdateNotifierLayer;
use tower::Layer as _;

use super::*;
use crate::support::directory_site::send;
use crate::support::site_dir;

/// Requests that get a page without the script.
const RAW: &[&[(&str, &str)]] = &[
    &[("sec-fetch-dest", "empty")],
    &[("sec-fetch-dest", "script"), ("accept", "text/html")],
    &[("sec-fetch-dest", "object")],
    &[("hx-request", "true")],
    &[("hx-request", "true"), ("sec-fetch-dest", "document")],
    &[("turbo-frame", "main")],
    &[("x-requested-with", "XMLHttpRequest")],
    &[("cache-control", "no-transform")],
    &[("cache-control", "max-age=0, No-Transform")],
];

#[tokio::test]
async fn page_has_script_tag_first_in_head() {
    let served = DirectorySite::new(SITE).await;
    let release = served.site.current().unwrap();
    let page = served.get("/", &[]).await;
    let page = page.text();
    let start = page.find("<script async ").unwrap();
    assert_eq!(&page[..start], "<!doctype html><html><head>");
    let end = start + page[start..].find("</script>").unwrap() + 9;
    let tag = &page[start..end];
    let client = tag.split('"').nth(1).unwrap();
    let expected = format!(
        "<script async src=\"{client}\" data-release=\"{}\" data-built=\"{}\"></script>",
        release.id(),
        release.built()
    );
    assert_eq!(tag, expected);
    assert!(tag.is_ascii() && tag.len() < 200, "{}", tag.len());
    // The script's URL exists.
    let app = UpdateNotifierLayer::new(served.site.clone()).layer(served.files.clone());
    let script = Reply::read(send(app, "GET", client, &[]).await).await;
    assert_eq!(script.status, 200);
}

#[tokio::test]
async fn page_for_non_navigation_is_unchanged() {
    let served = DirectorySite::new(SITE).await;
    for (path, html) in [("/", INDEX), ("/about", ABOUT), ("/docs/", DOCS)] {
        let page = served.get(path, NAVIGATION).await;
        let known = [("if-none-match", page.field("etag"))];
        for fields in RAW {
            let file = served.get(path, fields).await;
            assert_eq!(file.status, 200);
            assert_eq!(file.text(), html, "{fields:?}");
            assert_eq!(file.field("content-length"), html.len().to_string());
            assert_ne!(file.field("etag"), page.field("etag"));
            for name in ["vary", "cache-control", "content-type"] {
                assert_eq!(file.field(name), page.field(name));
            }
            // The entity tags of the two variants differ.
            let fields = [fields, &known[..]].concat();
            assert_eq!(served.get(path, &fields).await.text(), html);
            let known = [("if-none-match", file.field("etag"))];
            let fields = [NAVIGATION, &known[..]].concat();
            assert_page(&served.get(path, &fields).await, html);
        }
        let vary = page.field("vary");
        let expected = [
            "accept-encoding",
            "sec-fetch-dest",
            "sec-fetch-mode",
            "upgrade-insecure-requests",
            "hx-request",
            "turbo-frame",
            "x-requested-with",
            "tidings-preflight",
        ];
        assert_eq!(vary.split(", ").collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn non_page_navigation_is_unchanged() {
    let files = [
        ("row.html", "<tr><td>1</td></tr>\n"),
        ("data.html", "{\"html\": \"<head></head>\"}"),
        ("empty.html", ""),
        (
            "page.xhtml",
            "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head/></html>",
        ),
        (
            "image.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>x</title></svg>",
        ),
        ("readme.txt", "<!doctype html><head></head>"),
    ];
    let served = DirectorySite::new(&[SITE, &files].concat()).await;
    for (path, content) in files {
        let reply = served.get(&format!("/{path}"), NAVIGATION).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.text(), content);
        let head = served.request("HEAD", &format!("/{path}"), &[]).await;
        assert_eq!(head.field("content-length"), content.len().to_string());
    }
}

#[tokio::test]
async fn replicas_with_equal_files_send_equal_responses() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let replica = async || {
        let dir = site_dir(SITE);
        for (path, _) in SITE {
            let file = fs::File::options().append(true).open(dir.path().join(path));
            file.unwrap().set_modified(time).unwrap();
        }
        DirectorySite::from(dir).await
    };
    let (one, two) = (replica().await, replica().await);
    assert_eq!(one.site.current().unwrap().built(), 1_700_000_000_123);
    for path in ["/", "/about", "/robots.txt", "/assets/index-BfX2k3Qa.js"] {
        let (a, b) = (one.get(path, &[]).await, two.get(path, &[]).await);
        assert_eq!(a.body, b.body);
        assert_eq!(lines(&a.headers), lines(&b.headers));
    }
}

#[tokio::test]
async fn page_etag_changes_with_release_though_file_is_unchanged() {
    let served = DirectorySite::new(SITE).await;
    let before = served.get("/docs/", NAVIGATION).await;
    served.deploy(&[("about.html", DOCS)]).await;
    let fields = [NAVIGATION, &[("if-none-match", before.field("etag"))]].concat();
    let after = served.get("/docs/", &fields).await;
    assert_eq!(after.status, 200);
    assert_page(&after, DOCS);
    assert!(after.text().contains(&served.id()));
    assert!(!before.text().contains(&served.id()));
}

#[tokio::test]
async fn layer_over_static_files_changes_nothing() {
    let files = [SITE, &[("404.html", ABOUT)]].concat();
    let served = DirectorySite::new(&files).await;
    let app = UpdateNotifierLayer::new(served.site.clone()).layer(served.files.clone());
    let etag = served.get("/", NAVIGATION).await.field("etag").to_owned();
    let raw = served.get("/", RAW[0]).await.field("etag").to_owned();
    let robots = served.get("/robots.txt", &[]).await;
    let navigate = |name, value| [NAVIGATION, &[(name, value)]].concat();
    for (method, path, fields) in [
        ("GET", "/", &navigate("if-none-match", &etag)[..]),
        ("GET", "/", &navigate("if-none-match", &raw)),
        ("GET", "/", &navigate("range", "bytes=0-40")),
        (
            "GET",
            "/robots.txt",
            &navigate("if-none-match", robots.field("etag")),
        ),
        (
            "GET",
            "/robots.txt",
            &navigate("if-modified-since", robots.field("last-modified")),
        ),
        ("GET", "/", NAVIGATION),
        ("GET", "/", RAW[0]),
        ("GET", "/", &[("if-none-match", &etag)]),
        ("GET", "/", &[("range", "bytes=0-40")]),
        ("GET", "/", &[("range", "bytes=9999-")]),
        ("GET", "/", &[("accept-encoding", "br")]),
        ("HEAD", "/", NAVIGATION),
        ("GET", "/none", NAVIGATION),
        ("GET", "/none", &[]),
        ("GET", "/docs", NAVIGATION),
        ("GET", "/robots.txt", NAVIGATION),
        ("POST", "/", &[]),
    ] {
        let bare = served.request(method, path, fields).await;
        let layered = Reply::read(send(app.clone(), method, path, fields).await).await;
        assert_eq!(layered.status, bare.status, "{method} {path} {fields:?}");
        assert_eq!(lines(&layered.headers), lines(&bare.headers));
        assert_eq!(layered.body, bare.body);
    }
}

#[tokio::test]
async fn csp_meta_policy_selects_the_script_tag() {
    let page = |policy: &str| {
        format!(
            "<!doctype html><head><meta http-equiv=content-security-policy content=\"{policy}\"></head>x"
        )
    };
    let nonce = page("script-src 'nonce-abc'");
    let hash = page("script-src 'sha256-x'");
    let closed = page("default-src 'none'");
    let site = [
        ("index.html", nonce.as_str()),
        ("hash.html", hash.as_str()),
        ("none.html", closed.as_str()),
    ];
    let served = DirectorySite::new(&site).await;
    let reply = served.get("/", NAVIGATION).await;
    assert_page(&reply, &nonce);
    assert!(reply.text().contains(" nonce=\"abc\" "), "{}", reply.text());
    let reply = served.get("/none", NAVIGATION).await;
    assert_eq!(reply.text(), closed);
    let reply = served.get("/hash", NAVIGATION).await;
    assert!(
        reply.text().contains("src=\"/__tidings/bundle-"),
        "{}",
        reply.text()
    );
}
