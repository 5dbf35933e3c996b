//! The scripts of the client as responses.

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::build::variants;
use crate::client::scripts;
use crate::http::body::Body;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::http::reply::NOSNIFF;
use crate::release::Asset;
use crate::release::Content;
use crate::release::variant::select_variant;

/// A requested script of the client.
pub(crate) struct Script {
    asset: &'static Asset,
    /// The requested version is the current one.
    is_current: bool,
}

impl Script {
    /// The script with this name: `client-<version>.js`. A cached page of another version of this program requests
    /// another version, and gets this one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let (script, version) = name.strip_suffix(".js")?.split_once('-')?;
        let at = scripts::SCRIPTS
            .iter()
            .position(|(known, _)| *known == script)?;
        let is_version = !version.is_empty() && version.bytes().all(|b| b.is_ascii_alphanumeric());
        is_version.then(|| Self {
            asset: &SCRIPTS[at],
            is_current: version == scripts::version(),
        })
    }

    pub(crate) fn respond(&self, headers: &HeaderMap) -> Response<Body> {
        let (representation, coding) = select_variant(self.asset, headers);
        let mut response = Response::new(Body::empty());
        let response_headers = response.headers_mut();
        response_headers.insert(header::ETAG, representation.etag().clone());
        let cache_control = HeaderValue::from_static(if self.is_current {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        });
        response_headers.insert(header::CACHE_CONTROL, cache_control);
        response_headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response_headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        let validators = Validators {
            etag: representation.etag(),
            last_modified: None,
        };
        if validators.decide(headers) == Decision::NotModified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
        response_headers.insert(header::CONTENT_TYPE, javascript);
        if let Some(coding) = coding {
            response_headers.insert(
                header::CONTENT_ENCODING,
                HeaderValue::from_static(coding.token()),
            );
        }
        match representation.content() {
            Content::Memory(script) => response.map(|_| Body::full(script.clone())),
            Content::File(_) => response,
        }
    }
}

static SCRIPTS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    scripts::SCRIPTS.map(|(_, script)| {
        let script = Asset::from_bytes(Bytes::from_static(script.as_bytes()));
        variants::compress(&script);
        script
    })
});
