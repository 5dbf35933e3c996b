//! Handing a request on to another server, and its answer back.

use anyhow::Context;
use anyhow::Result;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The body of an answer.
pub(crate) type Answer = UnsyncBoxBody<Bytes, hyper::Error>;

/// Connections to other servers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Upstreams(Client<HttpConnector, Incoming>);

impl Upstreams {
    /// Asks the server at `authority` (`HOST:PORT`). It sees the `Host` of the request.
    pub(crate) async fn ask(
        &self,
        authority: &str,
        mut request: Request<Incoming>,
    ) -> Result<Response<Answer>> {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        *request.uri_mut() = Uri::builder()
            .scheme("http")
            .authority(authority)
            .path_and_query(path)
            .build()
            .context("a request's target")?;
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
            request.headers_mut().remove(hop);
        }
        request.headers_mut().remove("proxy-connection");
        let mut answer = self.0.request(request).await?.map(BodyExt::boxed_unsync);
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
            answer.headers_mut().remove(hop);
        }
        Ok(answer)
    }
}

impl Default for Upstreams {
    fn default() -> Self {
        // A kept connection to a server that has just been stopped fails; a new one says so at once.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        Self(client)
    }
}

/// An answer of the harness's own.
pub(crate) fn say(status: StatusCode, text: &'static str) -> Response<Answer> {
    let mut answer = Response::new(whole(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}

/// A body that is there already.
pub(crate) fn whole(bytes: Bytes) -> Answer {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
