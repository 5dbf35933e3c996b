//! Limits of the webhook: body size and time, concurrency, and rate.

use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::*;

const MIB: usize = 1024 * 1024;

fn stalled() -> ScriptedBody {
    ScriptedBody::new([Step::from("{"), Step::Stall])
}

fn wait(reply: &Reply) -> u64 {
    reply.field("retry-after").parse().unwrap()
}

#[tokio::test]
async fn webhook_body_too_large_returns_413() {
    let (_, layer) = named_site();
    let fill = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    assert_eq!(post(&layer, &[BEARER], &fill(MIB)).await.status, 202);
    assert_eq!(post_signed(&layer, &fill(MIB)).await.status, 202);
    let large = fill(MIB + 1);
    let fields = [("x-hub-signature-256", &*sign(&large))];
    assert_rejected(&post(&layer, &[BEARER], &large).await, 413, "1048576 bytes");
    assert_rejected(&post(&layer, &fields, &large).await, 413, "1048576 bytes");
    // Without Content-Length.
    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let pieces = (0..17).flat_map(|_| [Step::Pending, Step::Data(piece.clone())]);
    let body = ScriptedBody::new(pieces.chain([Step::Stall]));
    let body = body.map_frame(|frame| frame);
    let request = Request::post(PATH).header(BEARER.0, BEARER.1).body(body);
    let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let answer = layer.layer(inner).oneshot(request.unwrap()).await.unwrap();
    assert_rejected(&Reply::read(answer).await, 413, "1048576 bytes");
}

#[tokio::test]
async fn webhook_content_length_too_large_returns_413_unread() {
    let (_, layer) = named_site();
    let body = stalled();
    let polls = body.polls();
    let fields = [BEARER, ("content-length", "1048577")];
    assert_rejected(&send(&layer, "POST", PATH, &fields, body).await, 413, "");
    assert_eq!(polls.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn webhook_chunked_body_is_accepted_truncated_returns_400() {
    let (site, layer) = named_site();
    let body = ScriptedBody::trickle(br#"{"id":"v2"}"#, 1);
    assert_eq!(
        send(&layer, "POST", PATH, &[BEARER], body).await.status,
        202
    );
    assert_eq!(site.current().unwrap().id().as_str(), "v2");
    let body = ScriptedBody::new([Step::from("{}"), Step::Error]);
    assert_rejected(
        &send(&layer, "POST", PATH, &[BEARER], body).await,
        400,
        "incomplete",
    );
    let body = ScriptedBody::new([Step::from("{}"), Step::Trailers(http::HeaderMap::new())]);
    assert_eq!(
        send(&layer, "POST", PATH, &[BEARER], body).await.status,
        202
    );
}

#[tokio::test(start_paused = true)]
async fn webhook_body_stalled_returns_408() {
    let (_, layer) = named_site();
    let start = Instant::now();
    let reply = send(&layer, "POST", PATH, &[BEARER], stalled()).await;
    assert_rejected(&reply, 408, "too slowly");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn webhook_slow_unauthenticated_bodies_are_evicted() {
    let (_, layer) = named_site();
    let signature = sign("");
    let (stranger, known) = ([("x-hub-signature-256", &*signature)], [BEARER]);
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (layer, signature) = (layer.clone(), signature.clone());
        stuck.spawn(async move {
            let fields = [("x-hub-signature-256", &*signature)];
            send(&layer, "POST", PATH, &fields, stalled()).await
        });
        tokio::task::yield_now().await;
    }
    assert!(stuck.try_join_next().is_none());
    // Authenticated requests are limited separately.
    assert_eq!(post(&layer, &known, "").await.status, 202);
    assert!(stuck.try_join_next().is_none());
    assert_eq!(post(&layer, &stranger, "").await.status, 202);
    let out = stuck.join_next().await.unwrap().unwrap();
    assert_rejected(&out, 429, "at once");
    assert_eq!(wait(&out), 5);
    assert!(stuck.try_join_next().is_none(), "one made room");
    for reply in stuck.join_all().await {
        assert_rejected(&reply, 408, "");
    }
}

#[tokio::test(start_paused = true)]
async fn webhook_over_30_a_minute_returns_429() {
    let (_, layer) = named_site();
    for _ in 0..100 {
        let reply = post(&layer, &[("authorization", "Bearer wrong")], "").await;
        assert_rejected(&reply, 401, "");
        assert_rejected(&post(&layer, &[BEARER], "?").await, 400, "");
    }
    assert_eq!(post_signed(&layer, "").await.status, 202);
    for _ in 0..100 {
        assert_rejected(&post_signed(&layer, "").await, 401, "used before");
    }
    for _ in 0..29 {
        assert_eq!(post(&layer, &[BEARER], "").await.status, 202);
    }
    let reply = post(&layer, &[BEARER], "").await;
    assert_rejected(&reply, 429, "within a minute");
    assert!((60..=61).contains(&wait(&reply)));
    assert_rejected(&post_signed(&layer, "{}").await, 429, "");
    tokio::time::advance(Duration::from_secs(wait(&reply))).await;
    assert_eq!(post_signed(&layer, "{}").await.status, 202);
}
