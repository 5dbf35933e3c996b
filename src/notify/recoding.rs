//! The decision in which coding a page goes out.

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

/// In which codings pages go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Outgoing {
    /// In the one that they came in.
    #[default]
    AsTheyCame,
    /// In the one that the client likes best.
    Compressed,
}

/// Decides in which coding pages go out, and tells the operator of each coding that they can't be decoded from, once.
/// `Clone` is cheap, and all clones remember together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recoder {
    outgoing: Outgoing,
    told: Arc<Mutex<HashSet<String>>>,
}

/// What is to be done about the coding of a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) decode: Option<Coding>,
    pub(crate) encode: Option<Coding>,
    /// Another client could get the page in another coding, by our choice.
    is_chosen: bool,
}

impl Recoder {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self {
            outgoing,
            told: Arc::default(),
        }
    }

    pub(crate) fn compresses(&self) -> bool {
        self.outgoing == Outgoing::Compressed
    }

    /// The plan for a page with these fields; `None` if it must pass as it is, for its coding is unknown or one of
    /// several.
    ///
    /// The page never goes out in a coding that the client does not take.
    pub(crate) fn plan(&self, page: &HeaderMap, accept_encoding: AcceptEncoding) -> Option<Plan> {
        let decode = match ContentEncoding::from_headers(page) {
            ContentEncoding::Identity => None,
            ContentEncoding::Known(coding) => Some(coding),
            ContentEncoding::Unsupported(name) => {
                self.tell(&name);
                return None;
            }
        };
        let as_it_came = decode.filter(|coding| accept_encoding.allows(coding.token()));
        let encode = match self.outgoing {
            Outgoing::AsTheyCame => as_it_came,
            Outgoing::Compressed if decode.is_none() && is_small(page) => None,
            Outgoing::Compressed => {
                let offered = Coding::STREAMED
                    .iter()
                    .map(|coding| (coding.token(), *coding));
                accept_encoding.choose(offered).or(as_it_came)
            }
        };
        Some(Plan {
            decode,
            encode,
            is_chosen: self.compresses() || decode.is_some(),
        })
    }

    /// Makes the `Vary` of an answer with a page say that its coding depends on the client, if it is so.
    pub(crate) fn vary(&self, headers: &mut HeaderMap, coding: Option<Coding>) {
        if self.compresses() || coding.is_some() {
            add_accept_encoding(headers);
        }
    }

    fn tell(&self, name: &str) {
        let name: String = name.chars().take(LONGEST_TOLD).collect();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(name.clone()) {
            tracing::warn!(
                coding = %name.escape_debug(),
                "pages in this Content-Encoding pass without the script, and will not hear of releases"
            );
        }
    }
}

impl Plan {
    /// Makes the fields of a page those of the page in its new coding.
    pub(crate) fn describe(&self, headers: &mut HeaderMap) {
        match self.encode {
            Some(coding) => {
                let token = HeaderValue::from_static(coding.token());
                headers.insert(header::CONTENT_ENCODING, token);
            }
            None if self.decode.is_some() => _ = headers.remove(header::CONTENT_ENCODING),
            None => {}
        }
        if self.is_chosen {
            add_accept_encoding(headers);
        }
    }
}

/// Where it is said already, or `Vary` is a star, nothing is added.
fn add_accept_encoding(headers: &mut HeaderMap) {
    let says_so = |field: &HeaderValue| {
        let mut names = field.as_bytes().split(|&b| b == b',');
        names.any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding")
        })
    };
    if !headers.get_all(header::VARY).iter().any(says_so) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// True if a page says that it is small.
fn is_small(page: &HeaderMap) -> bool {
    let length = page.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    length.is_some_and(|length: u64| length < WORTHWHILE)
}

// With the tag and the fields it fits into one packet all the same.
const WORTHWHILE: u64 = 1024;

// There are hardly more, and a log is not to fill with them.
const MOST_TOLD: usize = 16;

// Codings have short names; what is longer is no coding.
const LONGEST_TOLD: usize = 64;
