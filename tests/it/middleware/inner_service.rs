//! Calls of the inner service.

use std::future::Ready;

use std::task::Context;
use std::task::Poll;

use http_body_util::Full;
use tower::Service;
use tower::ServiceExt as _;

use super::*;

const HTML: (&str, &str) = ("content-type", "text/html");

#[tokio::test]
async fn page_release_is_the_one_current_before_the_origin_call() {
    let site = site("old");
    let publisher = site.clone();
    let service = service_fn(move |_request: Request<Empty<Bytes>>| {
        let site = publisher.clone();
        async move {
            // A deploy while the origin responds, which may have read the old page already.
            publish(&site, "new");
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(answer(200, &[HTML], page().as_bytes()))
        }
    });
    let app = UpdateNotifierLayer::new(site.clone()).layer(service);
    let response = send(app.clone(), "GET", "/", NAVIGATION).await;
    publish(&site, "newer");
    let reply = Reply::read(response).await;
    assert_eq!(release_of(reply.text()), "old");
    let reply = Reply::read(send(app, "GET", "/", NAVIGATION).await).await;
    assert_eq!(release_of(reply.text()), "newer");
}

/// A service that is ready from the second poll on, for two calls, and then fails.
#[derive(Debug, Clone, Default)]
struct TwoCallService {
    polled: usize,
}

impl Service<Request<Empty<Bytes>>> for TwoCallService {
    type Response = Response<ScriptedBody>;
    type Error = &'static str;
    type Future = Ready<Result<Response<ScriptedBody>, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.polled += 1;
        match self.polled {
            1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            2 | 3 => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err("broken")),
        }
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        assert!(self.polled >= 2, "called before it was ready");
        ready(match request.uri().path() {
            "/fails" => Err("failed"),
            _ => Ok(answer(200, &[HTML], page().as_bytes())),
        })
    }
}

#[tokio::test]
async fn inner_service_is_called_only_when_ready() {
    let mut app = UpdateNotifierLayer::new(site("r1")).layer(TwoCallService::default());
    let request = |path: &str| Request::get(path).body(Empty::new()).unwrap();
    let app = app.ready().await.unwrap();
    let reply = Reply::read(app.call(request("/")).await.unwrap()).await;
    tag_between(reply.text(), PAGE.0, PAGE.1);
    // Errors of the service are passed on.
    let app = app.ready().await.unwrap();
    assert_eq!(app.call(request("/fails")).await.unwrap_err(), "failed");
    assert_eq!(app.ready().await.unwrap_err(), "broken");
}

#[tokio::test]
async fn request_reaches_the_inner_service_unchanged() {
    let service = service_fn(|request: Request<String>| async move {
        let (parts, body) = request.into_parts();
        let fields = parts.headers.iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        let fields = fields.concat();
        let text = format!("{} {}\n{fields}\n{body}", parts.method, parts.uri);
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text)))
    });
    let app = UpdateNotifierLayer::new(site("r1")).layer(service);
    for fields in [
        &[("accept-encoding", "br, gzip"), ("cookie", "a=1")][..],
        &[
            ("if-none-match", "\"x\""),
            ("if-modified-since", "yesterday"),
        ],
        &[("range", "bytes=0-1"), ("if-range", "\"x\"")],
        &[
            ("sec-fetch-dest", "empty"),
            ("if-modified-since", "yesterday"),
        ],
    ] {
        let mut request = Request::post("/a%20b//c?d=%2F&e");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body("body".to_owned()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let reply = Reply::read(response).await;
        let lines = fields.iter();
        let lines: Vec<_> = lines
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let expected = format!("POST /a%20b//c?d=%2F&e\n{}\nbody", lines.concat());
        assert_eq!(reply.text(), expected);
    }
}

#[tokio::test]
async fn publish_does_not_wait_for_requests_in_flight() {
    let site = site("old");
    let service = service_fn(|_request: Request<Empty<Bytes>>| async {
        std::future::pending::<Result<Response<ScriptedBody>, Infallible>>().await
    });
    let app = UpdateNotifierLayer::new(site.clone()).layer(service);
    let waiting = tokio::spawn(async move { _ = send(app, "GET", "/", &[]).await });
    tokio::task::yield_now().await;
    publish(&site, "new");
    assert_eq!(site.current().unwrap().id().as_str(), "new");
    waiting.abort();
}
