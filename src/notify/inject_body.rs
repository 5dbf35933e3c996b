//! A page body with the script tag inserted as it streams.

use std::mem;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::html::inserter::ChooseTag;
use crate::html::inserter::InsertOutcome;
use crate::html::inserter::Inserter;
use crate::notify::page_metrics::PageMetrics;
use crate::notify::page_metrics::PageOutcome;

pin_project! {
    /// A page body with the script tag inserted as it streams.
    ///
    /// Reads no more of the page than is polled for, and buffers only what the insertion needs.
    pub struct InjectBody<B> {
        #[pin]
        page: B,
        inserter: Inserter,
        // `None` once the outcome is recorded, or if the page is not counted.
        metrics: Option<PageMetrics>,
        // Bytes to send before the page is polled again.
        rest: Bytes,
        end: End,
    }
}

/// What remains to be sent after the data of the page.
enum End {
    Unknown,
    Trailers(HeaderMap),
    Done,
}

impl<B> InjectBody<B> {
    pub(crate) fn new(page: B, choose: Box<ChooseTag>, metrics: Option<PageMetrics>) -> Self {
        Self {
            page,
            inserter: Inserter::new(choose),
            metrics,
            rest: Bytes::new(),
            end: End::Unknown,
        }
    }
}

impl<B: Body> Body for InjectBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        loop {
            if !this.rest.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(mem::take(this.rest)))));
            }
            match mem::replace(this.end, End::Done) {
                End::Unknown => *this.end = End::Unknown,
                End::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                End::Done => return Poll::Ready(None),
            }
            let ready = match ready!(this.page.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        if this.page.is_end_stream() {
                            this.inserter.expect_end();
                        }
                        this.inserter.write(data.copy_to_bytes(data.remaining()))
                    }
                    Err(frame) => {
                        *this.end = match frame.into_trailers() {
                            Ok(trailers) => End::Trailers(trailers),
                            Err(_) => End::Unknown,
                        };
                        this.inserter.end()
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    *this.end = End::Done;
                    this.inserter.end()
                }
            };
            record(this.metrics, this.inserter.outcome());
            *this.rest = ready.rest;
            if !ready.first.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(ready.first))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.end, End::Done) && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // Buffered bytes are added to those of the page.
        if self.inserter.outcome() == InsertOutcome::Searching || !self.rest.is_empty() {
            return SizeHint::default();
        }
        self.page.size_hint()
    }
}

fn record(metrics: &mut Option<PageMetrics>, outcome: InsertOutcome) {
    let page_outcome = match outcome {
        InsertOutcome::Searching => return,
        InsertOutcome::Inserted => PageOutcome::Injected,
        InsertOutcome::NoInsertionPoint => PageOutcome::NoInsertionPoint,
        InsertOutcome::Declined => PageOutcome::ForbiddenByCsp,
    };
    if let Some(metrics) = metrics.take() {
        metrics.count(page_outcome);
    }
}

impl<B> std::fmt::Debug for InjectBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InjectBody")
            .field("outcome", &self.inserter.outcome())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt as _;
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn inject_body_with_trailers_sends_them_after_tag() {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        let page = Full::new(Bytes::from_static(b"<!doctype html>"));
        let sent = trailers.clone();
        let page = page.with_trailers(async move { Some(Ok::<_, Infallible>(sent)) });
        let body = InjectBody::new(page, Box::new(|_, _| Some("<T>".into())), None);
        let collected = body.collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers));
        assert_eq!(collected.to_bytes(), "<!doctype html><T>");
    }
}
