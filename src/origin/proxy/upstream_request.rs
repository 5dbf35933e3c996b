//! A request that can be sent to any backend, more than once if need be.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::Version;
use http::header;
use http::uri::PathAndQuery;

use crate::http::hop_by_hop;
use crate::origin::proxy::host_header::HostHeader;
use crate::origin::proxy::request_body::RequestBody;
use crate::origin::proxy::upstream::Upstream;

/// A request in the form in which upstreams get it, except for what depends on the upstream and the HTTP version.
pub(crate) struct UpstreamRequest {
    pub(crate) method: Method,
    pub(crate) path_and_query: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RequestBody,
    /// It may wait in the retry queue: a user waits for the response, and a later response serves as well.
    pub(crate) can_wait: bool,
}

impl UpstreamRequest {
    /// The request for this upstream, over this version of HTTP. Its body waits for 100 (Continue) if the client does.
    pub(crate) fn to_http(
        &self,
        upstream: &Upstream,
        host: &HostHeader,
        version: Version,
    ) -> Request<RequestBody> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        *request.version_mut() = version;
        let own = upstream.authority();
        let host = match host {
            HostHeader::Name(name) => Some(name.as_str()),
            HostHeader::Upstream => None,
            HostHeader::Keep => self
                .headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok()),
        };
        let host = host.unwrap_or(own.as_str());
        let headers = request.headers_mut();
        let mut uri = Uri::default().into_parts();
        uri.scheme = Some(upstream.scheme());
        uri.path_and_query = Some(self.path_and_query.clone());
        if version == Version::HTTP_2 {
            headers.remove(header::HOST);
            // It may name `TE`, which HTTP/2 allows; hyper would remove that with it.
            headers.remove(header::CONNECTION);
            uri.authority = Some(host.parse().unwrap_or_else(|_| own.clone()));
        } else {
            if let Ok(host) = host.parse() {
                headers.insert(header::HOST, host);
            }
            if self.body.has_unknown_length() && !headers.contains_key(header::CONTENT_LENGTH) {
                // hyper would omit the body of a GET.
                let chunked = HeaderValue::from_static("chunked");
                headers.insert(header::TRANSFER_ENCODING, chunked);
            }
            uri.authority = Some(own.clone());
        }
        // All three parts are set: this cannot fail.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        if !self.body.is_empty() && hop_by_hop::expects_continue(&self.headers) {
            self.body.wait_for_continue();
            let body = self.body.clone();
            hyper::ext::on_informational(&mut request, move |response| {
                if response.status() == http::StatusCode::CONTINUE {
                    body.proceed();
                }
            });
        }
        request
    }
}
