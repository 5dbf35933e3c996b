//! Validators and conditional requests of pages with the script.

use std::sync::Arc;

use http::HeaderMap;

use super::*;

const DATE: &str = "Sun, 22 Nov 2026 12:00:00 GMT";
const VARY: &str = "sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, x-requested-with, tidings-preflight";

/// An origin with one page that evaluates conditional requests, and the headers of its last request.
#[derive(Debug, Clone)]
struct Origin {
    etag: &'static str,
    seen: Arc<Mutex<HeaderMap>>,
}

impl Origin {
    fn new(etag: &'static str) -> Self {
        Self {
            etag,
            seen: Arc::default(),
        }
    }

    fn answer(&self, headers: &HeaderMap) -> Response<ScriptedBody> {
        self.seen.lock().unwrap().clone_from(headers);
        let fields = [
            ("content-type", "text/html"),
            ("cache-control", "no-cache"),
            ("etag", self.etag),
            ("last-modified", DATE),
            ("vary", "cookie"),
        ];
        let is = |name: &str, value: &str| {
            let field = headers.get(name).map(|field| field.to_str().unwrap());
            field.is_some_and(|field| field.contains(value))
        };
        let known = is("if-none-match", self.etag)
            || !headers.contains_key("if-none-match") && is("if-modified-since", DATE);
        if known {
            return answer(304, &fields[1..], b"");
        }
        answer(200, &fields, page().as_bytes())
    }

    fn seen(&self, name: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap();
        seen.get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    }
}

async fn request(site: &Site, origin: &Origin, method: &str, fields: &[(&str, &str)]) -> Reply {
    let inner = origin.clone();
    let service = service_fn(move |request: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(inner.answer(request.headers())))
    });
    let app = UpdateNotifierLayer::new(site.clone()).layer(service);
    Reply::read(send(app, method, "/", fields).await).await
}

async fn navigate(site: &Site, origin: &Origin, fields: &[(&str, &str)]) -> Reply {
    request(site, origin, "GET", &[NAVIGATION, fields].concat()).await
}

fn vary(reply: &Reply) -> Vec<&str> {
    let vary = reply.headers.get_all("vary").iter();
    vary.map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn page_etag_is_origin_etag_with_release_suffix() {
    for (etag, start, end) in [
        ("\"v1\"", "\"v1-tidings-", "\""),
        ("W/\"v1\"", "W/\"v1-tidings-", "\""),
        ("\"\"", "\"-tidings-", "\""),
    ] {
        let origin = Origin::new(etag);
        let one = navigate(&site("r1"), &origin, &[]).await;
        let marked = one.field("etag");
        assert!(
            marked.starts_with(start) && marked.ends_with(end),
            "{marked}"
        );
        let again = navigate(&site("r1"), &origin, &[]).await;
        assert_eq!(again.field("etag"), marked, "a function of the release");
        let two = navigate(&site("r2"), &origin, &[]).await;
        assert_ne!(two.field("etag"), marked);
        assert_eq!(one.field("last-modified"), "");
        assert_eq!(vary(&one), ["cookie", VARY]);
    }
    // A malformed entity tag can't get a suffix, and would be wrong without one.
    let reply = navigate(&site("r1"), &Origin::new("v1"), &[]).await;
    assert_eq!(reply.field("etag"), "");
}

#[tokio::test]
async fn page_drops_length_digest_and_date_headers() {
    let outdated = [
        ("content-length", "75"),
        ("accept-ranges", "bytes"),
        ("content-md5", "x"),
        ("digest", "sha-256=x"),
        ("content-digest", "sha-256=:x:"),
        ("repr-digest", "sha-256=:x:"),
        ("last-modified", DATE),
    ];
    let fields = [&outdated[..], &[("content-type", "text/html")]].concat();
    let reply = read_through(NAVIGATION, answer(200, &fields, page().as_bytes())).await;
    let names = reply.headers.keys().map(http::HeaderName::as_str);
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "vary"]);
}

#[tokio::test]
async fn if_match_page_etag_is_restored_to_origin_etag() {
    let origin = Origin::new("\"v1\"");
    let accepts = [("accept-encoding", "br")];
    let mut marked = Vec::new();
    for (release, fields) in [("r1", &[][..]), ("r1", &accepts), ("r2", &[])] {
        let reply = navigate(&site(release), &origin, fields).await;
        marked.push(reply.field("etag").to_owned());
    }
    let current = [site("r2"), Site::new()];
    for (site, method) in current
        .iter()
        .flat_map(|site| ["PUT", "DELETE", "PATCH", "GET"].map(|method| (site, method)))
    {
        for tag in &marked {
            let condition = format!("\"y\", {tag}");
            request(site, &origin, method, &[("if-match", &condition)]).await;
            let seen = origin.seen("if-match");
            assert_eq!(seen.as_deref(), Some("\"y\", \"v1\""), "{method} {tag}");
        }
        request(site, &origin, method, &[("if-match", "\"x-tidings\"")]).await;
        assert_eq!(origin.seen("if-match").unwrap(), "\"x-tidings\"");
    }
}

