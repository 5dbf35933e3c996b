//! The syntax of `Forwarded` (RFC 7239, section 4): reading parameters, and writing nodes and values.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderMap;
use http::header;

/// The values of a parameter in all elements of all `Forwarded` fields, in order and unquoted. Reading a field stops at
/// the first syntax error.
pub(crate) fn parameter_values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let fields = headers.get_all(header::FORWARDED).iter();
    let fields = fields.filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field_values(field, name)).collect()
}

/// The address in a node (RFC 7239, section 6), without its port. `None` for `unknown` and obfuscated identifiers.
pub(crate) fn node_address(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse().ok();
    address.or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip()))
}

/// A node for this address (RFC 7239, section 6): IPv6 is bracketed and quoted, anything that is not an address becomes
/// `unknown`.
pub(crate) fn format_node(address: &[u8]) -> String {
    let address = std::str::from_utf8(address).ok();
    match address.and_then(|address| address.parse().ok()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("\"[{address}]\""),
        None => "unknown".to_owned(),
    }
}

/// A value as it is if it is a token, else as a quoted string (RFC 9110, section 5.6).
pub(crate) fn format_value(value: &str) -> String {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !value.is_empty() && value.bytes().all(is_token) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// True if every quoted string in this field value is closed.
pub(crate) fn has_balanced_quotes(value: &[u8]) -> bool {
    let mut is_open = false;
    let mut bytes = value.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'"' => is_open = !is_open,
            b'\\' if is_open => _ = bytes.next(),
            _ => {}
        }
    }
    !is_open
}

fn field_values(mut rest: &str, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    while let Some((found, after)) = rest.split_once('=') {
        let Some((value, after)) = split_value(after) else {
            break;
        };
        if found.trim().eq_ignore_ascii_case(name) {
            values.push(value);
        }
        rest = after.trim_start_matches([';', ',', ' ', '\t']);
    }
    values
}

/// A token or an unquoted quoted string, and the text after it. `None` if the quoted string is not closed.
fn split_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn parameter_values_quoted_and_bare_are_read_from_all_elements() {
        let field = "For=\"[2001:db8::1]:80\" ;proto=https, for=unknown;by=\"a,b;\\\"for=x\",for=192.0.2.1:80";
        let headers = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static(field))]);
        let nodes = parameter_values(&headers, "for");
        assert_eq!(nodes, ["[2001:db8::1]:80", "unknown", "192.0.2.1:80"]);
        let addresses: Vec<_> = nodes.iter().map(|node| node_address(node)).collect();
        let expected = ["2001:db8::1", "", "192.0.2.1"].map(|address| address.parse().ok());
        assert_eq!(addresses, expected);
        assert_eq!(parameter_values(&headers, "proto"), ["https"]);
        assert_eq!(parameter_values(&headers, "host"), [""; 0]);
        let odd = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static("for=\"x"))]);
        assert_eq!(parameter_values(&odd, "for"), [""; 0]);
    }
}
