//! The task that looks at the upstreams of one site.

use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

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
use crate::source::upstream::consensus::Consensus;
use crate::source::upstream::consensus::Decision;
use crate::source::upstream::fingerprint::Fingerprint;
use crate::source::upstream::observer::IdentifyBy;
use crate::source::upstream::observer::PageObserver;
use crate::source::upstream::page_fetch::BoxError;
use crate::source::upstream::page_fetch::PageFetcher;
use crate::source::upstream::page_fetch::ShownPages;
use crate::source::upstream::poll_upstream::MIN_POLL_INTERVAL;
use crate::source::upstream::poll_upstream::PollUpstream;
use crate::source::upstream::redirect::Scheme;

pub(crate) struct Poller<S> {
    upstreams: Vec<Upstream<S>>,
    fetcher: PageFetcher,
    poll_interval: Duration,
    timeout: Duration,
    site: Site,
    observer: Arc<PageObserver>,
    consensus: Consensus,
    /// When passing pages may next bring a look forward.
    hints_from: Instant,
    /// When to look again for the sake of what was said.
    again: Option<Instant>,
}

struct Upstream<S> {
    service: S,
    /// The one by which it has shown its pages.
    scheme: Scheme,
    /// It did not show its pages when it was last asked.
    is_failing: bool,
}

/// PollTargets a look asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PollTargets {
    All,
    /// Those of which passing pages don't tell enough.
    Unobserved,
}

impl<S> Poller<S> {
    pub(crate) fn new(poll: PollUpstream<S>, site: Site) -> Self {
        let fetcher = poll.fetcher;
        let identify_by = match &fetcher.fingerprint {
            Fingerprint::Scripts => IdentifyBy::Scripts,
            Fingerprint::Header(name) => IdentifyBy::Header(name.clone()),
            Fingerprint::Json(_) | Fingerprint::Etag => IdentifyBy::Nothing,
        };
        let host = fetcher.host.as_deref();
        let upstreams = poll.upstreams.len();
        let observer = PageObserver::new(identify_by, &fetcher.pages, host, upstreams);
        let observer = Arc::new(observer);
        site.set_observer(Some(Arc::clone(&observer) as _));
        let upstreams = poll.upstreams.into_iter().map(|service| Upstream {
            service,
            scheme: Scheme::default(),
            is_failing: false,
        });
        Self {
            upstreams: upstreams.collect(),
            fetcher,
            poll_interval: poll.poll_interval,
            timeout: poll.timeout,
            site,
            observer,
            consensus: Consensus::new(poll.poll_interval),
            hints_from: Instant::now(),
            again: None,
        }
    }

    /// When the next look is due, after one that was made now.
    fn next(&self) -> Instant {
        let now = Instant::now();
        let poll_interval = match self.site.current() {
            Some(_) if self.consensus.expects_deploy(now.into_std()) => {
                self.poll_interval.min(EXPECTED_POLL_INTERVAL)
            }
            Some(_) => jittered(self.poll_interval),
            None => self.poll_interval.min(UNPUBLISHED_POLL_INTERVAL),
        };
        let due = self.consensus.due().map(Instant::from);
        // One that is over was for a look that brought no answer.
        let due = due.filter(|due| *due > now);
        let due = due.map_or(now + poll_interval, |due| due.min(now + poll_interval));
        self.again.map_or(due, |again| due.min(again.max(now)))
    }

    /// There is no news, and unless something is about to become news, what was said may be of the current release.
    fn rest(&mut self) {
        self.again = match self.consensus.due() {
            Some(_) => None,
            None => self
                .site
                .on_checked(Instant::now().into_std())
                .map(Into::into),
        };
    }

    /// Whatever somebody else has published since is current.
    fn notice_others(&mut self) {
        if let Some(current) = self.site.current()
            && !self.consensus.is_current(&current)
        {
            self.consensus.set_current(current, None);
        }
    }

    fn publish(&mut self, release: Release, pages: Arc<ReleaseFingerprint>) {
        let id = release.id().clone();
        if self.site.publish(release) {
            tracing::info!(release = %id, "published");
        }
        if let Some(current) = self.site.current() {
            let pages = (*current.id() == id).then_some(pages);
            self.consensus.set_current(current, pages);
        }
    }

