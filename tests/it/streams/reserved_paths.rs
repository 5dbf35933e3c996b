//! Other reserved paths: release.json, the scripts, methods, CORS, and paths outside the prefix.

use std::future::ready;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::*;
use crate::support::coding::decode;

/// The path of the client script in a page.
async fn client_path(site: &Site) -> String {
    let page = get(site, "/").await;
    page.text().split('"').nth(1).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn release_json_equals_the_release_event() {
    let site = Site::new();
    let reply = get(&site, RELEASE).await;
    assert_eq!(reply.status, 503);
    assert_ne!(reply.field("retry-after"), "");
    assert_eq!(reply.field("cache-control"), "no-store");
    for id in ["a", "b"] {
        publish(&site, id);
        let mut stream = Stream::open(&site).await;
        stream.next().await;
        let reply = get(&site, RELEASE).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.text(), stream.next().await.unwrap().announced());
        assert_eq!(reply.field("content-type"), "application/json");
        assert_eq!(reply.field("cache-control"), "no-cache");
        assert_eq!(reply.field("x-content-type-options"), "nosniff");
    }
}

#[tokio::test(start_paused = true)]
async fn client_script_is_immutable_and_compressed() {
    let site = Site::new();
    publish(&site, "a");
    let path = client_path(&site).await;
    let hash = path.strip_prefix("/__tidings/client-").expect(&path);
    let hash = hash.strip_suffix(".js").expect(&path);
    assert!(hash.bytes().all(|b| b.is_ascii_hexdigit()) && hash.len() >= 8);
    let full = get(&site, &path).await;
    assert_eq!(full.status, 200);
    let source = include_str!("../../../src/client/js/min/client.js");
    assert_eq!(full.text(), source);
    assert_eq!(full.field("content-type"), "text/javascript; charset=utf-8");
    let immutable = "public, max-age=31536000, immutable";
    assert_eq!(full.field("cache-control"), immutable);
    assert_eq!(full.field("x-content-type-options"), "nosniff");
    for coding in ["br", "gzip"] {
        let fields = [("accept-encoding", coding)];
        let small = request(&site, "GET", &path, &fields).await;
        assert_eq!(small.field("content-encoding"), coding);
        assert_eq!(small.field("vary"), full.field("vary"));
        assert_ne!(small.field("etag"), full.field("etag"));
        assert_eq!(decode(coding, &small.body), source.as_bytes());
    }
    assert_eq!(full.field("vary"), "accept-encoding");
    // The script is the same for every release.
    publish(&site, "b");
    assert_eq!(client_path(&site).await, path);
}

/// A page that was cached before an update of the server requests the script of the old version.
#[tokio::test(start_paused = true)]
async fn client_script_of_unknown_version_is_current_with_no_cache() {
    let site = Site::new();
    publish(&site, "a");
    for part in ["client", "bundle", "update", "worker"] {
        let version = client_path(&site).await.replace("/__tidings/client", "");
        let current = get(&site, &format!("/__tidings/{part}{version}")).await;
        let other = get(&site, &format!("/__tidings/{part}-0123456789.js")).await;
        assert_eq!(other.status, 200);
        assert_eq!(other.text(), current.text());
        assert_eq!(other.field("cache-control"), "no-cache");
        assert!(current.field("cache-control").contains("immutable"));
    }
}

