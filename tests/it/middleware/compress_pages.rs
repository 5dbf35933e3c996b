//! `compress_pages`, the headers of page requests to the origin, and the counters.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use http::HeaderMap;
use http_body::Body as _;
use tidings::Body;
use tidings::Csp;
use tidings::StaticFiles;

use super::*;
use crate::support::bodies::Step;
use crate::support::coding::Decoder;
use crate::support::coding::codings;
use crate::support::coding::decode;
use crate::support::coding::encode;
use crate::support::directory_site::DirectorySite;
use crate::support::site_dir;

const HTML: (&str, &str) = ("content-type", "text/html");
const TEXT: (&str, &str) = ("content-type", "text/plain");

/// The layer over an origin with a fixed response.
#[derive(Debug)]
struct App {
    layer: UpdateNotifierLayer,
    fields: Vec<(&'static str, &'static str)>,
    body: ScriptedBody,
    /// The headers of the last request to the origin.
    seen: Arc<Mutex<HeaderMap>>,
}

impl App {
    fn new(
        layer: &UpdateNotifierLayer,
        fields: &[(&'static str, &'static str)],
        body: ScriptedBody,
    ) -> Self {
        Self {
            layer: layer.clone(),
            fields: fields.to_vec(),
            body,
            seen: Arc::default(),
        }
    }

    async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response<Body> {
        let service = service_fn(|request: Request<Empty<Bytes>>| {
            self.seen.lock().unwrap().clone_from(request.headers());
            let answer = answer(200, &self.fields, b"").map(|_| self.body.clone());
            ready(Ok::<_, Infallible>(answer))
        });
        send(self.layer.layer(service), method, path, fields).await
    }

    async fn read(&self, method: &str, fields: &[(&str, &str)]) -> Reply {
        Reply::read(self.send(method, "/", fields).await).await
    }

    /// All values of a field in the last request to the origin.
    fn seen(&self, name: &str) -> Vec<String> {
        values(&self.seen.lock().unwrap(), name)
    }
}

fn compressing() -> UpdateNotifierLayer {
    UpdateNotifierLayer::new(site("r1")).compress_pages()
}

