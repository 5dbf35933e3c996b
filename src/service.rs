//! The middleware as a service: the endpoint, and pages that get the script on their way out.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::endpoint::Answer;
use crate::endpoint::Endpoint;
use crate::events::EventStream;
use crate::inject::AlreadyInjected;
use crate::inject::body::InjectBody;
use crate::inject::csp::Guard;
use crate::inject::csp::Home;
use crate::inject::eligible;
use crate::inject::eligible::Asked;
use crate::inject::snippet::Prefix;
use crate::inject::stamp::Stamper;
use crate::inject::tagger::Tagger;
use crate::inject::validator::Mark;
use crate::inject::validator::Unmarked;
use crate::site::Site;

/// A service that tells the pages of an inner one of new releases. Made by
/// [`UpdateNotifierLayer`](crate::UpdateNotifierLayer).
///
/// Answers the reserved paths itself. A page that the inner service answers with gets the client script, with
/// the id of the release that was current before the inner service was asked: never a newer one than the page.
#[derive(Debug, Clone)]
pub struct UpdateNotifier<S> {
    inner: S,
    site: Site,
    prefix: Arc<Prefix>,
    endpoint: Endpoint,
    guard: Guard,
}

impl<S> UpdateNotifier<S> {
    pub(crate) fn new(
        inner: S,
        site: Site,
        prefix: Arc<Prefix>,
        endpoint: Endpoint,
        guard: Guard,
    ) -> Self {
        Self {
            inner,
            site,
            prefix,
            endpoint,
            guard,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for UpdateNotifier<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if let Some(name) = self.prefix.strip(request.uri().path()) {
            let answer = self.endpoint.answer(name, &request);
            return ResponseFuture {
                inner: Inner::Answered {
                    answer: Some(answer),
                },
                page: None,
            };
        }
        let state = self.site.state();
        let stamper = Stamper::of(&state, &request);
        let home = Home::of(&self.prefix, &request);
        let tagger = match state.current() {
            Some(release) => Some(Tagger::new(
                release.id(),
                release.built(),
                home,
                &self.guard,
            )),
            None if stamper.is_some() => Some(Tagger::without_release(home, &self.guard)),
            None => None,
        };
        let page = tagger.map(|tagger| {
            let mut page = Page {
                asked: Asked::by(request.method(), request.uri().query(), request.headers()),
                tagger,
                stamper,
                is_revisit: false,
            };
            page.take_over_conditions(&mut request);
            page
        });
        ResponseFuture {
            inner: Inner::Asking {
                future: self.inner.call(request),
            },
            page,
        }
    }
}

/// What is to be done with the answer if it is a page.
#[derive(Debug)]
pub(crate) struct Page {
    asked: Asked,
    tagger: Tagger,
    stamper: Option<Stamper>,
    /// The request had the entity tag of this very page with the script in it.
    is_revisit: bool,
}

impl Page {
    /// Makes the conditions of a request such that the origin can judge them.
    fn take_over_conditions<B>(&mut self, request: &mut Request<B>) {
        let headers = request.headers();
        let has_tag = headers.contains_key(header::IF_NONE_MATCH);
        let has_date = headers.contains_key(header::IF_MODIFIED_SINCE);
        if self.asked == Asked::Other || !(has_tag || has_date) {
            return;
        }
        let says_so = headers.contains_key("sec-fetch-dest") || eligible::is_preflight(headers);
        let goes_to_page = says_so && eligible::may_be_page(request.uri().path());
        let headers = request.headers_mut();
        if has_tag {
            let unmarked = if goes_to_page {
                Unmarked::Drop
            } else {
                Unmarked::Keep
            };
            self.is_revisit = self.mark().take_off(headers, unmarked);
        }
        if goes_to_page {
            // With the script a page has no `Last-Modified`: this one is from before.
            headers.remove(header::IF_MODIFIED_SINCE);
        }
    }

    /// Made of the release that is current when the page is asked for, even if the page turns out to be of another: it
    /// is confirmed under this mark only where the origin says that it has not changed, and so neither has what it
    /// is of.
    fn mark(&self) -> Mark {
        Mark::new(&self.tagger.distinction())
    }

