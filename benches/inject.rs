//! The cost of the layer for a streamed page: the same service with and without it, pages in one frame and in frames
//! of 16 KB, until the last frame.

#![allow(clippy::unwrap_used, reason = "a bench may")]

mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use criterion::BenchmarkId;
use criterion::Criterion;
use criterion::Throughput;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tidings::Release;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;
use tower::Service;
use tower::ServiceExt as _;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    inject(&mut criterion);
    criterion.final_summary();
}

fn inject(criterion: &mut Criterion) {
    let runtime = support::runtime();
    let site = Site::new();
    site.publish(Release::new("r1".parse().unwrap(), 1));
    let mut group = criterion.benchmark_group("inject");
    for (size, bytes) in [("300 B", 300), ("60 KB", 60_000), ("1 MB", 1_000_000)] {
        let page = Bytes::from(support::page(bytes, &[]));
        for (frames, frame) in [("one frame", usize::MAX), ("16 KB frames", 16 * 1024)] {
            if frame < usize::MAX && page.len() <= frame {
                continue;
            }
            group.throughput(Throughput::Bytes(page.len() as u64));
            let page = page.clone();
            let bare = tower::service_fn(move |_: Request<Empty<Bytes>>| {
                let body = Frames {
                    left: page.clone(),
                    frame,
                };
                let page = Response::builder().header("content-type", "text/html; charset=utf-8");
                std::future::ready(Ok::<_, Infallible>(page.body(body).unwrap()))
            });
            let layered = UpdateNotifierLayer::new(site.clone()).layer(bare.clone());
            let name = format!("{size}, {frames}");
            group.bench_function(BenchmarkId::new("without", &name), |bencher| {
                bencher.to_async(&runtime).iter(|| get(bare.clone()));
            });
            group.bench_function(BenchmarkId::new("with", &name), |bencher| {
                bencher.to_async(&runtime).iter(|| get(layered.clone()));
            });
        }
    }
}

/// Requests a page and reads all of it; returns the number of bytes.
async fn get<S, B>(service: S) -> usize
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error: std::fmt::Debug> + Unpin,
{
    let mut body = service
        .oneshot(Request::new(Empty::new()))
        .await
        .unwrap()
        .into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    bytes
}

/// A body in frames of at most `frame` bytes.
struct Frames {
    left: Bytes,
    frame: usize,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.frame.min(self.left.len());
        let data = self.left.split_to(frame);
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }
}
