//! Entity tags of pages that contain the client script.
//!
//! A page with the script is another representation than that of the origin, and it changes with the release even if
//! the page of the origin does not. Its entity tag is that of the origin with a suffix for the release and the script,
//! followed by the coding if the page was encoded here. The suffix is removed from the requests to the origin.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::client::script_tag_builder::ScriptTagBuilder;
use crate::http::accept_encoding::AcceptEncoding;
use crate::http::coding::Coding;
use crate::http::etag::are_weakly_equal;
use crate::http::etag::entity_tags;
use crate::http::etag::is_entity_tag;
use crate::http::etag::join_fields;
use crate::release::PAGE_SUFFIX;
use crate::site::observer::PageRelease;

/// The suffix of one release: `-tidings-` and a digest of the script tag of its pages.
#[derive(Debug, Clone)]
pub(crate) struct EtagSuffix(Arc<str>);

impl EtagSuffix {
    /// Creates a suffix from a digest in letters, digits and dashes.
    pub(crate) fn new(digest: &str) -> Self {
        Self(format!("{SUFFIX_START}{digest}").into())
    }

    /// Appends the suffix to the entity tag of a response, with the coding in which the page is encoded here.
    pub(crate) fn append(&self, headers: &mut HeaderMap, coding: Option<Coding>) {
        let Some(tag) = headers.get(header::ETAG) else {
            return;
        };
        let tag = tag.to_str().ok().filter(|tag| is_entity_tag(tag));
        let suffixed = tag.and_then(|tag| tag.strip_suffix('"')).and_then(|tag| {
            let (dash, token) = coding.map_or(("", ""), |coding| ("-", coding.token()));
            HeaderValue::try_from(format!("{tag}{}{dash}{token}\"", self.0)).ok()
        });
        match suffixed {
            Some(suffixed) => _ = headers.insert(header::ETAG, suffixed),
            // An invalid entity tag (RFC 9110, section 8.8.3), or one not in ASCII, cannot be extended.
            None => _ = headers.remove(header::ETAG),
        }
    }

    /// Removes the suffix from the entity tags in `If-None-Match`, so that the origin can compare them with its
    /// own. Returns the variants that had this suffix: a 304 confirms one of them.
    ///
    /// A tag with another suffix belongs to an older page and is removed, and so is one of a coding that the client no
    /// longer accepts. A tag without a suffix is that of the origin: see [`UnsuffixedTags`]. If no tag remains, the
    /// condition is removed.
    pub(crate) fn remove_from_request(
        &self,
        headers: &mut HeaderMap,
        unsuffixed: UnsuffixedTags,
        accept_encoding: AcceptEncoding,
    ) -> CachedVariants {
        let mut cached = CachedVariants::default();
        let Some(condition) = join_fields(headers, &header::IF_NONE_MATCH) else {
            // Ours are ASCII, but the list may also contain a tag without a suffix.
            if unsuffixed == UnsuffixedTags::Drop {
                headers.remove(header::IF_NONE_MATCH);
            }
            return cached;
        };
        if unsuffixed == UnsuffixedTags::Keep && !condition.contains(SUFFIX_START) {
            return cached;
        }
        let tags = entity_tags(&condition).filter_map(|tag| {
            // The last one: the tag of the origin may contain another.
            let Some((origin_tag, suffix)) = tag.rfind(SUFFIX_START).map(|at| tag.split_at(at))
            else {
                let stays = unsuffixed == UnsuffixedTags::Keep || is_of_static_page(tag);
                return stays.then(|| tag.to_owned());
            };
            let variant = self.parse_variant(origin_tag, suffix)?;
            let allows = |coding: Coding| accept_encoding.allows(coding.token());
            if !variant.coding.is_none_or(allows) {
                return None;
            }
            let tag = variant.tag.clone();
            cached.0.push(variant);
            Some(tag)
        });
        let tags: Vec<_> = tags.collect();
        // `*`, or an invalid list, is left to the origin.
        if tags.is_empty() && entity_tags(&condition).next().is_none() {
            return cached;
        }
        headers.remove(header::IF_NONE_MATCH);
        if let Ok(condition) = HeaderValue::try_from(tags.join(", "))
            && !tags.is_empty()
        {
            headers.insert(header::IF_NONE_MATCH, condition);
        }
        cached
    }

