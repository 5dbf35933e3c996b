//! Event streams: server-sent events with the current release.

use std::convert::Infallible;
use std::fmt;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::endpoint::jitter::random_in;
use crate::endpoint::stream_limit::StreamPermit;
use crate::release::Policy;
use crate::site::Announcement;
use crate::site::AnnouncementData;
use crate::site::Site;
use crate::site::State;

/// The body of one event stream (HTML, section 9.2): an event with the current release at once, then one for each
/// release that is published.
///
/// There is no queue: a slow stream skips to the current release. Ends when the site is closed.
pub(crate) struct EventStream {
    /// The first data, which needs no waiting.
    first: Option<Bytes>,
    wait: Wait,
    heartbeat: Duration,
    permit: StreamPermit,
}

/// Waits for a change of the site, at most until the next heartbeat, and returns the receiver.
type Wait = Pin<Box<dyn Future<Output = (Receiver, WakeReason)> + Send + Sync>>;

type Receiver = watch::Receiver<Arc<State>>;

enum WakeReason {
    Changed,
    HeartbeatDue,
    Closed,
}

impl EventStream {
    /// `policy` is sent in the first event.
    pub(crate) fn new(
        site: &Site,
        permit: StreamPermit,
        policy: Policy,
        heartbeat: Duration,
    ) -> Self {
        let mut receiver = site.subscribe();
        let first = {
            let state = receiver.borrow_and_update();
            let retry = *RETRY.start()..=RETRY.end() + permit.reconnect_jitter();
            let announcement = state.announcement().map(AsRef::as_ref);
            first_events(random_in(retry), policy, announcement, &permit)
        };
        let wait = wait(receiver, heartbeat);
        Self {
            first: Some(first),
            wait,
            heartbeat,
            permit,
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        loop {
            let (mut receiver, reason) = ready!(self.wait.as_mut().poll(cx));
            let state = Arc::clone(&receiver.borrow_and_update());
            if state.is_closed() || matches!(reason, WakeReason::Closed) {
                // Polled again, it ends again.
                self.wait = Box::pin(std::future::ready((receiver, WakeReason::Closed)));
                return Poll::Ready(None);
            }
            self.wait = wait(receiver, self.heartbeat);
            let bytes = match reason {
                WakeReason::HeartbeatDue => Bytes::from_static(HEARTBEAT),
                _ => match state.announcement() {
                    Some(announcement) => {
                        announcement.event(|current| release_event(current, &self.permit))
                    }
                    None => continue,
                },
            };
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

fn wait(mut receiver: Receiver, heartbeat: Duration) -> Wait {
    let deadline = Instant::now() + heartbeat;
    Box::pin(async move {
        let reason = match timeout_at(deadline, receiver.changed()).await {
            Ok(Ok(())) => WakeReason::Changed,
            Ok(Err(_)) => WakeReason::Closed,
            Err(_) => WakeReason::HeartbeatDue,
        };
        (receiver, reason)
    })
}

/// The data of a `release` event.
#[derive(Serialize)]
struct ReleaseEvent<'a> {
    #[serde(flatten)]
    announcement: &'a AnnouncementData,
    /// See [`StreamPermit::reconnect_jitter`].
    spread: u64,
}

/// `retry:` in milliseconds and a `hello` event, from which a tab learns that its stream is not buffered on the way; then
/// the current release if there is one.
fn first_events(
    retry: u64,
    policy: Policy,
    announcement: Option<&Announcement>,
    permit: &StreamPermit,
) -> Bytes {
    let hello = format!("retry: {retry}\nevent: hello\ndata: {{\"policy\":\"{policy}\"}}\n\n");
    let mut events = hello.into_bytes();
    if let Some(announcement) = announcement {
        events.extend_from_slice(&announcement.event(|current| release_event(current, permit)));
    }
    events.into()
}

fn release_event(announcement: &Announcement, permit: &StreamPermit) -> Bytes {
    let event = ReleaseEvent {
        announcement: announcement.data(),
        spread: permit.reconnect_jitter(),
    };
    // Strings and numbers always serialize. Compact JSON has no line breaks, which would need a `data:` each.
    let json = serde_json::to_string(&event).unwrap_or_default();
    let number = announcement.number();
    format!("event: release\nid: {number}\ndata: {json}\n\n").into()
}

// After a restart all tabs of a site reconnect: over four seconds, and none before two.
const RETRY: RangeInclusive<u64> = 2000..=6000;

// Proxies close connections after 60 s without data (nginx), some after 30.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

// A comment: ignored by every client, seen by every proxy.
const HEARTBEAT: &[u8] = b":\n\n";

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::endpoint::stream_limit::StreamLimit;
    use crate::release::Release;

    fn stream(site: &Site) -> EventStream {
        EventStream::new(
            site,
            StreamLimit::new(1).acquire().unwrap(),
            Policy::Prompt,
            HEARTBEAT_INTERVAL,
        )
    }

    async fn next(stream: &mut EventStream) -> Option<String> {
        let frame = stream.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    fn publish(site: &Site, id: &str) {
        site.publish(Release::new(id.parse().unwrap(), 7));
    }

    #[tokio::test(start_paused = true)]
    async fn stream_starts_with_retry_and_current_release() {
        let site = Site::new();
        publish(&site, "a");
        publish(&site, "b");
        let first = next(&mut stream(&site)).await.unwrap();
        let (hello, event) = first.split_once("\n\n").unwrap();
        let (retry, hello) = hello.split_once('\n').unwrap();
        let retry: u64 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((*RETRY.start()..=RETRY.end() + 10).contains(&retry));
        assert_eq!(hello, "event: hello\ndata: {\"policy\":\"prompt\"}");
        let start = "event: release\nid: 2\ndata: {\"id\":\"b\",\"built\":7,\"published\":\"2";
        assert!(event.starts_with(start), "{event}");
        assert!(
            event.ends_with(",\"previous\":[\"a\"],\"spread\":10}\n\n"),
            "{event}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn slow_stream_skips_to_current_release() {
        let site = Site::new();
        let mut stream = stream(&site);
        assert!(next(&mut stream).await.unwrap().starts_with("retry: "));
        for id in ["a", "b", "c"] {
            publish(&site, id);
        }
        assert!(next(&mut stream).await.unwrap().contains("\"id\":\"c\""));
        site.close();
        assert_eq!(next(&mut stream).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_stream_gets_heartbeats() {
        let site = Site::new();
        let mut stream = stream(&site);
        next(&mut stream).await;
        let start = Instant::now();
        assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");
        assert_eq!(start.elapsed().as_secs(), HEARTBEAT_INTERVAL.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn republished_release_sends_no_event() {
        let site = Site::new();
        publish(&site, "a");
        let mut stream = stream(&site);
        next(&mut stream).await;
        publish(&site, "a");
        assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");
    }
}
