//! The task that polls the upstreams of one site.

use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body_util::Empty;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tower_service::Service;

use crate::release::Release;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::site::Site;
use crate::site::unix_millis;
use crate::source::upstream::consensus::Consensus;
use crate::source::upstream::consensus::PollDecision;
use crate::source::upstream::fingerprint::Fingerprint;
use crate::source::upstream::observer::IdentifyBy;
use crate::source::upstream::observer::PageObserver;
use crate::source::upstream::page_fetch::BoxError;
use crate::source::upstream::page_fetch::PageFetcher;
use crate::source::upstream::page_fetch::ShownRelease;
use crate::source::upstream::redirect::Scheme;

/// Polls the upstreams of a site, and publishes what they agree on.
pub(crate) struct Poller<S> {
    upstreams: Vec<PolledUpstream<S>>,
    options: PollOptions,
    site: Site,
    observer: Arc<PageObserver>,
    consensus: Consensus,
    /// When observed pages may next bring a poll forward.
    observations_from: Instant,
    /// When to check again for the sake of pending metadata.
    next_check: Option<Instant>,
}

/// What is polled, and how.
#[derive(Debug, Clone)]
pub(crate) struct PollOptions {
    pub(crate) poll_interval: Duration,
    /// How long one upstream may take.
    pub(crate) timeout: Duration,
    pub(crate) fetcher: PageFetcher,
    /// The addresses of the upstreams, for log messages. May be shorter than their list.
    pub(crate) addresses: Vec<String>,
}

struct PolledUpstream<S> {
    service: S,
    address: Option<String>,
    /// The scheme by which its pages were fetched last.
    scheme: Scheme,
    /// The last poll failed.
    is_failing: bool,
}

/// Which upstreams are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PollTargets {
    All,
    /// Those of which no page of the current release was observed within the interval.
    Unobserved,
}

/// The result of polling one upstream.
enum PollResult {
    /// It was not polled: observed pages show the current release.
    Skipped,
    Failed,
    Shown(ShownRelease),
}

impl<S> Poller<S> {
    /// Registers a [`PageObserver`] with the site, until the poller is dropped.
    pub(crate) fn new(upstreams: Vec<S>, options: PollOptions, site: Site) -> Self {
        let fetcher = &options.fetcher;
        let identify_by = match &fetcher.fingerprint {
            Fingerprint::Scripts => IdentifyBy::Scripts,
            Fingerprint::Header(name) => IdentifyBy::Header(name.clone()),
            Fingerprint::Json(_) | Fingerprint::Etag => IdentifyBy::Nothing,
        };
        let host = fetcher.host.as_deref();
        let observer = PageObserver::new(identify_by, &fetcher.pages, host, upstreams.len());
        let observer = Arc::new(observer);
        site.set_observer(Some(Arc::clone(&observer) as _));
        let addresses = options.addresses.iter().cloned().map(Some);
        let addresses = addresses.chain(std::iter::repeat(None));
        let upstreams = upstreams
            .into_iter()
            .zip(addresses)
            .map(|(service, address)| PolledUpstream {
                service,
                address,
                scheme: Scheme::default(),
                is_failing: false,
            });
        Self {
            upstreams: upstreams.collect(),
            consensus: Consensus::new(options.poll_interval),
            options,
            site,
            observer,
            observations_from: Instant::now(),
            next_check: None,
        }
    }

    /// When the next poll is due, after one that was made now.
    fn next_poll(&self) -> Instant {
        let now = Instant::now();
        let interval = self.options.poll_interval;
        let interval = match self.site.current() {
            Some(_) if self.consensus.expects_deploy(now.into_std()) => {
                interval.min(EXPECTED_POLL_INTERVAL)
            }
            Some(_) => jittered(interval),
            None => interval.min(UNPUBLISHED_POLL_INTERVAL),
        };
        let next = now + interval;
        // A due time in the past belongs to a poll that failed.
        let due = self.consensus.due().map(Instant::from);
        let next = due
            .filter(|due| *due > now)
            .map_or(next, |due| due.min(next));
        self.next_check
            .map_or(next, |check| next.min(check.max(now)))
    }

