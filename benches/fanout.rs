//! The time from a publish until every event stream has yielded it, in process: one task per stream, as in a server,
//! all on one thread.

#![allow(clippy::unwrap_used, reason = "a bench may")]

mod support;

use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use criterion::BenchmarkId;
use criterion::Criterion;
use criterion::Throughput;
use tidings::Release;
use tidings::Site;
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::task::spawn_local;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    fanout(&mut criterion);
    criterion.final_summary();
}

fn fanout(criterion: &mut Criterion) {
    let runtime = support::runtime();
    let mut group = criterion.benchmark_group("fanout");
    group.sample_size(20);
    for count in [1000, 10_000] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("streams", count), |bencher| {
            bencher.iter_custom(|publishes| {
                LocalSet::new().block_on(&runtime, publish(count, publishes))
            });
        });
    }
}

/// Publishes releases one after another to `streams` open streams.
async fn publish(streams: u64, publishes: u64) -> Duration {
    let site = Site::new();
    let progress = Rc::new(Progress::default());
    for _ in 0..streams {
        let mut stream = support::open_event_stream(&site).await;
        let progress = Rc::clone(&progress);
        spawn_local(async move {
            loop {
                support::next_event(&mut stream).await;
                progress.received.set(progress.received.get() + 1);
                if progress.received.get() == streams {
                    progress.all.notify_one();
                }
            }
        });
    }
    // Not measured: the first poll of each stream only registers it.
    tokio::task::yield_now().await;
    let start = Instant::now();
    for number in 0..publishes {
        progress.received.set(0);
        site.publish(Release::new(format!("r{number}").parse().unwrap(), number));
        progress.all.notified().await;
    }
    start.elapsed()
}

/// The number of streams that have received the release, and a notification when all have.
#[derive(Default)]
struct Progress {
    received: std::cell::Cell<u64>,
    all: Notify,
}
