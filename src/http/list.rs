//! List-based header fields (RFC 9110, section 5.6.1).

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// The non-empty items of a list, over all its fields. Items may hold any bytes; a comma within quotes separates, too.
pub(crate) fn items<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&b| b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

/// True if the list has this item; case-insensitive.
pub(crate) fn contains(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Appends an item, and joins all fields of this name into one: not every upstream reads more than one.
pub(crate) fn append(headers: &mut HeaderMap, name: &HeaderName, item: &str) {
    if !headers.contains_key(name) {
        if let Ok(value) = HeaderValue::from_str(item) {
            headers.insert(name.clone(), value);
        }
        return;
    }
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        all.extend_from_slice(value.as_bytes());
        all.extend_from_slice(b", ");
    }
    all.extend_from_slice(item.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&all) {
        headers.insert(name.clone(), value);
    }
}
