//! `Via` (RFC 9110, section 7.6.3): the proxies that a message has passed, and the detection of loops.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use http::HeaderMap;
use http::HeaderValue;
use http::Version;
use http::header;

use crate::http::list;

/// The entry of one proxy in `Via`, under a pseudonym that no other proxy has.
#[derive(Debug, Clone)]
pub(crate) struct Via {
    pseudonym: String,
    /// The entry for a message received over HTTP/1.1, which nearly all are.
    http11: HeaderValue,
}

impl Via {
    /// A new random pseudonym.
    pub(crate) fn new() -> Self {
        // Each `RandomState` has different keys, so two tidings in a row are not taken for a loop.
        let number = RandomState::new().hash_one(0);
        let pseudonym = format!("tidings-{:010x}", number & 0xff_ffff_ffff);
        let http11 = HeaderValue::try_from(format!("1.1 {pseudonym}"));
        Self {
            pseudonym,
            // Letters and digits: the conversion cannot fail.
            http11: http11.unwrap_or_else(|_| HeaderValue::from_static("1.1 tidings")),
        }
    }

    /// True if this proxy already forwarded the message: its upstream points back to it.
    pub(crate) fn is_loop(&self, headers: &HeaderMap) -> bool {
        let is_own = |entry: &[u8]| {
            let words = entry.split(u8::is_ascii_whitespace);
            let mut words = words.filter(|word| !word.is_empty());
            words.nth(1) == Some(self.pseudonym.as_bytes())
        };
        list::items(headers, &header::VIA).any(is_own)
    }

    /// Appends the entry of this proxy, with the HTTP version by which the message was received.
    pub(crate) fn append_to(&self, headers: &mut HeaderMap, received: Version) {
        if received == Version::HTTP_11 && !headers.contains_key(header::VIA) {
            headers.insert(header::VIA, self.http11.clone());
            return;
        }
        let version = match received {
            Version::HTTP_2 => "2.0",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        let entry = format!("{version} {}", self.pseudonym);
        list::append(headers, &header::VIA, &entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_loop_true_only_for_own_pseudonym() {
        let (via, other) = (Via::new(), Via::new());
        let mut headers = HeaderMap::new();
        via.append_to(&mut headers, Version::HTTP_2);
        assert!(via.is_loop(&headers));
        assert!(!other.is_loop(&headers));
        other.append_to(&mut headers, Version::HTTP_11);
        assert!(via.is_loop(&headers) && other.is_loop(&headers));
        assert_eq!(headers.get_all(header::VIA).iter().count(), 1);
        headers.insert(header::VIA, HeaderValue::from_bytes(b"1.1 \xe9").unwrap());
        via.append_to(&mut headers, Version::HTTP_11);
        assert!(via.is_loop(&headers));
    }
}
