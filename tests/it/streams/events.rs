//! The contents and the timing of the event stream.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::*;

const HEARTBEAT: Duration = Duration::from_secs(25);

#[tokio::test(start_paused = true)]
async fn events_headers_disable_caching_and_buffering() {
    let site = Site::new();
    for id in [None, Some("a")] {
        id.map(|id| publish(&site, id));
        for fields in [
            &[][..],
            &[
                ("accept-encoding", "gzip, br"),
                ("origin", "https://other.example"),
                ("last-event-id", "3"),
            ],
        ] {
            let app = app(&UpdateNotifierLayer::new(site.clone()));
            let response = send(app, "GET", EVENTS, fields).await;
            assert_eq!(response.status(), 200);
            let headers = response.headers().iter();
            let mut headers: Vec<_> = headers
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            headers.sort_unstable();
            let expected = [
                ("cache-control", "no-cache, no-transform"),
                ("content-type", "text/event-stream"),
                ("x-accel-buffering", "no"),
                ("x-content-type-options", "nosniff"),
            ];
            assert_eq!(headers, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn events_retry_differs_per_stream() {
    let site = Site::new();
    let mut times = HashSet::new();
    for _ in 0..50 {
        let block = Stream::open(&site).await.next().await.unwrap();
        let retry: u64 = block.retry.parse().unwrap();
        // Every open stream adds ten milliseconds.
        assert!((2000..=6010).contains(&retry), "{retry}");
        times.insert(retry);
        let alone = Block {
            retry: block.retry.clone(),
            event: "hello".to_owned(),
            data: r#"{"policy":"prompt"}"#.to_owned(),
            ..Block::default()
        };
        assert_eq!(block, alone);
    }
    assert!(times.len() > 10, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn events_connect_sends_the_current_release_first() {
    let site = Site::new();
    for (number, id, previous) in [
        ("1", "a", "[]"),
        ("2", "b", r#"["a"]"#),
        ("3", "c.d_e-1", r#"["b","a"]"#),
    ] {
        publish(&site, id);
        for _ in 0..2 {
            let mut stream = Stream::open(&site).await;
            assert_ne!(stream.next().await.unwrap().retry, "");
            let block = stream.next().await.unwrap();
            let start = format!(r#"{{"id":"{id}","built":7,"published":""#);
            let announced = block.announced();
            let rest = announced.strip_prefix(&start).expect(&block.data);
            let (published, rest) = rest.split_once('"').unwrap();
            assert_eq!(rest, format!(r#","previous":{previous}}}"#));
            assert!(is_rfc_3339_with_ms(published), "{published}");
            let expected = Block {
                event: "release".to_owned(),
                id: number.to_owned(),
                data: block.data.clone(),
                ..Block::default()
            };
            assert_eq!(block, expected);
        }
    }
}

fn is_rfc_3339_with_ms(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00.000Z";
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, pattern)| {
            if pattern == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == pattern
            }
        })
}

#[tokio::test(start_paused = true)]
async fn events_without_release_wait_for_the_first() {
    let site = Site::new();
    let mut stream = Stream::greeted(&site).await;
    assert!(stream.next().await.unwrap().comment);
    publish(&site, "a");
    let block = stream.next().await.unwrap();
    assert_eq!((block.id.as_str(), block.release_id()), ("1", "a"));
}

#[tokio::test(start_paused = true)]
async fn publish_sends_the_release_to_every_stream() {
    let site = Site::new();
    publish(&site, "a");
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::greeted(&site).await);
    }
    let start = Instant::now();
    let next = tokio::spawn({
        let mut stream = Stream::greeted(&site).await;
        async move { stream.release().await }
    });
    tokio::task::yield_now().await;
    assert!(publish(&site, "b"));
    assert_eq!(next.await.unwrap(), "b");
    for stream in &mut streams {
        assert_eq!(stream.release().await, "b");
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "a stream waited");
}

#[tokio::test(start_paused = true)]
async fn publish_of_the_current_id_sends_no_event() {
    let site = Site::new();
    publish(&site, "a");
    let mut stream = Stream::greeted(&site).await;
    let before = get(&site, RELEASE).await;
    let start = Instant::now();
    assert!(!publish(&site, "a"));
    assert!(stream.next().await.unwrap().comment);
    assert_eq!(start.elapsed(), HEARTBEAT);
    assert_eq!(get(&site, RELEASE).await.body, before.body);
    // Same files with other times send no event either; later connections get the new time.
    let touched = Release::new("a".parse().unwrap(), 9);
    assert!(!site.publish(touched));
    assert!(stream.next().await.unwrap().comment);
    let after = get(&site, RELEASE).await;
    let expected = before.text().replace(r#""built":7"#, r#""built":9"#);
    assert_eq!(after.text(), expected);
    // The event id counts only publishes that changed the release.
    publish(&site, "b");
    assert_eq!(stream.next().await.unwrap().id, "2");
}

#[tokio::test(start_paused = true)]
async fn rollback_previous_lists_superseded_releases_only() {
    let site = Site::new();
    let mut stream = Stream::greeted(&site).await;
    for (id, previous) in [
        ("a", "[]"),
        ("b", r#"["a"]"#),
        ("a", r#"["b"]"#),
        ("c", r#"["a","b"]"#),
        ("b", r#"["c","a"]"#),
    ] {
        publish(&site, id);
        let block = stream.next().await.unwrap();
        assert_eq!(block.release_id(), id);
        let announced = block.announced();
        let (_, rest) = announced.split_once(r#""previous":"#).unwrap();
        assert_eq!(rest.strip_suffix('}').unwrap(), previous);
    }
}

#[tokio::test(start_paused = true)]
async fn previous_is_limited_to_50_releases() {
    let site = Site::new();
    for n in 0..60 {
        publish(&site, &format!("r{n}"));
    }
    let text = get(&site, RELEASE).await;
    let (_, previous) = text.text().split_once(r#""previous":["#).unwrap();
    let previous: Vec<_> = previous.trim_end_matches("]}").split(',').collect();
    assert_eq!(previous.len(), 50);
    assert_eq!(previous[0], "\"r58\"");
    assert_eq!(previous[49], "\"r9\"");
}

#[tokio::test(start_paused = true)]
async fn published_time_increases_with_every_publish() {
    let site = Site::new();
    let mut stream = Stream::greeted(&site).await;
    let mut last = String::new();
    for n in 1..=200 {
        publish(&site, &format!("r{n}"));
        let block = stream.next().await.unwrap();
        assert_eq!(block.id, n.to_string());
        let (_, rest) = block.data.split_once(r#""published":""#).unwrap();
        let (published, _) = rest.split_once('"').unwrap();
        assert!(published > last.as_str(), "{published} after {last}");
        last = published.to_owned();
    }
}

#[tokio::test(start_paused = true)]
async fn events_slow_reader_skips_to_the_current_release() {
    let site = Site::new();
    publish(&site, "a");
    let mut stream = Stream::greeted(&site).await;
    for n in 0..1000 {
        publish(&site, &format!("r{n}"));
    }
    assert_eq!(stream.release().await, "r999");
    assert!(stream.next().await.unwrap().comment);
}

#[tokio::test(start_paused = true)]
async fn events_slow_reader_after_rollback_gets_the_current_release() {
    let site = Site::new();
    publish(&site, "a");
    let mut stream = Stream::greeted(&site).await;
    publish(&site, "b");
    publish(&site, "a");
    let block = stream.next().await.unwrap();
    assert_eq!((block.release_id(), block.id.as_str()), ("a", "3"));
}

#[tokio::test(start_paused = true)]
async fn heartbeat_comment_is_sent_after_25_s_of_silence() {
    let site = Site::new();
    publish(&site, "a");
    let mut stream = Stream::greeted(&site).await;
    let start = Instant::now();
    let comment = Block {
        comment: true,
        ..Block::default()
    };
    for n in 1..=3 {
        assert_eq!(stream.next().await.unwrap(), comment);
        assert_eq!(start.elapsed(), HEARTBEAT * n);
    }
    // An event restarts the interval.
    tokio::time::advance(Duration::from_secs(20)).await;
    publish(&site, "b");
    assert_eq!(stream.release().await, "b");
    let start = Instant::now();
    assert_eq!(stream.next().await.unwrap(), comment);
    assert_eq!(start.elapsed(), HEARTBEAT);
}

#[tokio::test(start_paused = true)]
async fn site_close_ends_streams_and_new_ones_get_503() {
    let site = Site::new();
    publish(&site, "a");
    let mut idle = Stream::greeted(&site).await;
    let mut behind = Stream::greeted(&site).await;
    let mut fresh = Stream::open(&site).await;
    publish(&site, "b");
    assert_eq!(idle.release().await, "b");
    let waiting = tokio::spawn(async move { idle.next().await });
    tokio::task::yield_now().await;
    let start = Instant::now();
    site.close();
    assert_eq!(waiting.await.unwrap(), None);
    assert_eq!(behind.next().await, None);
    assert_eq!(behind.next().await, None);
    // The greeting may or may not have been sent; then the stream ends.
    for _ in 0..2 {
        fresh.next().await;
    }
    assert_eq!(fresh.next().await, None);
    assert_eq!(start.elapsed(), Duration::ZERO);
    let app = app(&UpdateNotifierLayer::new(site.clone()));
    let late = send(app, "GET", EVENTS, &[]).await;
    assert_eq!(late.status(), 503);
    assert!(late.headers().contains_key("retry-after"));
    // Other requests are still served.
    assert_eq!(get(&site, RELEASE).await.status, 200);
    assert_eq!(get(&site, "/").await.status, 200);
}
