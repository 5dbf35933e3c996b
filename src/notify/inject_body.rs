//! A response body that passes through the rewriter as it streams.

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
use crate::notify::page_metrics::Fate;
use crate::notify::page_metrics::Tally;

pin_project! {
    /// A page on its way, with the tag put in as it passes.
    ///
    /// Takes no more from the page than is asked of it, and passes on at once what it needn't hold.
    pub struct InjectBody<B> {
        #[pin]
        page: B,
        rewriter: Inserter,
        // There until it is known what becomes of the page, if that counts.
        tally: Option<Tally>,
        // What is to be sent before the page is asked again.
        rest: Bytes,
        end: End,
    }
}

/// What is to be sent when the page has ended.
enum End {
    NotYet,
    Trailers(HeaderMap),
    Over,
}

impl<B> InjectBody<B> {
    pub(crate) fn new(page: B, choose: Box<ChooseTag>, tally: Option<Tally>) -> Self {
        Self {
            page,
            rewriter: Inserter::new(choose),
            tally,
            rest: Bytes::new(),
            end: End::NotYet,
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
            match mem::replace(this.end, End::Over) {
                End::NotYet => *this.end = End::NotYet,
                End::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                End::Over => return Poll::Ready(None),
            }
            let ready = match ready!(this.page.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        if this.page.is_end_stream() {
                            this.rewriter.expect_end();
                        }
                        this.rewriter.write(data.copy_to_bytes(data.remaining()))
                    }
                    Err(frame) => {
                        *this.end = match frame.into_trailers() {
                            Ok(trailers) => End::Trailers(trailers),
                            Err(_) => End::NotYet,
                        };
                        this.rewriter.end()
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    *this.end = End::Over;
                    this.rewriter.end()
                }
            };
            count(this.tally, this.rewriter.outcome());
            *this.rest = ready.rest;
            if !ready.first.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(ready.first))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.end, End::Over) && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // What is held, or left of a piece, comes on top of it.
        if self.rewriter.outcome() == InsertOutcome::Searching || !self.rest.is_empty() {
            return SizeHint::default();
        }
        self.page.size_hint()
    }
}

fn count(tally: &mut Option<Tally>, outcome: InsertOutcome) {
    let fate = match outcome {
        InsertOutcome::Searching => return,
        InsertOutcome::Inserted => Fate::Injected,
        InsertOutcome::NoInsertionPoint => Fate::PassedForPlace,
        InsertOutcome::Declined => Fate::PassedForPolicy,
    };
    if let Some(tally) = tally.take() {
        tally.count(fate);
    }
}

impl<B> std::fmt::Debug for InjectBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InjectBody")
            .field("outcome", &self.rewriter.outcome())
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
    async fn trailers_come_after_the_end_of_the_page() {
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