fn html() -> ScriptedBody {
    ScriptedBody::trickle(page().as_bytes(), 7)
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn compress_pages_uses_the_preferred_coding() {
    let modern = if codings().any(|coding| coding == "zstd") {
        "zstd"
    } else {
        "br"
    };
    for (accept, expected) in [
        ("gzip, deflate, br, zstd", modern),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("deflate", ""),
        ("identity, gzip;q=0.5", ""),
        ("gzip;q=0, br;q=0", ""),
        ("identity;q=0", ""),
        ("", ""),
    ] {
        let app = App::new(&compressing(), &[HTML, ("etag", "\"v1\"")], html());
        let fields = [NAVIGATION, &[("accept-encoding", accept)]].concat();
        let get = app.read("GET", &fields).await;
        assert_eq!(app.seen("accept-encoding"), ["identity"]);
        assert_eq!(get.field("content-encoding"), expected, "{accept}");
        let decoded = String::from_utf8(decode(expected, &get.body)).unwrap();
        tag_between(&decoded, PAGE.0, PAGE.1);
        let suffix = format!("-{expected}\"");
        let ends_so = get.field("etag").ends_with(&suffix);
        assert_eq!(ends_so, !expected.is_empty());
        assert_eq!(values(&get.headers, "vary")[1..], ["accept-encoding"]);
        let head = app.read("HEAD", &fields).await;
        assert_eq!(head.headers, get.headers);
    }
}

#[tokio::test]
async fn compress_pages_recodes_a_coded_origin_page() {
    let body = encode("deflate", &page());
    for (accept, expected) in [("br", "br"), ("deflate", "deflate"), ("", "")] {
        let body = ScriptedBody::trickle(&body, 7);
        let app = App::new(
            &compressing(),
            &[HTML, ("content-encoding", "deflate")],
            body,
        );
        let fields = [NAVIGATION, &[("accept-encoding", accept)]].concat();
        let reply = app.read("GET", &fields).await;
        assert_eq!(reply.field("content-encoding"), expected);
        let decoded = String::from_utf8(decode(expected, &reply.body)).unwrap();
        tag_between(&decoded, PAGE.0, PAGE.1);
    }
}

/// The layer asked the origin for `identity`, so it has to compress the page itself.
#[tokio::test]
async fn compress_pages_compresses_page_blocked_by_csp() {
    let fields = [HTML, ("content-security-policy", "script-src 'none'")];
    let app = App::new(
        &compressing(),
        &[&fields[..], &[("etag", "\"v1\"")]].concat(),
        html(),
    );
    for (accept, etag_end) in [("gzip", "-gzip\""), ("", "\"v1\"")] {
        let request = [NAVIGATION, &[("accept-encoding", accept)]].concat();
        let reply = app.read("GET", &request).await;
        assert_eq!(reply.field("content-encoding"), accept);
        assert_eq!(decode(accept, &reply.body), page().as_bytes());
        assert_eq!(reply.field("vary"), "accept-encoding");
        assert!(reply.field("etag").ends_with(etag_end));
        assert_eq!(app.read("HEAD", &request).await.headers, reply.headers);
    }
    assert_eq!(app.layer.page_counts().forbidden_by_csp(), 2);
}

#[tokio::test]
async fn compress_pages_below_1024_bytes_stays_identity() {
    for (length, expected) in [("1023", ""), ("1024", "gzip"), ("x", "gzip")] {
        let app = App::new(&compressing(), &[HTML, ("content-length", length)], html());
        let fields = [NAVIGATION, &[("accept-encoding", "gzip")]].concat();
        let reply = app.read("GET", &fields).await;
        assert_eq!(reply.field("content-encoding"), expected, "{length}");
    }
}

#[tokio::test]
async fn compress_pages_sends_first_bytes_before_the_end() {
    for coding in codings().filter(|coding| *coding != "deflate") {
        let steps = [PAGE.0.into(), Step::Pending, PAGE.1.into()];
        let app = App::new(&compressing(), &[HTML], ScriptedBody::new(steps));
        let fields = [NAVIGATION, &[("accept-encoding", coding)]].concat();
        let mut body = app.send("GET", "/", &fields).await.into_body();
        let mut decoder = Decoder::new(coding);
        let mut cx = Context::from_waker(Waker::noop());
        let frame = Pin::new(&mut body).poll_frame(&mut cx);
        let Poll::Ready(Some(Ok(frame))) = frame else {
            panic!("{coding}: {frame:?}");
        };
        decoder.write(&frame.into_data().unwrap());
        tag_between(std::str::from_utf8(&decoder.decoded()).unwrap(), PAGE.0, "");
    }
}

#[tokio::test]
async fn compress_pages_adds_accept_encoding_to_vary_once() {
    for (vary, expected) in [
        ("cookie", &["cookie", "accept-encoding"][..]),
        ("Accept-Encoding, cookie", &["Accept-Encoding, cookie"]),
        ("*", &["*"]),
    ] {
        let app = App::new(&compressing(), &[HTML, ("vary", vary)], html());
        let fields = [NAVIGATION, &[("accept-encoding", "gzip")]].concat();
        let reply = app.read("GET", &fields).await;
        let mut all = values(&reply.headers, "vary");
        all.retain(|names| !names.starts_with("sec-fetch-dest"));
        assert_eq!(all, expected);
    }
}

#[tokio::test]
async fn request_headers_are_changed_for_page_requests_only() {
    let fields = [
        ("accept-encoding", "gzip"),
        ("range", "bytes=1-3"),
        ("if-range", "\"x\""),
    ];
    let form = |app: &App| {
        ["accept-encoding", "range", "if-range"]
            .map(|name| app.seen(name))
            .concat()
    };
    let accept = NAVIGATION[1];
    for (method, path, base, is_page) in [
        ("GET", "/", &[][..], true),
        ("GET", "/a.html", &[], true),
        ("HEAD", "/a", NAVIGATION, true),
        ("GET", "/a", &[accept], true),
        ("GET", "/a", &[("tidings-preflight", "1")], true),
        ("GET", "/a", &[], false),
        ("GET", "/download/file", &[("accept", "*/*")], false),
        ("GET", "/a.js", NAVIGATION, false),
        ("GET", "/a.pdf", NAVIGATION, false),
        ("GET", "/", &[("sec-fetch-dest", "empty")], false),
        ("GET", "/", &[("cache-control", "no-transform")], false),
    ] {
        for (layer, without_range) in [
            (UpdateNotifierLayer::new(site("r1")), "gzip"),
            (compressing(), "identity"),
        ] {
            let app = App::new(&layer, &[HTML], html());
            let fields = [base, &fields].concat();
            _ = app.send(method, path, &fields).await;
            let seen = form(&app);
            if is_page {
                assert_eq!(seen, [without_range], "{method} {path} {base:?}");
            } else {
                assert_eq!(
                    seen,
                    ["gzip", "bytes=1-3", "\"x\""],
                    "{method} {path} {base:?}"
                );
            }
        }
    }
    // The response to a form is a page as well; ranges apply to GET only.
    let app = App::new(&compressing(), &[HTML], html());
    _ = app.send("POST", "/", &[NAVIGATION, &fields].concat()).await;
    assert_eq!(form(&app), ["identity", "bytes=1-3", "\"x\""]);
}

#[tokio::test]
async fn static_files_responses_are_unchanged_by_the_layer() {
    let items: Vec<_> = (0..200).map(|n| format!("<li>item {n}\n")).collect();
    let html = format!("{}<ul>{}", page(), items.concat());
    let served = DirectorySite::from(site_dir(&[("index.html", &html)])).await;
    let bare = StaticFiles::new(served.site.clone());
    let layer = UpdateNotifierLayer::new(served.site.clone());
    for layer in [layer.clone(), layer.compress_pages()] {
        let counting = layer.clone();
        let app = layer.layer(bare.clone());
        for fields in [
            &[("accept-encoding", "gzip, br")][..],
            &[("accept-encoding", "gzip")],
            &[("accept-encoding", "zstd")],
            &[],
            &[("range", "bytes=20-99")],
            &[("range", "bytes=20-99"), ("accept-encoding", "br")],
            &[("range", "bytes=20-99"), ("if-range", "\"x\"")],
        ] {
            let fields = [NAVIGATION, fields].concat();
            let expected = Reply::read(send(bare.clone(), "GET", "/", &fields).await).await;
            let reply = Reply::read(send(app.clone(), "GET", "/", &fields).await).await;
            assert_eq!(reply.status, expected.status, "{fields:?}");
            assert_eq!(reply.headers, expected.headers, "{fields:?}");
            assert_eq!(reply.body, expected.body, "{fields:?}");
        }
        assert_eq!(counting.page_counts().injected(), 0);
    }
}

#[tokio::test]
async fn counts_pages_by_outcome() {
    let policy = ("content-security-policy", "script-src 'none'");
    let meta = "<meta http-equiv=content-security-policy content=\"script-src 'none'\">";
    let own_policy = format!("{}{meta}{}", PAGE.0, PAGE.1);
    let layer = UpdateNotifierLayer::new(site("r1"));
    for (fields, body, times) in [
        (&[][..], page(), 1),
        (&[], "<tr><td>a fragment".to_owned(), 2),
        (&[policy], page(), 3),
        (&[], own_policy, 4),
        (&[("content-encoding", "compress")], page(), 5),
        (&[TEXT], page(), 6),
    ] {
        let body = ScriptedBody::new([Step::Data(body.into())]);
        let content_type = if fields == [TEXT] { &[][..] } else { &[HTML] };
        let app = App::new(&layer, &[content_type, fields].concat(), body);
        for _ in 0..times {
            _ = app.read("GET", NAVIGATION).await;
            // Neither is counted: the first has no body, and the second is not a navigation.
            _ = app.read("HEAD", NAVIGATION).await;
            _ = app.read("GET", &[("sec-fetch-dest", "empty")]).await;
        }
    }
    let counts = layer.page_counts();
    assert_eq!(counts.injected(), 1);
    assert_eq!(counts.no_insertion_point(), 2);
    assert_eq!(counts.forbidden_by_csp(), 3 + 4);
    assert_eq!(counts.unsupported_coding(), 5);
}

#[tokio::test]
async fn etag_differs_by_csp_mode() {
    let mut tags = Vec::new();
    for csp in [Csp::Keep, Csp::Amend] {
        let layer = UpdateNotifierLayer::new(site("r1")).csp(csp);
        let app = App::new(&layer, &[HTML, ("etag", "\"v1\"")], html());
        let reply = app.read("GET", NAVIGATION).await;
        tags.push(reply.field("etag").to_owned());
    }
    assert_ne!(tags[0], tags[1]);
}
