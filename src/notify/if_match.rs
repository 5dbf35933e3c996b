//! Conditions on that something is still what it was (`If-Match`), by the entity tags of pages with the script.

use std::borrow::Cow;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::client::script_tag::TAG_DIGEST_BYTES;
use crate::http::coding::Coding;
use crate::http::etag::entity_tags;
use crate::http::etag::join_fields;
use crate::notify::page_etag::MARK;

/// Takes the marks off the entity tags in an `If-Match` (RFC 9110, section 13.1.1): whoever changes a page that was sent
/// with the script changes the origin's.
///
/// Marks of older releases are taken off as well: what the origin has may be unchanged since. Tags without a mark stay,
/// and so does a field that has none with one.
pub(crate) fn take_off_marks(headers: &mut HeaderMap) {
    let Some(condition) = join_fields(headers, &header::IF_MATCH) else {
        return;
    };
    let tags: Vec<_> = entity_tags(&condition).map(without_mark).collect();
    let has_mark = tags.iter().any(|tag| matches!(tag, Cow::Owned(_)));
    if has_mark && let Ok(condition) = HeaderValue::try_from(tags.join(", ")) {
        headers.insert(header::IF_MATCH, condition);
    }
}

fn without_mark(tag: &str) -> Cow<'_, str> {
    // The last: the origin may have put one on its own.
    match tag.rfind(MARK).map(|at| tag.split_at(at)) {
        Some((own, mark)) if is_mark(mark) => Cow::Owned(format!("{own}\"")),
        _ => Cow::Borrowed(tag),
    }
}

/// True for the end of a tag that is a mark, of whatever release and coding.
fn is_mark(end: &str) -> bool {
    let inside = end.strip_prefix(MARK);
    let Some(inside) = inside.and_then(|inside| inside.strip_suffix('"')) else {
        return false;
    };
    let (distinction, coding) = match inside.split_once('-') {
        Some((distinction, token)) => (distinction, Some(token)),
        None => (inside, None),
    };
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    distinction.len() == 2 * TAG_DIGEST_BYTES
        && distinction.bytes().all(is_hex)
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
        take_off_marks(&mut headers);
        let left = headers.get_all(header::IF_MATCH).iter();
        let left: Vec<_> = left.map(|field| field.to_str().unwrap()).collect();
        assert_eq!(left, expected, "{fields:?}");
    }

    #[test]
    fn marks_come_off_whatever_release_and_coding_they_are_of() {
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
    fn what_has_no_mark_stays_as_it_is() {
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
        take_off_marks(&mut headers);
        assert_eq!(headers[header::IF_MATCH], list);
    }
}
