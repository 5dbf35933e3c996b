//! A site that upstreams serve: releases are detected by polling, and pages carry the release they belong to.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod fingerprint;
mod https_redirect;
mod page_release;
mod polling;

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Empty;
use http_body_util::Full;
use tidings::PollUpstream;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::Layer as _;
use tower::Service;
use tower::service_fn;

use crate::support::directory_site::Reply;
use crate::support::directory_site::send;

type TestRequest = Request<Empty<Bytes>>;

type TestResponse = Response<Full<Bytes>>;

type Handler = Box<dyn FnMut(&TestRequest) -> TestResponse + Send>;

/// An in-memory server. Clones share the same state.
#[derive(Clone)]
struct Upstream {
    answer: Arc<Mutex<Handler>>,
    /// Paths requested by the poller.
    polled_paths: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// A server that responds with `page` to every request.
    fn new(page: &str) -> Self {
        let upstream = Self::with_handler(|_| html(""));
        upstream.deploy(page);
        upstream
    }

    fn with_handler(answer: impl FnMut(&TestRequest) -> TestResponse + Send + 'static) -> Self {
        Self {
            answer: Arc::new(Mutex::new(Box::new(answer))),
            polled_paths: Arc::default(),
        }
    }

    fn deploy(&self, page: &str) {
        let page = page.to_owned();
        self.set_handler(move |_| html(&page));
    }

    fn set_handler(&self, answer: impl FnMut(&TestRequest) -> TestResponse + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn fail(&self) {
        self.set_handler(|_| status(502));
    }

    fn answer(&self, request: &TestRequest) -> TestResponse {
        (self.answer.lock().unwrap())(request)
    }

    /// The number of requests of the poller.
    fn request_count(&self) -> usize {
        self.polled_paths.lock().unwrap().len()
    }
}

/// Polled upstreams, the site, and the releases published so far.
struct PolledSite {
    site: Site,
    upstreams: Vec<Upstream>,
    published: Vec<String>,
    /// Aborted on drop.
    _polling: JoinSet<()>,
}

impl PolledSite {
    /// Polls the upstreams until the first release is published.
    async fn published(upstreams: &[Upstream]) -> Self {
        let mut polled = Self::with(upstreams, |poll| poll);
        polled.advance(3).await;
        assert_eq!(polled.published.len(), 1);
        polled
    }

    /// Polls the upstreams with a source configured by `set`; no request has been sent yet.
    fn with(
        upstreams: &[Upstream],
        set: impl FnOnce(PollUpstream<PolledUpstream>) -> PollUpstream<PolledUpstream>,
    ) -> Self {
        let site = Site::new();
        let services = upstreams
            .iter()
            .map(|upstream| PolledUpstream(upstream.clone()));
        let poll = set(PollUpstream::new(services.collect()));
        let (source, mut polling) = (site.clone(), JoinSet::new());
        polling.spawn(async move { match poll.run(source).await {} });
        Self {
            site,
            upstreams: upstreams.to_vec(),
            published: Vec::new(),
            _polling: polling,
        }
    }

    /// Advances the paused clock by so many seconds.
    async fn advance(&mut self, seconds: u64) {
        for _ in 0..seconds * 4 {
            sleep(Duration::from_millis(250)).await;
            self.record_release();
        }
    }

    fn record_release(&mut self) {
        let id = self.site.current().map(|release| release.id().to_string());
        if let Some(id) = id
            && self.published.last() != Some(&id)
        {
            self.published.push(id);
        }
    }

    /// The number of releases after the first.
    fn later_releases(&self) -> usize {
        self.published.len() - 1
    }

    fn id(&self) -> String {
        self.site.current().unwrap().id().to_string()
    }

    /// A navigation through the layer to the first upstream.
    async fn visit(&self, path: &str) -> Reply {
        self.request(path, &[("sec-fetch-dest", "document")]).await
    }

    async fn request(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.visit_from(&self.upstreams[0].clone(), path, fields)
            .await
    }

    async fn visit_from(&self, upstream: &Upstream, path: &str, fields: &[(&str, &str)]) -> Reply {
        let upstream = upstream.clone();
        let inner = service_fn(move |request: TestRequest| {
            ready(Ok::<_, Infallible>(upstream.answer(&request)))
        });
        let app = UpdateNotifierLayer::new(self.site.clone()).layer(inner);
        Reply::read(send(app, "GET", path, fields).await).await
    }
}

/// The service that the poller sends requests to.
#[derive(Clone)]
struct PolledUpstream(Upstream);

impl Service<TestRequest> for PolledUpstream {
    type Response = TestResponse;
    type Error = Infallible;
    type Future = Ready<Result<TestResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: TestRequest) -> Self::Future {
        let path = request.uri().path().to_owned();
        self.0.polled_paths.lock().unwrap().push(path);
        ready(Ok(self.0.answer(&request)))
    }
}

fn html(page: &str) -> TestResponse {
    let response = Response::builder().header("content-type", "text/html; charset=utf-8");
    response.body(Full::from(page.to_owned())).unwrap()
}

fn status(status: u16) -> TestResponse {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html");
    response.body(Full::from("<!doctype html>no")).unwrap()
}

/// The app shell of a build.
fn shell(name: &str) -> String {
    format!(
        "<!doctype html><html><head><script type=module src=\"/assets/index-{name}.js\"></script>\
         <link rel=stylesheet href=/app.css></head><body></body></html>\n"
    )
}

/// An app shell with a token that differs per response.
fn shell_with_token(name: &str, token: u32) -> String {
    let script = format!("<script nonce=n{token}>token={token}</script></head>");
    shell(name).replace("</head>", &script)
}

/// The release id in a page's script tag; `None` without a tag.
fn release_id(reply: &Reply) -> Option<&str> {
    let (_, rest) = reply.text().split_once(" data-release=\"")?;
    rest.split('"').next()
}

/// The build time in a page's script tag.
fn built(reply: &Reply) -> &str {
    let (_, rest) = reply.text().split_once(" data-built=\"").expect("a tag");
    rest.split('"').next().unwrap()
}
