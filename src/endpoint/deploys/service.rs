//! The webhook as a service: its own path, and all others passed on.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::endpoint::deploys::handler::DeployHandler;
use crate::http::prefix::ReservedPrefix;

/// A service with a webhook in front of it. Made by [`WebhookLayer`](crate::WebhookLayer).
#[derive(Debug, Clone)]
pub struct Webhook<S> {
    inner: S,
    handler: Arc<DeployHandler>,
    prefix: Arc<ReservedPrefix>,
}

impl<S> Webhook<S> {
    pub(crate) fn new(inner: S, handler: Arc<DeployHandler>, prefix: Arc<ReservedPrefix>) -> Self {
        Self {
            inner,
            handler,
            prefix,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Webhook<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ReqBody: Body<Data: Buf> + Send + 'static,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<WebhookBody<ResBody>>;
    type Error = S::Error;
    type Future = WebhookFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let inner = if self.prefix.strip(request.uri().path()) == Some(NAME) {
            let handler = Arc::clone(&self.handler);
            let answer = Box::pin(async move { handler.handle(request).await });
            Inner::Answering { answer }
        } else {
            let future = self.inner.call(request);
            Inner::Passing { future }
        };
        WebhookFuture { inner }
    }
}

type Answering = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

pin_project! {
    /// The answer to a request on its way.
    pub struct WebhookFuture<F> {
        #[pin]
        inner: Inner<F>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Answering { answer: Answering },
        Passing { #[pin] future: F },
    }
}

impl<F, B, E> Future for WebhookFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<WebhookBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.project() {
            InnerProjection::Answering { answer } => answer
                .as_mut()
                .poll(cx)
                .map(|answer| Ok(answer.map(|body| Kind::Whole { body }.into()))),
            InnerProjection::Passing { future } => future
                .poll(cx)
                .map_ok(|answer| answer.map(|body| Kind::Inner { body }.into())),
        }
    }
}

impl<F> fmt::Debug for WebhookFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookFuture").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of an answer: the inner service's own, or the webhook's.
    pub struct WebhookBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Whole { body: Full<Bytes> },
    }
}

impl<B> From<Kind<B>> for WebhookBody<B> {
    fn from(kind: Kind<B>) -> Self {
        Self { kind }
    }
}

impl<B: Body<Data = Bytes>> Body for WebhookBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let never = |error: Infallible| match error {};
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(cx),
            KindProjection::Whole { body } => Pin::new(body).poll_frame(cx).map_err(never),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Whole { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Whole { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for WebhookBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookBody").finish_non_exhaustive()
    }
}

/// What follows the prefix.
const NAME: &str = "deploys";