    /// There is no new release. Unless a candidate waits for its confirmation, pending metadata may belong to the
    /// current one.
    fn on_checked(&mut self) {
        self.next_check = None;
        if self.consensus.due().is_none() {
            let next_check = self.site.on_checked(Instant::now().into_std());
            self.next_check = next_check.map(Into::into);
        }
    }

    /// Takes over a release that was published otherwise.
    fn sync_with_site(&mut self) {
        if let Some(current) = self.site.current()
            && !self.consensus.is_current(&current)
        {
            self.consensus.set_current(current, None);
        }
    }

    fn publish(&mut self, release: Release, fingerprint: Arc<ReleaseFingerprint>) {
        let id = release.id().clone();
        if self.site.publish(release) {
            tracing::info!(release = %id, "published");
        }
        if let Some(current) = self.site.current() {
            let fingerprint = (*current.id() == id).then_some(fingerprint);
            self.consensus.set_current(current, fingerprint);
        }
    }

    /// The release with this fingerprint, which was first seen at `since`.
    fn new_release(
        &self,
        fingerprint: &ReleaseFingerprint,
        modified: Option<u64>,
        since: std::time::Instant,
    ) -> Release {
        let id = fingerprint.id();
        // Pages of it that have passed through carry this time already.
        let built = self.observer.built(&id).or(modified);
        let release = Release::new(id, built.unwrap_or_else(|| unix_millis_at(since)));
        let has_label = matches!(
            self.options.fetcher.fingerprint,
            Fingerprint::Header(_) | Fingerprint::Json(_)
        );
        match fingerprint {
            ReleaseFingerprint::Version(value) if has_label && is_label(value) => {
                release.with_label(value)
            }
            _ => release,
        }
    }

    /// Logs the first failure of an upstream, and its recovery.
    fn report(
        &mut self,
        index: usize,
        result: Result<ShownRelease, String>,
    ) -> Option<ShownRelease> {
        let polled = &mut self.upstreams[index];
        let was_failing = std::mem::replace(&mut polled.is_failing, result.is_err());
        let upstream = polled.address.as_deref();
        match result {
            Ok(shown) => {
                if was_failing {
                    tracing::info!(upstream, "polling the upstream succeeded again");
                }
                Some(shown)
            }
            Err(error) => {
                if !was_failing {
                    tracing::warn!(upstream, error, "polling the upstream failed");
                }
                self.site
                    .set_not_ready_reason(&format!("the pages of the upstream: {error}"));
                None
            }
        }
    }
}

