//! The limit of open event streams.

use axum::Router;
use axum::routing;

use super::*;

/// Asserts that a stream is rejected with 503 and a valid `Retry-After`.
async fn assert_rejected(app: &impl App) {
    for method in ["GET", "HEAD"] {
        let response = send(app.clone(), method, EVENTS, &[]).await;
        // Only a rejection has a body that ends.
        assert_eq!(response.status(), 503);
        let reply = Reply::read(response).await;
        let seconds: u64 = reply.field("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(reply.field("content-type"), "text/plain; charset=utf-8");
        assert_eq!(reply.field("cache-control"), "no-store");
    }
}

#[tokio::test(start_paused = true)]
async fn max_streams_reached_returns_503() {
    let site = Site::new();
    publish(&site, "a");
    let layer = UpdateNotifierLayer::new(site.clone()).max_streams(2);
    let app = app(&layer);
    let mut first = Stream::of_app(&app).await;
    let second = Stream::of_app(&app).await;
    assert_rejected(&app).await;
    // A HEAD, release.json or a page holds no slot after its response.
    drop(second);
    for (method, path) in [("HEAD", EVENTS), ("GET", RELEASE), ("GET", "/")] {
        for _ in 0..3 {
            let response = send(app.clone(), method, path, &[]).await;
            assert_eq!(response.status(), 200, "{method} {path}");
        }
    }
    let mut third = Stream::of_app(&app).await;
    assert_rejected(&app).await;
    // Open streams stay open.
    for stream in [&mut first, &mut third] {
        stream.next().await.unwrap();
        assert_eq!(stream.release().await, "a");
    }
    publish(&site, "b");
    for stream in [&mut first, &mut third] {
        assert_eq!(stream.release().await, "b");
    }
    assert_rejected(&app).await;
}

#[tokio::test(start_paused = true)]
async fn max_streams_reached_retry_after_varies() {
    let site = Site::new();
    let layer = UpdateNotifierLayer::new(site).max_streams(1);
    let app = app(&layer);
    let _stream = Stream::of_app(&app).await;
    let mut times = std::collections::HashSet::new();
    for _ in 0..50 {
        let response = send(app.clone(), "GET", EVENTS, &[]).await;
        let seconds = response.headers()["retry-after"].to_str().unwrap();
        times.insert(seconds.to_owned());
    }
    assert!(times.len() > 3, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn max_streams_closed_stream_frees_its_slot() {
    let site = Site::new();
    let layer = UpdateNotifierLayer::new(site).max_streams(1);
    let app = app(&layer);
    // The response future is dropped unpolled.
    let mut service = app.clone();
    let request = Request::get(EVENTS).body(Empty::new()).unwrap();
    drop(service.call(request));
    let stream = Stream::of_app(&app).await;
    assert_rejected(&app).await;
    drop(stream);
    Stream::of_app(&app).await;
}

#[tokio::test(start_paused = true)]
async fn max_streams_is_shared_by_services_of_one_layer() {
    let site = Site::new();
    let layer = UpdateNotifierLayer::new(site).max_streams(1);
    let (one, two) = (app(&layer), app(&layer.clone()));
    let _stream = Stream::of_app(&one).await;
    assert_rejected(&two).await;
}

/// axum wraps each route in the layer separately, and the fallback anew for every request.
#[tokio::test(start_paused = true)]
async fn max_streams_holds_in_an_axum_router() {
    let site = Site::new();
    let layer = UpdateNotifierLayer::new(site).max_streams(1);
    let router: Router = Router::new()
        .route("/", routing::get(async || "home"))
        .fallback(async || "fallback")
        .layer(layer);
    let first = send(router.clone(), "GET", EVENTS, &[]).await;
    assert_eq!(first.status(), 200);
    let second = send(router.clone(), "GET", EVENTS, &[]).await;
    assert_eq!(second.status(), 503);
    drop(first);
    assert_eq!(send(router, "GET", EVENTS, &[]).await.status(), 200);
}
