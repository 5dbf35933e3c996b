//! The time of a deploy from files on disk to the event: of a whole new site, and of one changed page in a published
//! site. Includes all work of a source: walks, reading, hashing, following references, inserting the script,
//! compressing; and the debounce interval, which is almost zero.

#![allow(clippy::unwrap_used, reason = "a bench may")]

mod support;

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use criterion::BenchmarkId;
use criterion::Criterion;
use criterion::SamplingMode;
use criterion::Throughput;
use tidings::Site;
use tidings::WatchDirectory;
use tokio::time::sleep;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    snapshot(&mut criterion);
    criterion.final_summary();
}

fn snapshot(criterion: &mut Criterion) {
    let runtime = support::runtime();
    let mut group = criterion.benchmark_group("snapshot");
    // The same number of deploys per sample: each takes tens of milliseconds, and a pause.
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for files in [100, 1000] {
        let dir = support::site(files);
        group.throughput(Throughput::Elements(files as u64));
        group.bench_function(BenchmarkId::new("of a whole site", files), |bencher| {
            bencher.to_async(&runtime).iter(|| publish(dir.path()));
        });
        group.bench_function(BenchmarkId::new("of one changed page", files), |bencher| {
            bencher.iter_custom(|deploys| runtime.block_on(deploy(dir.path(), deploys)));
        });
    }
}

async fn publish(dir: &Path) {
    let site = Site::new();
    let mut stream = support::open_event_stream(&site).await;
    tokio::select! {
        () = support::next_event(&mut stream) => {}
        never = watch(dir).run(site.clone()) => match never {},
    }
}

/// Deploys a page `deploys` times, and returns the total time until the events.
async fn deploy(dir: &Path, deploys: u64) -> Duration {
    let site = Site::new();
    let mut stream = support::open_event_stream(&site).await;
    let deploying = async {
        support::next_event(&mut stream).await;
        let mut took = Duration::ZERO;
        for number in 0..deploys {
            // Until no file is so recent that it would have to be read again.
            sleep(SETTLED).await;
            let page = format!("{}<!-- {number} -->", support::page(10_000, &[]));
            let start = Instant::now();
            support::replace(&dir.join("page-1.html"), &page);
            support::next_event(&mut stream).await;
            took += start.elapsed();
        }
        took
    };
    tokio::select! {
        took = deploying => took,
        never = watch(dir).run(site.clone()) => match never {},
    }
}

fn watch(dir: &Path) -> WatchDirectory {
    WatchDirectory::new(dir).debounce(support::DEBOUNCE)
}

const SETTLED: Duration = Duration::from_millis(100);
