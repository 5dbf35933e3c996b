use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::fuzz::input::line;
use crate::http::accept_encoding::AcceptEncoding;
use crate::http::coding::Coding;
use crate::http::conditional::Decision;
use crate::http::conditional::Validators;
use crate::notify::page_etag::EtagSuffix;
use crate::notify::page_etag::UnsuffixedTags;
use crate::release::PAGE_SUFFIX;

/// Entity tags: removing a suffix that was added restores the origin's tag; lists are split as in RFC 9110; the outcome
/// of a conditional request equals that of a naive implementation.
///
/// The lines are the `ETag` of an origin, an `If-None-Match`, an `If-Match`, and an `Accept-Encoding`.
///
/// # Panics
///
/// If the property does not hold.
pub fn entity_tags(data: &[u8]) {
    let (tag, rest) = line(data);
    let (none_match, rest) = line(rest);
    let (if_match, rest) = line(rest);
    let (accept_encoding, _) = line(rest);
    let of = |name, value| one(name, value).into_iter().collect();
    let accept_encoding =
        AcceptEncoding::from_headers(&of(header::ACCEPT_ENCODING, accept_encoding));
    for token in ["", "gzip", "br", "deflate", "zstd"] {
        let coding = Coding::from_token(token);
        if coding.is_some() || token.is_empty() {
            revalidate(tag, coding, accept_encoding);
        }
    }
    for unsuffixed in [UnsuffixedTags::Keep, UnsuffixedTags::Drop] {
        remove_from_request(
            of(header::IF_NONE_MATCH, none_match),
            unsuffixed,
            accept_encoding,
        );
    }
    let fields = [
        one(header::IF_NONE_MATCH, none_match),
        one(header::IF_MATCH, if_match),
    ];
    decide(tag, &fields.into_iter().flatten().collect());
}

/// Revalidates a page with the script: the origin gets its own tag.
fn revalidate(tag: &[u8], coding: Option<Coding>, accept_encoding: AcceptEncoding) {
    let suffix = EtagSuffix::new(DIGEST);
    let Ok(own) = HeaderValue::from_bytes(tag) else {
        return;
    };
    let sent = HeaderMap::from_iter([(header::ETAG, own.clone())]);
    let mut page = sent.clone();
    suffix.append(&mut page, coding);
    let Some(suffixed) = page.get(header::ETAG) else {
        assert!(!is_readable_tag(tag), "a tag got lost");
        return;
    };
    assert_ne!(*suffixed, own, "another content has another tag");
    assert!(
        is_tag(suffixed.as_bytes()) || !is_tag(tag),
        "{own:?} became {suffixed:?}"
    );
    for unsuffixed in [UnsuffixedTags::Keep, UnsuffixedTags::Drop] {
        let mut request = HeaderMap::from_iter([(header::IF_NONE_MATCH, suffixed.clone())]);
        let cached = suffix.remove_from_request(&mut request, unsuffixed, accept_encoding);
        let is_taken = coding.is_none_or(|coding| accept_encoding.allows(coding.token()));
        let condition = request.get(header::IF_NONE_MATCH);
        assert_eq!(condition, is_taken.then_some(&own));
        let confirmed = cached.confirmed_by(&sent).map(|known| known.coding);
        assert_eq!(confirmed, is_taken.then_some(coding));
        let mut other = HeaderMap::from_iter([(header::IF_NONE_MATCH, suffixed.clone())]);
        let cached =
            EtagSuffix::new(OTHER).remove_from_request(&mut other, unsuffixed, accept_encoding);
        assert!(other.is_empty() && cached.confirmed_by(&sent).is_none());
    }
}