#[tokio::test(start_paused = true)]
async fn client_script_if_none_match_returns_304() {
    let site = Site::new();
    publish(&site, "a");
    let path = client_path(&site).await;
    let etag = get(&site, &path).await.field("etag").to_owned();
    for condition in [
        etag.clone(),
        // A cache that compresses weakens the tag.
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let known = request(&site, "GET", &path, &[("if-none-match", &condition)]).await;
        assert_eq!(known.status, 304, "{condition}");
        assert_eq!(known.body, "");
        assert_eq!(known.field("etag"), etag);
        assert_eq!(known.field("vary"), "accept-encoding");
        assert!(known.field("cache-control").ends_with(", immutable"));
        assert_eq!(known.field("content-length"), "");
    }
    let other = request(&site, "GET", &path, &[("if-none-match", "\"x\"")]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test(start_paused = true)]
async fn reserved_path_wrong_method_returns_405_unknown_returns_404() {
    let site = Site::new();
    publish(&site, "a");
    let client = client_path(&site).await;
    for path in [EVENTS, RELEASE, &client, "/__tidings/events?x=1"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let reply = request(&site, method, path, &[]).await;
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(reply.field("allow"), "GET, HEAD");
            assert_eq!(reply.field("cache-control"), "no-store");
        }
        let head = request(&site, "HEAD", path, &[]).await;
        assert_eq!(head.status, 200);
        let get = send(
            app(&UpdateNotifierLayer::new(site.clone())),
            "GET",
            path,
            &[],
        );
        assert_eq!(&head.headers, get.await.headers(), "{path}");
    }
    for path in [
        "/__tidings/",
        "/__tidings/x",
        "/__tidings/events/",
        "/__tidings/events/x",
        "/__tidings//events",
        "/__tidings/Events",
        "/__tidings/%65vents",
        "/__tidings/../events",
        "/__tidings/release.jso",
        "/__tidings/client-.js",
        "/__tidings/client-a.b.js",
        "/__tidings/other-0123456789.js",
        "/__tidings/client.js",
    ] {
        for method in ["GET", "HEAD", "POST"] {
            let fields = [("sec-fetch-dest", "document"), ("accept", "text/html")];
            let reply = request(&site, method, path, &fields).await;
            assert_eq!(reply.status, 404, "{method} {path}");
            assert_eq!(reply.field("content-type"), "text/plain; charset=utf-8");
            assert_eq!(reply.field("cache-control"), "no-store");
            assert_eq!(reply.field("x-content-type-options"), "nosniff");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn path_resembling_the_prefix_goes_to_the_origin() {
    let site = Site::new();
    publish(&site, "a");
    for path in ["/__tidings", "/__tidingsevents", "/a/__tidings/events", "/"] {
        let reply = get(&site, path).await;
        assert!(reply.text().ends_with("<title>App</title>"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn prefix_option_moves_the_reserved_paths() {
    let site = Site::new();
    publish(&site, "a");
    let layer = UpdateNotifierLayer::new(site).prefix("/x/_news").unwrap();
    let app = app(&layer);
    let page = Reply::read(send(app.clone(), "GET", "/", &[]).await).await;
    let client = page.text().split('"').nth(1).unwrap();
    assert!(client.starts_with("/x/_news/client-"), "{client}");
    for (path, served) in [
        (client, true),
        ("/x/_news/events", true),
        ("/x/_news/release.json", true),
        ("/__tidings/release.json", false),
    ] {
        let response = send(app.clone(), "GET", path, &[]).await;
        assert_eq!(response.status(), 200);
        let is_page = response.headers()["content-type"] == "text/html";
        assert_eq!(is_page, !served, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn reserved_paths_have_no_cors_headers() {
    let site = Site::new();
    publish(&site, "a");
    let client = client_path(&site).await;
    let fields = [
        ("origin", "https://other.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-private-network", "true"),
        ("accept-encoding", "br, gzip"),
    ];
    let app = app(&UpdateNotifierLayer::new(site));
    for path in [EVENTS, RELEASE, &client, "/__tidings/none"] {
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            let response = send(app.clone(), method, path, &fields).await;
            for name in response.headers().keys() {
                assert!(!name.as_str().starts_with("access-control-"), "{name}");
                assert!(name != "content-encoding" || path == client, "{path}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reserved_path_does_not_reach_the_origin() {
    let site = Site::new();
    publish(&site, "a");
    let layer = UpdateNotifierLayer::new(site);
    let calls = AtomicUsize::new(0);
    let origin = service_fn(|_request: Request<Empty<Bytes>>| {
        calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    for path in [EVENTS, RELEASE, "/__tidings/none"] {
        send(layer.layer(origin), "GET", path, &[]).await;
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    send(layer.layer(origin), "GET", "/x", &[]).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}