    /// Parses an entity tag that was split before its suffix; `None` if that is another suffix.
    fn parse_variant(&self, origin_tag: &str, suffix: &str) -> Option<CachedVariant> {
        let rest = suffix.strip_prefix(&*self.0)?.strip_suffix('"')?;
        let coding = match rest.strip_prefix('-') {
            Some(token) => Some(Coding::from_token(token)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(CachedVariant {
            tag: format!("{origin_tag}\""),
            coding,
        })
    }
}

/// The variants of a page that a client has cached and that are still valid.
#[derive(Debug, Default)]
pub(crate) struct CachedVariants(Vec<CachedVariant>);

/// One cached variant of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CachedVariant {
    /// The entity tag of the origin.
    tag: String,
    /// The coding in which it was sent, if it was encoded here.
    pub(crate) coding: Option<Coding>,
}

impl CachedVariants {
    /// Returns the variant that a 304 with these headers confirms; `None` if it confirms something else.
    pub(crate) fn confirmed_by(&self, headers: &HeaderMap) -> Option<&CachedVariant> {
        let tag = headers.get(header::ETAG);
        let tag = tag.map(|tag| tag.to_str().unwrap_or(""));
        let mut all = self.0.iter();
        all.find(|variant| tag.is_none_or(|tag| are_weakly_equal(&variant.tag, tag)))
    }
}

/// A cache of the suffix of the current release. `Clone` is cheap, and clones share the cache.
#[derive(Debug, Clone, Default)]
pub(crate) struct EtagSuffixes(Arc<Mutex<Option<SuffixOfRelease>>>);

/// A suffix and the release of its pages.
type SuffixOfRelease = (Option<PageRelease>, EtagSuffix);

impl EtagSuffixes {
    /// Returns the suffix for the pages whose script tags come from this builder.
    pub(crate) fn suffix(&self, tag_builder: &ScriptTagBuilder) -> EtagSuffix {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((release, suffix)) = &*last
            && release.as_ref() == tag_builder.release()
        {
            return suffix.clone();
        }
        let suffix = EtagSuffix::new(&tag_builder.tag_digest());
        *last = Some((tag_builder.release().cloned(), suffix.clone()));
        suffix
    }
}

/// How entity tags without a suffix are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnsuffixedTags {
    /// Keep them: they belong to something that is not a page.
    Keep,
    /// Remove them: they belong to a page without the script, fetched as a fragment or before the layer was added. Such
    /// a page must not be confirmed for a navigation.
    Drop,
}

/// Returns true for the tag of a page of [`StaticFiles`](crate::StaticFiles), which contains the script already.
fn is_of_static_page(tag: &str) -> bool {
    tag.trim_end_matches('"').ends_with(PAGE_SUFFIX)
}

