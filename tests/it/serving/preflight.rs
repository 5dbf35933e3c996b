//! Fetches that get the page of a navigation: by the client script, and by service workers.

use super::*;

/// The headers that the client script sends before it reloads a page.
const PREFLIGHT: &[(&str, &str)] = &[
    ("tidings-preflight", "1"),
    ("sec-fetch-dest", "empty"),
    ("accept", "*/*"),
];

/// The headers of a fetch in a service worker.
const FETCH: &[(&str, &str)] = &[("sec-fetch-dest", "empty"), ("accept", "*/*")];

#[tokio::test]
async fn preflight_gets_the_page_of_a_reload_and_content_location() {
    let served = DirectorySite::new(SITE).await;
    for (path, html, location) in [
        ("/", INDEX, "/index.html"),
        ("/index.html", INDEX, "/index.html"),
        ("/about", ABOUT, "/about.html"),
        ("/docs/", DOCS, "/docs/index.html"),
        ("/some/route?a=1", INDEX, "/index.html"),
    ] {
        let page = served.get(path, NAVIGATION).await;
        let seen = served.get(path, PREFLIGHT).await;
        assert_page(&seen, html);
        assert_eq!(seen.body, page.body, "{path}");
        assert_eq!(seen.field("content-location"), location, "{path}");
        assert_eq!(page.field("content-location"), "");
        let vary = seen.field("vary");
        assert!(vary.ends_with(", tidings-preflight"), "{vary}");
        let without = lines(&seen.headers);
        let without = without
            .into_iter()
            .filter(|line| !line.starts_with("content-location"));
        assert_eq!(without.collect::<Vec<_>>(), lines(&page.headers), "{path}");
        let known = [PREFLIGHT, &[("if-none-match", page.field("etag"))]].concat();
        let again = served.get(path, &known).await;
        assert_eq!(again.status, 304);
        assert_eq!(again.field("content-location"), location);
    }
    let gone = served.get("/assets/index-G0ne0000.js", PREFLIGHT).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.field("content-location"), "");
}

#[tokio::test]
async fn preflight_missing_page_gets_404_page() {
    let site = [SITE, &[("404.html", ABOUT), ("a b?/é#.html", DOCS)]].concat();
    let served = DirectorySite::new(&site).await;
    let reply = served.get("/some/route", PREFLIGHT).await;
    assert_eq!(reply.status, 404);
    assert_page(&reply, ABOUT);
    assert_eq!(reply.field("content-location"), "/404.html");
    // Percent-encoded, as required in a header field.
    let reply = served.get("/a%20b%3F/%C3%A9%23", PREFLIGHT).await;
    assert_page(&reply, DOCS);
    assert_eq!(reply.field("content-location"), "/a%20b%3F/%C3%A9%23.html");
}

#[tokio::test]
async fn workbox_precache_request_gets_page_with_script() {
    let served = DirectorySite::new(SITE).await;
    for path in ["/index.html", "/", "/about"] {
        let precached = served
            .get(&format!("{path}?__WB_REVISION__=0f3c"), FETCH)
            .await;
        let page = served.get(path, NAVIGATION).await;
        assert_eq!(precached.body, page.body, "{path}");
        let fetched = served.get(&format!("{path}?revision=0f3c"), FETCH).await;
        assert_ne!(fetched.body, page.body, "{path}");
    }
    // Workbox precaches existing files, not routes.
    let reply = served.get("/some/route?__WB_REVISION__=0f3c", FETCH).await;
    assert_plain(&reply, 404, "404 Not Found\n");
}

/// The headers that Chromium sends for `respondWith(fetch(event.request))`.
#[tokio::test]
async fn service_worker_forwarded_navigation_gets_page_with_script() {
    let served = DirectorySite::new(SITE).await;
    let passed_on = [
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "navigate"),
        ("accept", "text/html,*/*;q=0.8"),
    ];
    for path in ["/", "/some/route"] {
        assert_page(&served.get(path, &passed_on).await, INDEX);
    }
}

#[tokio::test]
async fn workbox_precached_page_has_script_for_every_request() {
    let worker = r#"self.workbox.precacheAndRoute([{url:"index.html",revision:"0f3c"}])"#;
    let served = DirectorySite::new(&[SITE, &[("sw.js", worker)]].concat()).await;
    let fetched = served.get("/index.html", FETCH).await;
    assert_page(&fetched, INDEX);
    assert_eq!(fetched.body, served.get("/", NAVIGATION).await.body);
    // Pages that are not listed are sent as usual.
    assert_eq!(served.get("/about", FETCH).await.text(), ABOUT);
}