/// Whatever a client sends, the origin gets no other tags than those, without our suffixes.
fn remove_from_request(
    mut request: HeaderMap,
    unsuffixed: UnsuffixedTags,
    accept_encoding: AcceptEncoding,
) {
    let received = request.get(header::IF_NONE_MATCH).cloned();
    let suffix = EtagSuffix::new(DIGEST);
    suffix.remove_from_request(&mut request, unsuffixed, accept_encoding);
    let (Some(received), Some(left)) = (received, request.get(header::IF_NONE_MATCH)) else {
        return;
    };
    assert!(unsuffixed == UnsuffixedTags::Keep || received.to_str().is_ok());
    let Some(tags) = tags(received.as_bytes()) else {
        return;
    };
    let left_tags = self::tags(left.as_bytes());
    let left_tags = left_tags.expect("a list of tags stays one");
    assert!(left_tags.len() <= tags.len());
    for tag in left_tags {
        let suffixed = [&tag[..tag.len() - 1], SUFFIX].concat();
        let was_suffixed = tags.iter().any(|tag| tag.starts_with(&suffixed));
        assert!(
            was_suffixed
                || unsuffixed == UnsuffixedTags::Keep && tags.contains(&tag)
                || is_static(tag)
        );
    }
}

/// Decides a conditional request for a resource with this tag.
fn decide(tag: &[u8], request: &HeaderMap) {
    let Ok(etag) = HeaderValue::from_bytes(tag) else {
        return;
    };
    let validators = Validators {
        etag: &etag,
        last_modified: None,
    };
    let decision = validators.decide(request);
    let field = |name: HeaderName| request.get(name).map(HeaderValue::as_bytes);
    let listed = [header::IF_MATCH, header::IF_NONE_MATCH].map(field);
    for list in listed.into_iter().flatten() {
        let Some(tags) = tags(list) else { continue };
        let text = std::str::from_utf8(list).unwrap_or("");
        let found = crate::http::etag::entity_tags(text).map(str::as_bytes);
        assert!(text.is_empty() || found.eq(tags), "{text:?}");
    }
    let [Some(if_match), none_match] = listed.map(Some) else {
        return;
    };
    if !is_readable_tag(tag) {
        return;
    }
    let holds = |list: &[u8], is: fn(&[u8], &[u8]) -> bool| match list.trim_ascii() {
        b"*" => Some(true),
        list => Some(tags(list)?.into_iter().any(|other| is(other, tag))),
    };
    let strongly = |one: &[u8], other: &[u8]| one == other && one.starts_with(b"\"");
    let weakly = |one: &[u8], other: &[u8]| opaque(one) == opaque(other);
    let if_match = if_match.map(|list| holds(list, strongly));
    let none_match = none_match.flatten().map(|list| holds(list, weakly));
    let expected = match (if_match, none_match) {
        (Some(None), _) | (_, Some(None)) => return,
        (Some(Some(false)), _) => Decision::PreconditionFailed,
        (_, Some(Some(true))) => Decision::NotModified,
        _ => Decision::Send,
    };
    assert_eq!(decision, expected, "{request:?}");
}

fn one(name: HeaderName, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

/// True for an entity tag (RFC 9110, section 8.8.3).
fn is_tag(tag: &[u8]) -> bool {
    let inside = opaque(tag).strip_prefix(b"\"");
    let inside = inside.and_then(|inside| inside.strip_suffix(b"\""));
    inside.is_some_and(|inside| inside.iter().all(|&b| b == b'!' || b > b'"' && b != 0x7f))
}

/// True for an entity tag in ASCII.
fn is_readable_tag(tag: &[u8]) -> bool {
    is_tag(tag) && tag.is_ascii()
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// A list of ASCII entity tags (RFC 9110, section 5.6.1.2); `None` if it is anything else.
fn tags(list: &[u8]) -> Option<Vec<&[u8]>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_ascii();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let start = rest.len() - opaque(rest).len() + 1;
        let end = start + rest.get(start..)?.iter().position(|&b| b == b'"')? + 1;
        let (tag, after) = rest.split_at(end);
        rest = after.trim_ascii_start();
        if !is_readable_tag(tag) || !(rest.is_empty() || rest.starts_with(b",")) {
            return None;
        }
        tags.push(tag);
    }
    Some(tags)
}

/// True for the tag of a page into which its origin inserted the script.
fn is_static(tag: &[u8]) -> bool {
    tag.ends_with([PAGE_SUFFIX.as_bytes(), b"\""].concat().as_slice())
}

const DIGEST: &str = "0123456789ab";
const OTHER: &str = "0123456789abc";
const SUFFIX: &[u8] = b"-tidings-0123456789ab";
