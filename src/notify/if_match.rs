//! `If-Match` with the entity tags of pages that contain the client script.

use std::borrow::Cow;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::client::script_tag::TAG_DIGEST_BYTES;
use crate::http::coding::Coding;
use crate::http::etag::entity_tags;
use crate::http::etag::join_fields;
use crate::notify::page_etag::SUFFIX_START;

/// Removes our suffixes from the entity tags in `If-Match` (RFC 9110, section 13.1.1), so that the origin can compare
/// them with its own.
///
/// Suffixes of older releases are removed as well, since the page of the origin may not have changed. Tags without a
/// suffix are kept, and a field without any suffix is not changed at all.
pub(crate) fn remove_suffixes(headers: &mut HeaderMap) {
    let Some(condition) = join_fields(headers, &header::IF_MATCH) else {
        return;
    };
    let tags: Vec<_> = entity_tags(&condition).map(without_suffix).collect();
    let has_suffix = tags.iter().any(|tag| matches!(tag, Cow::Owned(_)));
    if has_suffix && let Ok(condition) = HeaderValue::try_from(tags.join(", ")) {
        headers.insert(header::IF_MATCH, condition);
    }
}

fn without_suffix(tag: &str) -> Cow<'_, str> {
    // The last one: the tag of the origin may contain another.
    match tag.rfind(SUFFIX_START).map(|at| tag.split_at(at)) {
        Some((origin_tag, suffix)) if is_suffix(suffix) => Cow::Owned(format!("{origin_tag}\"")),
        _ => Cow::Borrowed(tag),
    }
}

/// Returns true if the end of a tag is a suffix of ours, of any release and coding.
fn is_suffix(end: &str) -> bool {
    let inside = end.strip_prefix(SUFFIX_START);
    let Some(inside) = inside.and_then(|inside| inside.strip_suffix('"')) else {
        return false;
    };
    let (digest, coding) = match inside.split_once('-') {
        Some((digest, token)) => (digest, Some(token)),
        None => (inside, None),
    };
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    digest.len() == 2 * TAG_DIGEST_BYTES
        && digest.bytes().all(is_hex)
        && coding.is_none_or(|token| Coding::from_token(token).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[&'static str], expected: &[&str]) {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::IF_MATCH, HeaderValue::from_static(field));
        }
        remove_suffixes(&mut headers);
        let left = headers.get_all(header::IF_MATCH).iter();
        let left: Vec<_> = left.map(|field| field.to_str().unwrap()).collect();
        assert_eq!(left, expected, "{fields:?}");
    }

    #[test]
    fn if_match_with_suffixes_removes_them() {
        for (condition, expected) in [
            ("\"x-tidings-0123456789ab\"", "\"x\""),
            ("\"x-tidings-ba9876543210\"", "\"x\""),
            ("\"-tidings-0123456789ab\"", "\"\""),
            ("\"x-tidings-0123456789ab-br\"", "\"x\""),
            ("W/\"x-tidings-0123456789ab-gzip\"", "W/\"x\""),
            (
                "\"a,b-tidings-0123456789ab\" ,\"y\",W/\"z-tidings-0123456789ab-deflate\"",
                "\"a,b\", \"y\", W/\"z\"",
            ),
            (
                "\"x-tidings-0123456789ab-br-tidings-ba9876543210\"",
                "\"x-tidings-0123456789ab-br\"",
            ),
        ] {
            check(&[condition], &[expected]);
        }
        let fields = ["\"x-tidings-0123456789ab\"", "\"y\""];
        check(&fields, &["\"x\", \"y\""]);
    }

    #[test]
    fn if_match_without_suffix_is_unchanged() {
        for condition in [
            "\"x\"",
            "*",
            "\"x\" ,\"y\"",
            "nonsense",
            "",
            "\"0123-tidings\"",
            "\"my-tidings-2026\"",
            "\"x-tidings-0123456789AB\"",
            "\"x-tidings-0123456789abc\"",
            "\"x-tidings-0123456789ab-\"",
            "\"x-tidings-0123456789ab-compress\"",
            "x-tidings-0123456789ab",
        ] {
            check(&[condition], &[condition]);
        }
        check(&["\"x\"", "\"y\""], &["\"x\"", "\"y\""]);
        check(&[], &[]);
        let list = HeaderValue::from_bytes(b"\"x-tidings-0123456789ab\", \"\xe9\"").unwrap();
        let mut headers = HeaderMap::from_iter([(header::IF_MATCH, list.clone())]);
        remove_suffixes(&mut headers);
        assert_eq!(headers[header::IF_MATCH], list);
    }
}
