//! Event streams: server-sent events that tell each tab which release is current.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::BuildHasher as _;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::release::Policy;
use crate::site::Announcement;
use crate::site::Site;
use crate::site::State;

/// The body of one event stream (HTML, section 9.2): the current release at once, then each that is published.
///
/// There is no queue: a stream that can't keep up skips to the current release. Ends when the site is closed.
pub(crate) struct EventStream {
    /// What goes out before anything is waited for.
    greeting: Option<Bytes>,
    wait: Wait,
    heartbeat: Duration,
    slot: Slot,
}

/// Waits for the site to change, up to the next heartbeat; gives the receiver back.
type Wait = Pin<Box<dyn Future<Output = (Receiver, Woken)> + Send + Sync>>;

type Receiver = watch::Receiver<Arc<State>>;

/// Why a wait is over.
enum Woken {
    Change,
    Time,
    End,
}

impl EventStream {
    /// A stream for one tab, in a slot of its own.
    pub(crate) fn new(site: &Site, slot: Slot, policy: Policy, heartbeat: Duration) -> Self {
        let mut receiver = site.subscribe();
        let greeting = {
            let state = receiver.borrow_and_update();
            let retry = *RETRY.start()..=RETRY.end() + slot.spread();
            let announcement = state.announcement().map(AsRef::as_ref);
            greeting(random_in(retry), policy, announcement, &slot)
        };
        let wait = wait(receiver, heartbeat);
        Self {
            greeting: Some(greeting),
            wait,
            heartbeat,
            slot,
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
        if let Some(greeting) = self.greeting.take() {
            return Poll::Ready(Some(Ok(Frame::data(greeting))));
        }
        loop {
            let (mut receiver, woken) = ready!(self.wait.as_mut().poll(cx));
            let state = Arc::clone(&receiver.borrow_and_update());
            if state.is_closed() || matches!(woken, Woken::End) {
                // Left to be polled again, it says the same.
                self.wait = Box::pin(std::future::ready((receiver, Woken::End)));
                return Poll::Ready(None);
            }
            self.wait = wait(receiver, self.heartbeat);
            let bytes = match woken {
                Woken::Time => Bytes::from_static(HEARTBEAT),
                _ => match state.announcement() {
                    Some(announcement) => announcement.event(|news| event(news, &self.slot)),
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
        let woken = match timeout_at(deadline, receiver.changed()).await {
            Ok(Ok(())) => Woken::Change,
            Ok(Err(_)) => Woken::End,
            Err(_) => Woken::Time,
        };
        (receiver, woken)
    })
}

/// `retry:` in milliseconds and a hello, from which a tab knows that its stream gets through; then the current release
/// if there is one.
fn greeting(retry: u64, policy: Policy, announcement: Option<&Announcement>, slot: &Slot) -> Bytes {
    let hello = format!("retry: {retry}\nevent: hello\ndata: {{\"policy\":\"{policy}\"}}\n\n");
    let mut greeting = hello.into_bytes();
    if let Some(announcement) = announcement {
        greeting.extend_from_slice(&announcement.event(|news| event(news, slot)));
    }
    greeting.into()
}

fn event(announcement: &Announcement, slot: &Slot) -> Bytes {
    let number = announcement.number();
    // JSON as it is written here has no line breaks, which would need a `data:` each.
    let json = String::from_utf8_lossy(announcement.json());
    let open = json.trim_end_matches('}');
    let spread = slot.spread();
    format!("event: release\nid: {number}\ndata: {open},\"spread\":{spread}}}\n\n").into()
}

/// A number in the range, another for each caller: enough to spread reconnects, and no more than that.
pub(crate) fn random_in(range: RangeInclusive<u64>) -> u64 {
    let (low, high) = (*range.start(), *range.end());
    // Every `RandomState` has other keys.
    low + RandomState::new().hash_one(0) % (high - low + 1)
}

/// How many streams may be open at once. `Clone` is cheap, and all clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    open: Arc<AtomicUsize>,
    most: usize,
}

/// The place of one stream; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// See [`Slots::spread`].
    fn spread(&self) -> u64 {
        spread(self.0.load(Ordering::Acquire))
    }
}

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            open: Arc::default(),
            most,
        }
    }

    /// A slot; `None` if all are taken. Nobody is thrown out for a newcomer: it would come back at once.
    pub(crate) fn take(&self) -> Option<Slot> {
        let taken = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < self.most).then_some(open + 1)
            });
        taken.ok().map(|_| Slot(Arc::clone(&self.open)))
    }

    /// Over how many milliseconds what all tabs do at once is to be spread.
    pub(crate) fn spread(&self) -> u64 {
        spread(self.open.load(Ordering::Acquire))
    }
}

fn spread(open: usize) -> u64 {
    u64::try_from(open).map_or(LONGEST_SPREAD, |open| {
        (open * SPREAD_PER_STREAM).min(LONGEST_SPREAD)
    })
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

// After a restart all tabs of a site come back: spread over four seconds, and none before two.
const RETRY: RangeInclusive<u64> = 2000..=6000;

// A page, its scripts and styles, at a hundred tabs a second.
const SPREAD_PER_STREAM: u64 = 10;

const LONGEST_SPREAD: u64 = 120_000;

// Proxies close what is silent for 60 s (nginx), some after 30.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

// A comment: dropped by every client, seen by every proxy.
const HEARTBEAT: &[u8] = b":\n\n";

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::release::Release;

    fn stream(site: &Site) -> EventStream {
        EventStream::new(
            site,
            Slots::new(1).take().unwrap(),
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
    async fn a_stream_starts_with_retry_and_the_current_release() {
        let site = Site::new();
        publish(&site, "a");
        publish(&site, "b");
        let first = next(&mut stream(&site)).await.unwrap();
        let (hello, event) = first.split_once("\n\n").unwrap();
        let (retry, hello) = hello.split_once('\n').unwrap();
        let retry: u64 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((*RETRY.start()..=RETRY.end() + SPREAD_PER_STREAM).contains(&retry));
        assert_eq!(hello, "event: hello\ndata: {\"policy\":\"prompt\"}");
        let start = "event: release\nid: 2\ndata: {\"id\":\"b\",\"built\":7,\"published\":\"2";
        assert!(event.starts_with(start), "{event}");
        assert!(
            event.ends_with(",\"previous\":[\"a\"],\"spread\":10}\n\n"),
            "{event}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_skips_to_the_current_release() {
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
    async fn silence_is_broken_by_comments() {
        let site = Site::new();
        let mut stream = stream(&site);
        next(&mut stream).await;
        let start = Instant::now();
        assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");
        assert_eq!(start.elapsed().as_secs(), HEARTBEAT_INTERVAL.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_replaced_table_is_no_event() {
        let site = Site::new();
        publish(&site, "a");
        let mut stream = stream(&site);
        next(&mut stream).await;
        publish(&site, "a");
        assert_eq!(next(&mut stream).await.unwrap(), ":\n\n");
    }

    #[test]
    fn a_full_house_lets_nobody_in_until_somebody_leaves() {
        let slots = Slots::new(1);
        let slot = slots.clone().take();
        assert!(slot.is_some());
        assert!(slots.take().is_none());
        drop(slot);
        assert!(slots.take().is_some());
    }

    #[test]
    fn retries_differ() {
        let drawn: std::collections::HashSet<_> = (0..50).map(|_| random_in(RETRY)).collect();
        assert!(drawn.len() > 10);
        assert!(drawn.iter().all(|retry| RETRY.contains(retry)));
    }
}