impl<S, B> Poller<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body,
    B::Error: Into<BoxError>,
{
    pub(crate) async fn run(mut self) -> Infallible {
        let mut check_requests = self.site.check_requests();
        let mut next_poll = Instant::now();
        loop {
            let observed = async {
                sleep_until(self.observations_from).await;
                self.observer.other_release_seen().await;
            };
            let targets = tokio::select! {
                announced = check_requests.next() => {
                    if let Some(announced) = announced {
                        self.consensus.expect_deploy(announced);
                    }
                    PollTargets::All
                }
                () = sleep_until(next_poll) => PollTargets::Unobserved,
                () = observed => {
                    // Pages of no release may pass through all the time.
                    self.observations_from = Instant::now() + self.options.poll_interval;
                    PollTargets::All
                }
            };
            let start = Instant::now();
            self.poll(targets).await;
            next_poll = self.next_poll();
            // What is requested meanwhile is done then.
            sleep_until(start + MIN_POLL_INTERVAL).await;
        }
    }

    async fn poll(&mut self, targets: PollTargets) {
        self.sync_with_site();
        let results = self.poll_upstreams(targets).await;
        self.sync_with_site();
        let seen = (0..self.upstreams.len()).filter_map(|n| self.observer.current_seen(n));
        if let Some(seen) = seen.max() {
            self.consensus.on_current_seen(seen);
        }
        let shown = || {
            results.iter().filter_map(|result| match result {
                PollResult::Shown(shown) => Some(shown),
                PollResult::Skipped | PollResult::Failed => None,
            })
        };
        self.observer
            .on_polled(shown().map(|shown| &*shown.fingerprint));
        let modified = shown().filter_map(|shown| shown.modified).max();
        let current = self.consensus.current().map(|current| current.fingerprint);
        let fingerprints = results.into_iter().map(|result| match result {
            PollResult::Shown(shown) => Some(shown.fingerprint),
            PollResult::Skipped => current.clone(),
            PollResult::Failed => None,
        });
        let fingerprints: Vec<_> = fingerprints.collect();
        let now = Instant::now().into_std();
        match self.consensus.on_polled(now, &fingerprints) {
            PollDecision::Wait => self.on_checked(),
            PollDecision::Publish(fingerprint, since) => {
                let release = self.new_release(&fingerprint, modified, since);
                self.publish(release, fingerprint);
            }
            PollDecision::Republish(known) => {
                self.publish(known.release.clone_without_files(), known.fingerprint);
            }
        }
        let recent = self.consensus.recent().cloned().collect();
        self.observer
            .set_published(self.consensus.current(), recent);
    }

    /// Polls the upstreams concurrently. The results are in their order.
    async fn poll_upstreams(&mut self, targets: PollTargets) -> Vec<PollResult> {
        let now = Instant::now();
        let may_skip = targets == PollTargets::Unobserved
            && self.consensus.current().is_some()
            && self.consensus.due().is_none();
        let (observer, options) = (&self.observer, &self.options);
        let polls = self.upstreams.iter_mut().enumerate().map(|(n, upstream)| {
            let is_recent =
                |seen: std::time::Instant| Instant::from(seen) + options.poll_interval > now;
            let is_skipped = may_skip && observer.current_seen(n).is_some_and(is_recent);
            async move {
                if is_skipped {
                    return None;
                }
                let fetcher = &options.fetcher;
                let fetch = fetcher.fetch_release(&mut upstream.service, &mut upstream.scheme);
                let result = timeout(options.timeout, fetch).await;
                let timed_out = |_| Err(format!("timed out after {:?}", options.timeout));
                Some(result.unwrap_or_else(timed_out))
            }
        });
        let results = join_all(polls.collect()).await;
        let reported = results.into_iter().enumerate().map(|(n, result)| {
            let Some(result) = result else {
                return PollResult::Skipped;
            };
            self.report(n, result)
                .map_or(PollResult::Failed, PollResult::Shown)
        });
        reported.collect()
    }
}

impl<S> Drop for Poller<S> {
    fn drop(&mut self) {
        self.site.set_observer(None);
    }
}

/// The outputs of all futures, in their order.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// The interval, give or take a tenth, so that the polls of several instances spread.
fn jittered(interval: Duration) -> Duration {
    // Every `RandomState` has other keys.
    let random = u32::try_from(RandomState::new().hash_one(0) % 201).unwrap_or(100);
    interval * 9 / 10 + interval * random / 1000
}

/// The wall clock time at `time`, in milliseconds since 1970.
fn unix_millis_at(time: std::time::Instant) -> u64 {
    let elapsed = Instant::now().into_std().saturating_duration_since(time);
    let wall = SystemTime::now().checked_sub(elapsed);
    wall.map_or(0, unix_millis::from_time)
}

fn is_label(value: &str) -> bool {
    value.chars().count() <= MAX_LABEL_CHARS && !value.chars().any(char::is_control)
}

// However often polls are requested, the load on an upstream must not be noticeable.
pub(crate) const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

// As long as nothing is published, pages pass without the script.
const UNPUBLISHED_POLL_INTERVAL: Duration = Duration::from_secs(2);

// After an announced deploy: the upstream may be starting.
const EXPECTED_POLL_INTERVAL: Duration = Duration::from_secs(2);

// The limit of a label.
const MAX_LABEL_CHARS: usize = 100;
