//! The content coding in which a page is sent.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::http::accept_encoding::AcceptEncoding;
use crate::http::coding::Coding;
use crate::http::coding::content_encoding::ContentEncoding;

/// Which coding pages are sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PageCoding {
    /// The coding in which they were received.
    #[default]
    AsReceived,
    /// The coding that the client prefers.
    Compressed,
}

/// Selects the coding of pages, and logs each unsupported coding once. `Clone` is cheap, and clones share the list of
/// logged codings.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecodingPolicy {
    outgoing: PageCoding,
    logged: Arc<Mutex<HashSet<String>>>,
}

/// How the coding of a page changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recoding {
    pub(crate) decode: Option<Coding>,
    pub(crate) encode: Option<Coding>,
    /// True if the coding depends on the `Accept-Encoding` of the client.
    is_negotiated: bool,
}

impl RecodingPolicy {
    pub(crate) fn new(outgoing: PageCoding) -> Self {
        Self {
            outgoing,
            logged: Arc::default(),
        }
    }

    pub(crate) fn compresses(&self) -> bool {
        self.outgoing == PageCoding::Compressed
    }

    /// Returns the recoding of a page with these headers; `None` if its coding is unknown or one of several, and the
    /// page must be sent unchanged.
    ///
    /// A page is never encoded in a coding that the client does not accept.
    pub(crate) fn recoding(
        &self,
        page: &HeaderMap,
        accept_encoding: AcceptEncoding,
    ) -> Option<Recoding> {
        let decode = match ContentEncoding::from_headers(page) {
            ContentEncoding::Identity => None,
            ContentEncoding::Known(coding) => Some(coding),
            ContentEncoding::Unsupported(name) => {
                self.log_unsupported(&name);
                return None;
            }
        };
        let as_received = decode.filter(|coding| accept_encoding.allows(coding.token()));
        let encode = match self.outgoing {
            PageCoding::AsReceived => as_received,
            PageCoding::Compressed if decode.is_none() && is_small(page) => None,
            PageCoding::Compressed => {
                let offered = Coding::STREAMED
                    .iter()
                    .map(|coding| (coding.token(), *coding));
                accept_encoding.choose(offered).or(as_received)
            }
        };
        Some(Recoding {
            decode,
            encode,
            is_negotiated: self.compresses() || decode.is_some(),
        })
    }

    /// Adds `Accept-Encoding` to the `Vary` of a response if its coding depends on it.
    pub(crate) fn add_vary(&self, headers: &mut HeaderMap, coding: Option<Coding>) {
        if self.compresses() || coding.is_some() {
            add_accept_encoding(headers);
        }
    }

    fn log_unsupported(&self, name: &str) {
        let name: String = name.chars().take(MAX_LOGGED_LENGTH).collect();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < MAX_LOGGED && logged.insert(name.clone()) {
            tracing::warn!(
                coding = %name.escape_debug(),
                "unsupported content encoding, pages are sent without the client script"
            );
        }
    }
}

impl Recoding {
    /// Changes the headers of a page to those of its new coding.
    pub(crate) fn update_headers(&self, headers: &mut HeaderMap) {
        match self.encode {
            Some(coding) => {
                let token = HeaderValue::from_static(coding.token());
                headers.insert(header::CONTENT_ENCODING, token);
            }
            None if self.decode.is_some() => _ = headers.remove(header::CONTENT_ENCODING),
            None => {}
        }
        if self.is_negotiated {
            add_accept_encoding(headers);
        }
    }
}

/// Adds `accept-encoding` to `Vary`, unless it is listed already or `Vary` is `*`.
fn add_accept_encoding(headers: &mut HeaderMap) {
    let is_listed = |field: &HeaderValue| {
        let mut names = field.as_bytes().split(|&b| b == b',');
        names.any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding")
        })
    };
    if !headers.get_all(header::VARY).iter().any(is_listed) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Returns true if the `Content-Length` of a page is too small for compression.
fn is_small(page: &HeaderMap) -> bool {
    let length = page.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    length.is_some_and(|length: u64| length < MIN_COMPRESSED_LENGTH)
}

// In bytes. Smaller pages fit into one packet with the script tag and the headers anyway.
const MIN_COMPRESSED_LENGTH: u64 = 1024;

// Hardly more exist, and arbitrary names must not fill the log.
const MAX_LOGGED: usize = 16;

// Names of codings are short.
const MAX_LOGGED_LENGTH: usize = 64;