    /// What is published when this is first seen.
    fn release(
        &self,
        pages: &ReleaseFingerprint,
        modified: Option<u64>,
        since: std::time::Instant,
    ) -> Release {
        let id = pages.id();
        // A page of it that has passed by carries that time.
        let built = self.observer.built(&id).or(modified);
        let release = Release::new(id, built.unwrap_or_else(|| wall_clock(since)));
        let has_label = matches!(
            self.fetcher.fingerprint,
            Fingerprint::Header(_) | Fingerprint::Json(_)
        );
        match pages {
            ReleaseFingerprint::Version(value) if has_label && is_label(value) => {
                release.with_label(value)
            }
            _ => release,
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
        let mut due = Instant::now();
        loop {
            let hinted = async {
                sleep_until(self.hints_from).await;
                self.observer.other_release_seen().await;
            };
            let targets = tokio::select! {
                deploy_expected = check_requests.next() => {
                    if let Some(at) = deploy_expected {
                        self.consensus.expect_deploy(at);
                    }
                    PollTargets::All
                }
                () = sleep_until(due) => PollTargets::Unobserved,
                () = hinted => {
                    // Pages of some other kind may pass all the time.
                    self.hints_from = Instant::now() + self.poll_interval;
                    PollTargets::All
                }
            };
            let begin = Instant::now();
            self.look(targets).await;
            due = self.next();
            // Whoever wants one meanwhile gets it then.
            sleep_until(begin + MIN_POLL_INTERVAL).await;
        }
    }

    async fn look(&mut self, targets: PollTargets) {
        self.notice_others();
        let sights = self.ask(targets).await;
        self.notice_others();
        let seen = (0..self.upstreams.len()).filter_map(|n| self.observer.current_seen(n));
        if let Some(seen) = seen.max() {
            self.consensus.on_current_seen(seen);
        }
        let asked = sights.iter().flatten();
        self.observer
            .on_polled(asked.filter_map(|sight| sight.as_ref().map(|sight| &*sight.pages)));
        let modified = sights.iter().flatten().flatten();
        let modified = modified.filter_map(|sight| sight.modified).max();
        let current = self.consensus.current().map(|current| current.pages);
        let shown = sights.into_iter().map(|sight| match sight {
            Some(answer) => answer.map(|sight| sight.pages),
            // Passing pages show the current release.
            None => current.clone(),
        });
        let shown: Vec<_> = shown.collect();
        match self.consensus.on_polled(Instant::now().into_std(), &shown) {
            Decision::Wait => self.rest(),
            Decision::Publish(pages, since) => {
                let release = self.release(&pages, modified, since);
                self.publish(release, pages);
            }
            Decision::Republish(known) => {
                self.publish(known.release.clone_without_files(), known.pages)
            }
        }
        let recent = self.consensus.recent().cloned().collect();
        self.observer
            .set_published(self.consensus.current(), recent);
    }

    /// Asks all upstreams at the same time. `None` for one that need not be asked, `Some(None)` for one that does not
    /// show its pages.
    async fn ask(&mut self, targets: PollTargets) -> Vec<Option<Option<ShownPages>>> {
        let now = Instant::now();
        let may_rest = targets == PollTargets::Unobserved
            && self.consensus.current().is_some()
            && self.consensus.due().is_none();
        let (observer, fetcher, limit) = (&self.observer, &self.fetcher, self.timeout);
        let poll_interval = self.poll_interval;
        let asking = self.upstreams.iter_mut().enumerate().map(|(n, upstream)| {
            let is_fresh = |seen: std::time::Instant| Instant::from(seen) + poll_interval > now;
            let rests = may_rest && observer.current_seen(n).is_some_and(is_fresh);
            async move {
                if rests {
                    return None;
                }
                let asking = fetcher.ask(&mut upstream.service, &mut upstream.scheme);
                let answer = timeout(limit, asking).await;
                let late = |_| Err(format!("nothing came for {limit:?}"));
                Some(answer.unwrap_or_else(late))
            }
        });
        let answers = together(asking.collect()).await;
        let mut sights = Vec::with_capacity(answers.len());
        for (n, answer) in answers.into_iter().enumerate() {
            sights.push(answer.map(|answer| self.tell(n, answer)));
        }
        sights
    }

    /// Says once when an upstream no longer shows its pages, and once when it does again.
    fn tell(&mut self, n: usize, answer: Result<ShownPages, String>) -> Option<ShownPages> {
        let was_failing = std::mem::replace(&mut self.upstreams[n].is_failing, answer.is_err());
        match answer {
            Ok(sight) => {
                if was_failing {
                    tracing::info!(upstream = n, "the upstream shows its pages again");
                }
                Some(sight)
            }
            Err(why) => {
                if !was_failing {
                    tracing::warn!(upstream = n, "the upstream does not show its pages: {why}");
                }
                self.site
                    .set_not_ready_reason(&format!("the pages of the upstream: {why}"));
                None
            }
        }
    }
}

impl<S> Drop for Poller<S> {
    fn drop(&mut self) {
        self.site.set_observer(None);
    }
}

/// What all of them come to, in order.
async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// About this long: looks of several instances don't fall together.
fn jittered(poll_interval: Duration) -> Duration {
    // Every `RandomState` has other keys.
    let drawn = u32::try_from(RandomState::new().hash_one(0) % 201).unwrap_or(100);
    poll_interval * 9 / 10 + poll_interval * drawn / 1000
}

/// The time on the wall at that moment, in milliseconds since 1970.
fn wall_clock(at: std::time::Instant) -> u64 {
    let elapsed = Instant::now().into_std().saturating_duration_since(at);
    let since = SystemTime::now().duration_since(UNIX_EPOCH + elapsed);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

fn is_label(value: &str) -> bool {
    value.chars().count() <= MAX_LABEL_CHARS && !value.chars().any(char::is_control)
}

// As long as nothing is published pages go without the script.
const UNPUBLISHED_POLL_INTERVAL: Duration = Duration::from_secs(2);

// Somebody says that there is a deploy: the upstream may be starting.
const EXPECTED_POLL_INTERVAL: Duration = Duration::from_secs(2);

// What a release takes for one.
const MAX_LABEL_CHARS: usize = 100;
