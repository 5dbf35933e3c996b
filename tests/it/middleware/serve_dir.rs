//! The layer in an axum app that serves a directory with tower-http.

use axum::Router;
use axum::routing;
use http_body_util::Full;
use hyper::body::Incoming;
use tower_http::services::ServeDir;

use super::*;
use crate::support::http::Client;
use crate::support::http::Framing;
use crate::support::http::field;
use crate::support::server::TestServer;
use crate::support::site_dir;

const SCRIPT: &str = "console.log('app')\n";

fn app(site: &Site) -> (Router, tempfile::TempDir) {
    let dir = site_dir(&[("index.html", &page()), ("app.js", SCRIPT)]);
    let router = Router::new()
        .route("/api", routing::get(async || "{}"))
        .fallback_service(ServeDir::new(dir.path()))
        .layer(UpdateNotifierLayer::new(site.clone()));
    (router, dir)
}

async fn request(router: &Router, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let response = send(router.clone(), method, path, fields).await;
    Reply::read(response).await
}

#[tokio::test]
async fn serve_dir_page_gets_script_and_own_validators() {
    let site = site("r1");
    let (app, _dir) = app(&site);
    let first = request(&app, "GET", "/", NAVIGATION).await;
    assert_eq!(first.status, 200);
    tag_between(first.text(), PAGE.0, PAGE.1);
    assert_eq!(first.field("content-type"), "text/html");
    for name in ["content-length", "last-modified", "accept-ranges"] {
        assert_eq!(first.field(name), "", "{name}");
    }
    let etag = first.field("etag");
    assert!(etag.contains("-tidings-"), "{etag}");
    let fields = [NAVIGATION, &[("if-none-match", etag)]].concat();
    let again = request(&app, "GET", "/", &fields).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.field("etag"), etag);
    publish(&site, "r2");
    let after = request(&app, "GET", "/", &fields).await;
    assert_eq!(after.status, 200);
    assert_eq!(release_of(after.text()), "r2");
}

#[tokio::test]
async fn serve_dir_other_responses_are_unchanged() {
    let (app, dir) = app(&site("r1"));
    let bare: Router = Router::new()
        .route("/api", routing::get(async || "{}"))
        .fallback_service(ServeDir::new(dir.path()));
    let etag = request(&bare, "GET", "/app.js", &[]).await;
    let etag = etag.field("etag");
    assert_ne!(etag, "");
    for (method, path, fields) in [
        ("GET", "/app.js", &[][..]),
        ("GET", "/app.js", NAVIGATION),
        ("HEAD", "/app.js", &[]),
        ("GET", "/app.js", &[("if-none-match", etag)]),
        ("GET", "/app.js", &[("range", "bytes=1-3")]),
        ("GET", "/app.js", &[("range", "bytes=99-")]),
        (
            "GET",
            "/",
            &[("range", "bytes=1-3"), ("sec-fetch-dest", "empty")],
        ),
        ("GET", "/none", NAVIGATION),
        ("POST", "/", &[]),
        ("GET", "/api", &[]),
    ] {
        let expected = request(&bare, method, path, fields).await;
        let reply = request(&app, method, path, fields).await;
        assert_eq!(reply.status, expected.status, "{method} {path}");
        assert_eq!(reply.headers, expected.headers, "{method} {path}");
        assert_eq!(reply.body, expected.body, "{method} {path}");
    }
}

/// Through hyper: an unknown length is not sent, and the connection stays usable.
#[test]
fn page_on_the_wire_is_chunked_and_keeps_connection() {
    let site = site("r1");
    let (app, _dir) = app(&site);
    let running = TestServer::new(app, |server| server);
    let mut client = Client::connect(running.address()).unwrap();
    for _ in 0..2 {
        let answer = client.request("GET", "/", NAVIGATION).unwrap();
        assert_eq!(answer.framing, Framing::Chunked);
        tag_between(answer.text(), PAGE.0, PAGE.1);
        let mut head = client.request("HEAD", "/", NAVIGATION).unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(field(&head.headers, "content-length"), "");
        let mut get = answer;
        for headers in [&mut head.headers, &mut get.headers] {
            headers.remove("date");
            headers.remove("transfer-encoding");
        }
        assert_eq!(head.headers, get.headers);
        let fields = [NAVIGATION, &[("if-none-match", get.field("etag"))]].concat();
        let known = client.request("GET", "/", &fields).unwrap();
        assert_eq!(known.status, 304);
        assert_eq!(known.field("content-length"), "");
        let script = client.request("GET", "/app.js", &[]).unwrap();
        assert_eq!(script.framing, Framing::Length(SCRIPT.len()));
        assert_eq!(script.text(), SCRIPT);
        let fetched = client.request("GET", "/", &[("sec-fetch-dest", "empty")]);
        assert_eq!(fetched.unwrap().text(), page());
    }
}

/// An origin may respond to HEAD with the length of its page, which differs from the page with the script.
#[test]
fn head_on_the_wire_has_no_content_length() {
    let service = service_fn(|_request: Request<Incoming>| async {
        let response = Response::builder().header("content-type", "text/html");
        let body = Full::<Bytes>::from(page());
        Ok::<_, Infallible>(response.body(body).unwrap())
    });
    let app = UpdateNotifierLayer::new(site("r1")).layer(service);
    let running = TestServer::new(app, |server| server);
    let mut client = Client::connect(running.address()).unwrap();
    for _ in 0..2 {
        let head = client.request("HEAD", "/", &[]).unwrap();
        assert_eq!(head.field("content-length"), "");
        let get = client.request("GET", "/", &[]).unwrap();
        assert_eq!(get.field("content-length"), "");
        tag_between(get.text(), PAGE.0, PAGE.1);
    }
}
