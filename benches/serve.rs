//! The cost of one response from the current release, from the request to the first frame, without a socket: through
//! `StaticFiles` alone, and with the layer, as in the program.

#![allow(clippy::unwrap_used, reason = "a bench may")]

mod support;

use std::convert::Infallible;
use std::fs;

use bytes::Bytes;
use criterion::BatchSize;
use criterion::BenchmarkId;
use criterion::Criterion;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tempfile::TempDir;
use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tidings::WatchDirectory;
use tokio::runtime::Runtime;
use tower::Layer as _;
use tower::Service;
use tower::ServiceExt as _;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    serve(&mut criterion);
    criterion.final_summary();
}

fn serve(criterion: &mut Criterion) {
    let runtime = support::runtime();
    let site = published(&runtime);
    let files = StaticFiles::new(site.clone());
    let program = UpdateNotifierLayer::new(site).layer(files.clone());
    let mut group = criterion.benchmark_group("serve");
    for (name, request, status) in requests(&runtime, &program) {
        let answer = runtime.block_on(get(program.clone(), request.clone()));
        assert_eq!(answer, status, "{name}");
        group.bench_function(BenchmarkId::new("files", name), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || request.clone(),
                |request| get(files.clone(), request),
                BatchSize::NumIterations(BATCH),
            );
        });
        group.bench_function(BenchmarkId::new("program", name), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || request.clone(),
                |request| get(program.clone(), request),
                BatchSize::NumIterations(BATCH),
            );
        });
    }
}

/// The requests, and the expected statuses.
fn requests<S, B>(
    runtime: &Runtime,
    program: &S,
) -> Vec<(&'static str, Request<Empty<Bytes>>, StatusCode)>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
{
    let request = |path: &str, fields: &[(&'static str, &str)]| {
        let mut request = Request::get(path).body(Empty::new()).unwrap();
        for (name, value) in fields {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let coded = ("accept-encoding", "gzip, deflate, br, zstd");
    let page = request("/page.html", &[coded]);
    let head = runtime
        .block_on(program.clone().oneshot(page.clone()))
        .unwrap();
    assert_eq!(head.headers()[header::CONTENT_ENCODING], "br");
    let etag = head.headers()[header::ETAG].to_str().unwrap();
    vec![
        ("a page of 300 B", request("/", &[]), StatusCode::OK),
        (
            "a page of 300 B, asked by a browser",
            navigation("/"),
            StatusCode::OK,
        ),
        (
            "a route of the app",
            navigation("/some/route"),
            StatusCode::OK,
        ),
        ("a page of 60 KB, as brotli", page, StatusCode::OK),
        (
            "a script with a hash",
            request(SCRIPT, &[coded]),
            StatusCode::OK,
        ),
        (
            "a page not modified",
            request("/page.html", &[coded, ("if-none-match", etag)]),
            StatusCode::NOT_MODIFIED,
        ),
        (
            "a script not found",
            request("/assets/gone.js", &[]),
            StatusCode::NOT_FOUND,
        ),
        (
            "a range",
            request(SCRIPT, &[("range", "bytes=1000-1999")]),
            StatusCode::PARTIAL_CONTENT,
        ),
    ]
}

/// The headers of a navigation of Chromium.
fn navigation(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(path)
        .header("host", "app.example")
        .header("connection", "keep-alive")
        .header(
            "sec-ch-ua",
            "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"",
        )
        .header("sec-ch-ua-mobile", "?0")
        .header("sec-ch-ua-platform", "\"Linux\"")
        .header("upgrade-insecure-requests", "1")
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        )
        .header(
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        )
        .header("sec-fetch-site", "none")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-user", "?1")
        .header("sec-fetch-dest", "document")
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .header("accept-language", "en-US,en;q=0.9");
    request.body(Empty::new()).unwrap()
}

async fn get<S, B>(service: S, request: Request<Empty<Bytes>>) -> StatusCode
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = service.oneshot(request).await.unwrap().into_parts();
    drop(body.frame().await);
    head.status
}

/// A small published site, whose directory is removed again.
fn published(runtime: &Runtime) -> Site {
    let dir = TempDir::with_prefix("tidings-bench-").unwrap();
    let write = |path: &str, content: &str| fs::write(dir.path().join(path), content).unwrap();
    fs::create_dir(dir.path().join("assets")).unwrap();
    write("index.html", &support::page(300, &[]));
    write("page.html", &support::page(60_000, &[]));
    write(SCRIPT.trim_start_matches('/'), &support::script(150_000, 1));
    let site = Site::new();
    let watch = WatchDirectory::new(dir.path()).debounce(support::DEBOUNCE);
    runtime.block_on(async {
        let mut stream = support::open_event_stream(&site).await;
        tokio::select! {
            () = support::next_event(&mut stream) => {}
            never = watch.run(site.clone()) => match never {},
        }
    });
    site
}

// Small enough for a batch of requests to stay in the CPU cache.
const BATCH: u64 = 64;

const SCRIPT: &str = "/assets/app-Bq3xT9fZ.js";