#[tokio::test]
async fn if_none_match_same_release_returns_304_next_release_200() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let first = navigate(&site, &origin, &[]).await;
    let marked = first.field("etag").to_owned();
    for (base, condition) in [
        (NAVIGATION, marked.clone()),
        (NAVIGATION, format!("W/{marked}")),
        (&[], format!("\"a\", {marked} , \"b\"")),
    ] {
        let fields = [base, &[("if-none-match", condition.as_str())]].concat();
        let again = request(&site, &origin, "GET", &fields).await;
        assert_eq!(again.status, 304, "{condition}");
        assert_eq!(again.field("etag"), marked);
        assert_eq!(again.field("cache-control"), "no-cache");
        assert_eq!(again.field("last-modified"), "");
        let seen = origin.seen("if-none-match").unwrap();
        assert_eq!(
            seen,
            condition.replace(&marked, "\"v1\"").replace(" ,", ",")
        );
    }
    publish(&site, "r2");
    let fields = [("if-none-match", marked.as_str())];
    let after = navigate(&site, &origin, &fields).await;
    assert_eq!(after.status, 200);
    assert_eq!(release_of(after.text()), "r2");
    assert_ne!(after.field("etag"), marked);
    assert_eq!(origin.seen("if-none-match"), None);
    // After a rollback the client's copy is valid again.
    publish(&site, "r1");
    assert_eq!(navigate(&site, &origin, &fields).await.status, 304);
}

#[tokio::test]
async fn not_modified_has_the_vary_of_the_page() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let first = navigate(&site, &origin, &[]).await;
    let fields = [("if-none-match", first.field("etag"))];
    let again = navigate(&site, &origin, &fields).await;
    assert_eq!(again.status, 304);
    // RFC 9110, section 15.4.5: a cache updates the stored fields from the 304.
    assert_eq!(vary(&again), vary(&first));
}

/// Chromium caches one response per URL. Where `Vary` excludes it for a request, Chromium still sends its entity tag.
/// A page that the app fetched, or that was cached before the layer was added, has no script, so a navigation must not
/// get a 304 for it.
#[tokio::test]
async fn if_none_match_origin_etag_navigation_returns_200() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let fetched = request(&site, &origin, "GET", &[("sec-fetch-dest", "empty")]).await;
    assert_eq!(fetched.text(), page());
    let fields = [("if-none-match", fetched.field("etag"))];
    let reply = navigate(&site, &origin, &fields).await;
    assert_eq!(reply.status, 200);
    assert_eq!(release_of(reply.text()), "r1");
}

/// A navigation to a document that is not HTML.
#[tokio::test]
async fn if_none_match_non_page_navigation_returns_304() {
    let fields = [
        ("content-type", "application/pdf"),
        ("etag", "\"v1\""),
        ("last-modified", DATE),
    ];
    for condition in [("if-none-match", "\"v1\""), ("if-modified-since", DATE)] {
        let service = service_fn(|request: Request<Empty<Bytes>>| {
            let is_known = request.headers().contains_key(condition.0);
            let status = if is_known { 304 } else { 200 };
            ready(Ok::<_, Infallible>(answer(status, &fields, b"")))
        });
        let app = UpdateNotifierLayer::new(site("r1")).layer(service);
        let request = [NAVIGATION, &[condition]].concat();
        let reply = Reply::read(send(app, "GET", "/manual.pdf", &request).await).await;
        assert_eq!(reply.status, 304, "{condition:?}");
        assert_eq!(reply.field("etag"), "\"v1\"");
        assert_eq!(reply.field("last-modified"), DATE);
    }
}

#[tokio::test]
async fn if_none_match_page_etag_fetch_returns_200() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let page_ = navigate(&site, &origin, &[]).await;
    let fields = [
        ("sec-fetch-dest", "empty"),
        ("if-none-match", page_.field("etag")),
    ];
    let fetched = request(&site, &origin, "GET", &fields).await;
    assert_eq!(fetched.status, 200);
    assert_eq!(fetched.text(), page());
    assert_eq!(fetched.field("etag"), "\"v1\"");
    assert_eq!(fetched.field("last-modified"), DATE);
}

#[tokio::test]
async fn if_modified_since_is_removed_for_navigations() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let fields = [("if-modified-since", DATE)];
    let reply = navigate(&site, &origin, &fields).await;
    assert_eq!(reply.status, 200);
    assert_eq!(origin.seen("if-modified-since"), None);
    // A fetch gets the response of the origin.
    let fields = [("if-modified-since", DATE), ("sec-fetch-dest", "empty")];
    let reply = request(&site, &origin, "GET", &fields).await;
    assert_eq!(reply.status, 304);
    assert_eq!(reply.field("etag"), "\"v1\"");
}

#[tokio::test]
async fn head_of_page_has_headers_of_get() {
    let (site, origin) = (site("r1"), Origin::new("\"v1\""));
    let get = navigate(&site, &origin, &[]).await;
    let head = request(&site, &origin, "HEAD", NAVIGATION).await;
    assert_eq!(head.headers, get.headers);
    let fields = [NAVIGATION, &[("if-none-match", get.field("etag"))]].concat();
    assert_eq!(request(&site, &origin, "HEAD", &fields).await.status, 304);
}
