//! Entity tags and lists of entity tags (RFC 9110, section 8.8.3).

use http::HeaderMap;
use http::HeaderName;

/// Joins all fields called `name` into one list; `None` if a field is not ASCII.
pub(crate) fn join_fields(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let fields = headers.get_all(name).iter();
    let fields: Option<Vec<&str>> = fields.map(|field| field.to_str().ok()).collect();
    Some(fields?.join(", "))
}

/// Returns true if two entity tags are equal by the weak comparison (RFC 9110, section 8.8.3.2).
pub(crate) fn are_weakly_equal(one: &str, other: &str) -> bool {
    one.trim_start_matches("W/") == other.trim_start_matches("W/")
}

/// Returns true if `text` is one entity tag.
pub(crate) fn is_entity_tag(text: &str) -> bool {
    entity_tags(text).next() == Some(text)
}

/// Iterates over the entity tags of a list, each with its quotes and its `W/`. Stops at the first invalid one.
pub(crate) fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let opening = if rest.starts_with("W/\"") { 3 } else { 1 };
        if opening == 1 && !rest.starts_with('"') {
            return None;
        }
        let end = opening + rest[opening..].find('"')? + 1;
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag)
    })
}
