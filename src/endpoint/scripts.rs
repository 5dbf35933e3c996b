//! The scripts of the client, ready to be sent.

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;

use crate::build::variants;
use crate::client::scripts;
use crate::endpoint::NOSNIFF;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::origin::files::variant::form_of;
use crate::release::Asset;
use crate::release::Content;

/// A part of the client, as somebody asked for it.
pub(crate) struct Script {
    asset: &'static Asset,
    /// What was asked for is what there is.
    is_current: bool,
}

impl Script {
    /// The part with this name: `client-<version>.js`. A page that another version of this program has sent, and that
    /// some cache has kept, asks for another version, and gets this one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (part, version) = name.strip_suffix(".js")?.split_once('-')?;
        let at = scripts::SCRIPTS
            .iter()
            .position(|(known, _)| *known == part)?;
        let is_version = !version.is_empty() && version.bytes().all(|b| b.is_ascii_alphanumeric());
        is_version.then(|| Self {
            asset: &SCRIPTS[at],
            is_current: version == scripts::version(),
        })
    }

    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let (representation, coding) = form_of(self.asset, headers);
        let mut answer = Response::new(Full::default());
        let fields = answer.headers_mut();
        fields.insert(header::ETAG, representation.etag().clone());
        let cache_control = HeaderValue::from_static(if self.is_current {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        });
        fields.insert(header::CACHE_CONTROL, cache_control);
        fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        fields.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        let validators = Validators {
            etag: representation.etag(),
            last_modified: None,
        };
        if validators.decide(headers) == Decision::NotModified {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return answer;
        }
        let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
        fields.insert(header::CONTENT_TYPE, javascript);
        if let Some(coding) = coding {
            fields.insert(
                header::CONTENT_ENCODING,
                HeaderValue::from_static(coding.token()),
            );
        }
        match representation.content() {
            Content::Memory(script) => answer.map(|_| Full::new(script.clone())),
            Content::File(_) => answer,
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
