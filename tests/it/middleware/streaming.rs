//! Streaming of pages: no buffering, no reading ahead, no loss.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tidings::Body;

use super::*;
use crate::support::bodies::Step;

fn html(steps: impl IntoIterator<Item = Step>) -> Response<ScriptedBody> {
    let body = ScriptedBody::new(steps);
    let response = Response::builder().header("content-type", "text/html");
    response.body(body).unwrap()
}

/// Polls once.
fn poll(body: &mut Body) -> Poll<Option<String>> {
    let mut cx = Context::from_waker(Waker::noop());
    let frame = Pin::new(body).poll_frame(&mut cx);
    frame.map(|frame| {
        let data = frame?.unwrap().into_data().unwrap();
        Some(String::from_utf8(data.to_vec()).unwrap())
    })
}

#[tokio::test]
async fn page_in_any_frame_size_gets_one_tag() {
    for size in [1, 2, 3, 5, 1000] {
        let answer = html([]).map(|_| ScriptedBody::trickle(page().as_bytes(), size));
        let reply = read_through(NAVIGATION, answer).await;
        tag_between(reply.text(), PAGE.0, PAGE.1);
    }
}

#[tokio::test]
async fn streaming_holds_back_only_until_the_insertion_point() {
    let response = html([
        "<!doc".into(),
        "type html><html>".into(),
        Step::Pending,
        "<head><title>".into(),
        "App".into(),
        Step::Pending,
        "</title>".into(),
    ]);
    let polls = response.body().polls();
    let polls = || polls.load(Ordering::Relaxed);
    let mut body = through(NAVIGATION, response).await.into_body();
    assert_eq!(polls(), 0, "the head is there before the body is asked for");
    // Only bytes before the insertion point are held back.
    assert_eq!(poll(&mut body), Poll::Pending);
    assert_eq!(polls(), 3);
    let Poll::Ready(Some(first)) = poll(&mut body) else {
        panic!("the place is known by now");
    };
    assert_eq!(polls(), 4);
    tag_between(&first, "<!doctype html><html><head>", "<title>");
    // From here on each poll is forwarded, and each frame passes as it is.
    assert_eq!(poll(&mut body), Poll::Ready(Some("App".to_owned())));
    assert_eq!(polls(), 5);
    assert_eq!(poll(&mut body), Poll::Pending);
    assert_eq!(polls(), 6);
    assert_eq!(poll(&mut body), Poll::Ready(Some("</title>".to_owned())));
    assert_eq!(polls(), 7);
    assert_eq!(poll(&mut body), Poll::Ready(None));
    assert_eq!(poll(&mut body), Poll::Ready(None));
}

#[tokio::test]
async fn size_hint_of_page_is_not_exact() {
    let response = html([PAGE.0.into(), PAGE.1.into()]);
    let mut body = through(NAVIGATION, response).await.into_body();
    assert_eq!(body.size_hint().exact(), None);
    let Poll::Ready(Some(first)) = poll(&mut body) else {
        panic!("a piece");
    };
    tag_between(&first, PAGE.0, "");
    // The length of the rest may be known.
    let left = body.size_hint();
    assert!(left.lower() <= PAGE.1.len() as u64);
    assert!(
        left.upper()
            .is_none_or(|upper| upper >= PAGE.1.len() as u64)
    );
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn page_trailers_are_forwarded() {
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
    for steps in [
        vec![
            PAGE.0.into(),
            PAGE.1.into(),
            Step::Trailers(trailers.clone()),
        ],
        // The insertion point is found only at the end.
        vec!["<!doctype html>".into(), Step::Trailers(trailers.clone())],
        vec![Step::Trailers(trailers.clone())],
    ] {
        let response = through(NAVIGATION, html(steps.clone())).await;
        let collected = response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers));
        let text = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
        match steps.len() {
            3 => _ = tag_between(&text, PAGE.0, PAGE.1),
            2 => _ = tag_between(&text, "<!doctype html>", ""),
            _ => assert_eq!(text, ""),
        }
    }
}

#[tokio::test]
async fn page_origin_error_aborts_the_body() {
    for steps in [
        vec![Step::Error],
        vec!["<!doctype html>".into(), Step::Error],
        vec![PAGE.0.into(), Step::Error],
        vec![PAGE.0.into(), Step::Pending, Step::Error],
    ] {
        let response = through(NAVIGATION, html(steps.clone())).await;
        let collected = response.into_body().collect().await;
        let error = collected.expect_err("a whole page");
        assert_eq!(error.to_string(), "the origin broke off");
    }
}

#[tokio::test]
async fn large_page_is_not_buffered() {
    let piece = "<p>lorem ipsum</p>\n".repeat(4000);
    let steps = std::iter::once(Step::from(PAGE.0));
    let steps = steps.chain((0..50).map(|_| Step::Data(piece.clone().into())));
    let mut body = through(NAVIGATION, html(steps)).await.into_body();
    let mut frames = 0;
    while let Poll::Ready(Some(frame)) = poll(&mut body) {
        assert!(frame.len() <= piece.len());
        frames += 1;
    }
    assert_eq!(frames, 51);
}
