//! Replies: the short ones, and those that wait for a look at their file.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use tokio::task::JoinHandle;

use crate::http::path::SitePath;
use crate::origin::files::file_body::FileBody;
use crate::release::OpenFile;

/// An answer that is there, or one that waits for a look at its file.
pub(crate) enum Reply {
    Ready(Response<FileBody>),
    Verifying {
        check: JoinHandle<io::Result<()>>,
        response: Option<Response<FileBody>>,
    },
}

impl Reply {
    /// The file may have been overwritten since: then it is too late for this answer, but not for an honest one.
    pub(crate) fn verify(file: &Arc<OpenFile>, response: Response<FileBody>) -> Self {
        let file = Arc::clone(file);
        Self::Verifying {
            check: tokio::task::spawn_blocking(move || file.verify()),
            response: Some(response),
        }
    }
}

/// The answer of [`StaticFiles`](crate::StaticFiles) on its way: there at once, but for files that are kept on disk.
pub struct FilesFuture(Option<Reply>);

impl FilesFuture {
    pub(crate) fn new(reply: Reply) -> Self {
        Self(Some(reply))
    }
}

impl Future for FilesFuture {
    type Output = Result<Response<FileBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let checked = match &mut self.0 {
            Some(Reply::Verifying { check, .. }) => ready!(Pin::new(check).poll(cx)),
            _ => Ok(Ok(())),
        };
        let response = match self.0.take() {
            Some(
                Reply::Ready(response)
                | Reply::Verifying {
                    response: Some(response),
                    ..
                },
            ) => response,
            _ => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "polled after it was ready\n",
            ),
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

fn stale(error: &io::Error) -> Response<FileBody> {
    tracing::warn!(%error, "a file can't be sent until its directory has been read again");
    let response = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "503 This file is being replaced\n",
    );
    with(response, header::RETRY_AFTER, HeaderValue::from_static("1"))
}

/// What is not GET or HEAD (RFC 9110, section 15.5.6).
pub(crate) fn method_not_allowed() -> Response<FileBody> {
    let response = plain(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed\n");
    with(
        response,
        header::ALLOW,
        HeaderValue::from_static("GET, HEAD"),
    )
}

/// A range behind the end of `length` bytes (RFC 9110, section 15.5.17).
pub(crate) fn range_not_satisfiable(length: u64) -> Response<FileBody> {
    let response = plain(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "416 Range Not Satisfiable\n",
    );
    match HeaderValue::try_from(format!("bytes */{length}")) {
        Ok(range) => with(response, header::CONTENT_RANGE, range),
        Err(_) => response,
    }
}

/// A 308 (RFC 9110, section 15.4.9) to a path on this host. Not to be kept: the next release may have a page
/// here.
pub(crate) fn redirect(path: &str, query: Option<&str>) -> Response<FileBody> {
    let mut location = SitePath::encode(path);
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    let Ok(location) = HeaderValue::try_from(location) else {
        return plain(StatusCode::BAD_REQUEST, "400 Bad Request\n");
    };
    let response = plain(StatusCode::PERMANENT_REDIRECT, "308 Permanent Redirect\n");
    let response = with(
        response,
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache"),
    );
    with(response, header::LOCATION, location)
}

/// A short text, never to be kept.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<FileBody> {
    let mut response = Response::new(FileBody::text(text));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn with(
    mut response: Response<FileBody>,
    name: HeaderName,
    value: HeaderValue,
) -> Response<FileBody> {
    response.headers_mut().insert(name, value);
    response
}