    /// Puts the script into the answer, if it may carry it.
    fn answer<B: Body>(mut self, response: Response<B>) -> Response<ResponseBody<B>> {
        let (mut parts, body) = response.into_parts();
        if parts.extensions.remove::<AlreadyInjected>().is_some() {
            return Response::from_parts(parts, Kind::Origin { body }.into());
        }
        if parts.status == StatusCode::NOT_MODIFIED && self.is_revisit {
            // The policy that comes with it may be kept instead of the page's.
            _ = self.tagger.judge(&mut parts.headers);
            self.mark().put(&mut parts.headers);
            // Kept with the page, it would come back as a condition that knows nothing of releases.
            parts.headers.remove(header::LAST_MODIFIED);
            parts
                .headers
                .append(header::VARY, HeaderValue::from_static(eligible::VARY));
        }
        if !eligible::is_page(&parts) {
            return Response::from_parts(parts, Kind::Origin { body }.into());
        }
        let permit = match self.asked {
            Asked::Other => None,
            _ => match self.tagger.judge(&mut parts.headers) {
                Some(permit) => Some(permit),
                // It is the same for everybody.
                None => return Response::from_parts(parts, Kind::Origin { body }.into()),
            },
        };
        parts
            .headers
            .append(header::VARY, HeaderValue::from_static(eligible::VARY));
        let Some(permit) = permit else {
            return Response::from_parts(parts, Kind::Origin { body }.into());
        };
        self.mark().put(&mut parts.headers);
        if let Some(stamper) = &mut self.stamper {
            stamper.answered(&parts);
        }
        for outdated in OUTDATED {
            parts.headers.remove(outdated);
        }
        let (tagger, stamper) = (self.tagger, self.stamper);
        let choose = move |page: &[u8], extent| {
            let stamp = stamper.and_then(|stamper| stamper.stamp(page, extent));
            tagger.with(stamp).tag(permit, page)
        };
        let body = match self.asked {
            // What a GET would be answered with, as far as it is known without the page.
            Asked::Head => Kind::Headless { body },
            _ => Kind::Injected {
                body: InjectBody::new(body, Box::new(choose)),
            },
        };
        Response::from_parts(parts, body.into())
    }
}

pin_project! {
    /// The answer to a request on its way.
    #[project = ResponseFutureProjection]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Inner<F>,
        page: Option<Page>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<F> {
        Answered { answer: Option<Answer> },
        Asking { #[pin] future: F },
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.inner.project() {
            InnerProjection::Answered { answer } => Poll::Ready(Ok(match answer.take() {
                Some(Answer::Whole(whole)) => whole.map(|body| Kind::Whole { body }.into()),
                Some(Answer::Stream(stream)) => stream.map(|body| Kind::Stream { body }.into()),
                // Polled again after it was ready.
                None => Response::new(
                    Kind::Whole {
                        body: Full::default(),
                    }
                    .into(),
                ),
            })),
            InnerProjection::Asking { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(match this.page.take() {
                    Some(page) => page.answer(response),
                    None => response.map(|body| Kind::Origin { body }.into()),
                }))
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of an answer: the inner service's own, or with the script, or the endpoint's.
    #[project = ResponseBodyProjection]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Origin { #[pin] body: B },
        Headless { #[pin] body: B },
        Injected { #[pin] body: InjectBody<B> },
        Whole { body: Full<Bytes> },
        Stream { body: EventStream },
    }
}

impl<B> From<Kind<B>> for ResponseBody<B> {
    fn from(kind: Kind<B>) -> Self {
        Self { kind }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Origin { body } | KindProjection::Headless { body } => {
                let frame = ready!(body.poll_frame(cx));
                let whole = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                Poll::Ready(frame.map(|frame| Ok(frame?.map_data(whole))))
            }
            KindProjection::Injected { body } => body.poll_frame(cx),
            KindProjection::Whole { body } => Pin::new(body).poll_frame(cx).map_err(never),
            KindProjection::Stream { body } => Pin::new(body).poll_frame(cx).map_err(never),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Origin { body } | Kind::Headless { body } => body.is_end_stream(),
            Kind::Injected { body } => body.is_end_stream(),
            Kind::Whole { body } => body.is_end_stream(),
            Kind::Stream { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Origin { body } => body.size_hint(),
            // A server takes an exact size for the length of the page, which is another now.
            Kind::Headless { .. } => SizeHint::default(),
            Kind::Injected { body } => body.size_hint(),
            Kind::Whole { body } => body.size_hint(),
            Kind::Stream { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

fn never<E>(error: Infallible) -> E {
    match error {}
}

/// What described the page as the origin sent it.
const OUTDATED: [HeaderName; 7] = [
    header::CONTENT_LENGTH,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];
