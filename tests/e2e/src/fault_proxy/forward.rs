//! Forwards a request to another server, and its response back.

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

/// The body of a response.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// Connections to other servers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Upstreams(Client<HttpConnector, Incoming>);

impl Upstreams {
    /// Forwards to the server at `authority` (`HOST:PORT`), with the `Host` of the request.
    pub(crate) async fn forward(
        &self,
        authority: &str,
        mut request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>> {
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
        let mut response = self.0.request(request).await?.map(BodyExt::boxed_unsync);
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
            response.headers_mut().remove(hop);
        }
        Ok(response)
    }
}

impl Default for Upstreams {
    fn default() -> Self {
        // A kept connection to a server that has just been stopped would fail late; a new one is refused at once.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        Self(client)
    }
}

/// A response of the harness itself.
pub(crate) fn text_response(status: StatusCode, text: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(full_body(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

/// A body that is in memory.
pub(crate) fn full_body(bytes: Bytes) -> ResponseBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