// The start of every suffix.
pub(crate) const SUFFIX_START: &str = "-tidings-";

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(token: &str) -> Option<Coding> {
        Coding::from_token(token)
    }

    fn append(tag: &'static str, coding: Option<Coding>) -> Option<String> {
        let mut headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static(tag))]);
        EtagSuffix::new("r1").append(&mut headers, coding);
        Some(headers.get(header::ETAG)?.to_str().unwrap().to_owned())
    }

    /// Removes the suffix from a condition of a client that accepts gzip.
    fn remove_from_request(
        condition: &'static str,
        unsuffixed: UnsuffixedTags,
    ) -> (Option<String>, CachedVariants) {
        let condition = (header::IF_NONE_MATCH, HeaderValue::from_static(condition));
        let gzip = (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut headers = HeaderMap::from_iter([condition, gzip]);
        let accept_encoding = AcceptEncoding::from_headers(&headers);
        let cached =
            EtagSuffix::new("r1").remove_from_request(&mut headers, unsuffixed, accept_encoding);
        let condition = headers.get(header::IF_NONE_MATCH);
        let condition = condition.map(|condition| condition.to_str().unwrap().to_owned());
        (condition, cached)
    }

    #[track_caller]
    fn check(
        unsuffixed: UnsuffixedTags,
        condition: &'static str,
        expected: Option<&str>,
        variant: &[(&str, &str)],
    ) {
        let (left, cached) = remove_from_request(condition, unsuffixed);
        assert_eq!(left.as_deref(), expected, "{condition}");
        let variant = variant.iter();
        let variant = variant.map(|(tag, token)| CachedVariant {
            tag: (*tag).to_owned(),
            coding: coding(token),
        });
        assert_eq!(cached.0, variant.collect::<Vec<_>>(), "{condition}");
    }

    #[test]
    fn append_valid_tag_adds_suffix() {
        assert_eq!(append("\"x\"", None).unwrap(), "\"x-tidings-r1\"");
        assert_eq!(append("W/\"x\"", None).unwrap(), "W/\"x-tidings-r1\"");
        assert_eq!(append("\"\"", None).unwrap(), "\"-tidings-r1\"");
        assert_eq!(
            append("\"x-tidings-r0\"", None).unwrap(),
            "\"x-tidings-r0-tidings-r1\""
        );
        for none in ["x", "x\"", "\"", "W/\"", "\"x\", \"y\"", "w/\"x\""] {
            assert_eq!(append(none, None), None, "{none}");
        }
    }

    #[test]
    fn etag_not_ascii_is_removed() {
        let tag = HeaderValue::from_bytes(b"\"\xe9\"").unwrap();
        let mut headers = HeaderMap::from_iter([(header::ETAG, tag)]);
        EtagSuffix::new("r1").append(&mut headers, None);
        assert!(headers.is_empty());
        for (unsuffixed, is_left) in [(UnsuffixedTags::Keep, true), (UnsuffixedTags::Drop, false)] {
            let list = HeaderValue::from_bytes(b"\"x\", \"\xe9\"").unwrap();
            let mut headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, list)]);
            EtagSuffix::new("r1").remove_from_request(
                &mut headers,
                unsuffixed,
                AcceptEncoding::default(),
            );
            assert_eq!(!headers.is_empty(), is_left);
        }
    }

    #[test]
    fn append_with_coding_adds_its_token() {
        for (token, expected) in [
            ("gzip", "\"x-tidings-r1-gzip\""),
            ("br", "\"x-tidings-r1-br\""),
            ("deflate", "\"x-tidings-r1-deflate\""),
        ] {
            assert_eq!(append("\"x\"", coding(token)).unwrap(), expected);
        }
        let weak = append("W/\"x-gzip\"", coding("gzip")).unwrap();
        assert_eq!(weak, "W/\"x-gzip-tidings-r1-gzip\"");
    }

    #[test]
    fn remove_current_suffix_restores_origin_tag() {
        for (condition, expected, variant) in [
            ("\"x-tidings-r1\"", Some("\"x\""), &[("\"x\"", "")][..]),
            ("W/\"x-tidings-r1\"", Some("W/\"x\""), &[("W/\"x\"", "")]),
            (
                "\"a,b-tidings-r1\" ,\"y\"",
                Some("\"a,b\", \"y\""),
                &[("\"a,b\"", "")],
            ),
            ("\"x-tidings-r1-gzip\"", Some("\"x\""), &[("\"x\"", "gzip")]),
            (
                "W/\"x-tidings-r1-gzip\", \"y\", \"z-tidings-r1\"",
                Some("W/\"x\", \"y\", \"z\""),
                &[("W/\"x\"", "gzip"), ("\"z\"", "")],
            ),
            (
                "\"x-tidings-r0-br-tidings-r1\"",
                Some("\"x-tidings-r0-br\""),
                &[("\"x-tidings-r0-br\"", "")],
            ),
            ("\"x-tidings-r0\"", None, &[]),
            ("\"x-tidings-r0-gzip\"", None, &[]),
            ("\"x-tidings-r11\"", None, &[]),
            ("\"x-tidings-r1-\"", None, &[]),
            ("\"x-tidings-r1-compress\"", None, &[]),
            ("\"x-tidings-r0\", W/\"y\"", Some("W/\"y\""), &[]),
            ("\"y\"", Some("\"y\""), &[]),
            ("*", Some("*"), &[]),
            ("nonsense", Some("nonsense"), &[]),
        ] {
            check(UnsuffixedTags::Keep, condition, expected, variant);
        }
    }

    #[test]
    fn remove_unaccepted_coding_drops_tag() {
        check(UnsuffixedTags::Keep, "\"x-tidings-r1-br\"", None, &[]);
        let condition = "\"x-tidings-r1-br\", \"x-tidings-r1-gzip\"";
        check(
            UnsuffixedTags::Keep,
            condition,
            Some("\"x\""),
            &[("\"x\"", "gzip")],
        );
    }

    #[test]
    fn remove_unsuffixed_tag_with_drop_removes_it() {
        for (condition, expected, variant) in [
            ("\"x\"", None, &[][..]),
            ("\"y\", \"x-tidings-r1\"", Some("\"x\""), &[("\"x\"", "")]),
            ("\"x-tidings\"", Some("\"x-tidings\""), &[]),
            ("*", Some("*"), &[]),
        ] {
            check(UnsuffixedTags::Drop, condition, expected, variant);
        }
    }

    #[test]
    fn confirmed_by_304_returns_variant_with_its_tag() {
        let condition = "\"x-tidings-r1\", W/\"y-tidings-r1-gzip\", \"z\"";
        let (_, cached) = remove_from_request(condition, UnsuffixedTags::Keep);
        for (tag, expected) in [
            (Some("\"x\""), Some("")),
            (Some("W/\"x\""), Some("")),
            (Some("\"y\""), Some("gzip")),
            (Some("\"z\""), None),
            (None, Some("")),
        ] {
            let tag = tag.map(|tag| (header::ETAG, HeaderValue::from_static(tag)));
            let headers = tag.clone().into_iter().collect();
            let confirmed = cached.confirmed_by(&headers);
            let token = confirmed.map(|variant| variant.coding.map_or("", Coding::token));
            assert_eq!(token, expected, "{tag:?}");
        }
        let nothing = CachedVariants::default();
        assert_eq!(nothing.confirmed_by(&HeaderMap::new()), None);
    }
}
