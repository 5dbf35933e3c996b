//! Responses of [`StaticFiles`](crate::StaticFiles): small ones, and those that first verify their file.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use tokio::task::JoinHandle;

use crate::http::body::Body;
use crate::http::path::SitePath;
use crate::http::reply::NO_CACHE;
use crate::http::reply::Reply;
use crate::release::OpenFile;

/// A response, or one whose file is being verified.
pub(crate) enum FileReply {
    Ready(Response<Body>),
    Verifying {
        check: JoinHandle<io::Result<()>>,
        response: Option<Response<Body>>,
    },
}

impl FileReply {
    /// Verifies in the background that the file was not overwritten since its release was read; if it was, the response
    /// becomes a 503.
    pub(crate) fn verify(file: &Arc<OpenFile>, response: Response<Body>) -> Self {
        let file = Arc::clone(file);
        Self::Verifying {
            check: tokio::task::spawn_blocking(move || file.verify()),
            response: Some(response),
        }
    }
}

/// The future of [`StaticFiles`](crate::StaticFiles). Ready at once, except for files that are not in memory.
pub struct FilesFuture(Option<FileReply>);

impl FilesFuture {
    pub(crate) fn new(reply: FileReply) -> Self {
        Self(Some(reply))
    }
}

impl Future for FilesFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let checked = match &mut self.0 {
            Some(FileReply::Verifying { check, .. }) => ready!(Pin::new(check).poll(cx)),
            _ => Ok(Ok(())),
        };
        let response = match self.0.take() {
            Some(
                FileReply::Ready(response)
                | FileReply::Verifying {
                    response: Some(response),
                    ..
                },
            ) => response,
            // Polled after completion.
            _ => Reply::status(StatusCode::INTERNAL_SERVER_ERROR).build(),
        };
        Poll::Ready(Ok(match checked {
            Ok(Ok(())) => response,
            Ok(Err(error)) => stale(&error),
            Err(error) => stale(&io::Error::other(error)),
        }))
    }
}

impl fmt::Debug for FilesFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilesFuture").finish_non_exhaustive()
    }
}

fn stale(error: &io::Error) -> Response<Body> {
    tracing::warn!(%error, "file changed since its release was read");
    Reply::text(
        StatusCode::SERVICE_UNAVAILABLE,
        "503 Service Unavailable: the file is being replaced\n",
    )
    .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    .build()
}

/// Returns a 416 for a range past the end of `length` bytes (RFC 9110, section 15.5.17).
pub(crate) fn range_not_satisfiable(length: u64) -> Response<Body> {
    let reply = Reply::status(StatusCode::RANGE_NOT_SATISFIABLE);
    let range = HeaderValue::try_from(format!("bytes */{length}"));
    let reply = match range {
        Ok(range) => reply.header(header::CONTENT_RANGE, range),
        Err(_) => reply,
    };
    reply.build()
}

/// Returns a 308 (RFC 9110, section 15.4.9) to a path on this host. Caches revalidate it each time: the next release
/// may have a page at the old path.
pub(crate) fn redirect(path: &str, query: Option<&str>) -> Response<Body> {
    let mut location = SitePath::encode(path);
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    let Ok(location) = HeaderValue::try_from(location) else {
        return Reply::status(StatusCode::BAD_REQUEST).build();
    };
    Reply::status(StatusCode::PERMANENT_REDIRECT)
        .header(header::CACHE_CONTROL, NO_CACHE)
        .header(header::LOCATION, location)
        .build()
}
