//! The elements of `Forwarded` (RFC 7239, section 4), as a proxy in front has written them.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderMap;
use http::header;

/// The values of a parameter, of all elements that have it, in their order and without quotes. Stops at what is no
/// `Forwarded`.
pub(crate) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let fields = headers.get_all(header::FORWARDED).iter();
    let fields = fields.filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| of_field(field, name)).collect()
}

/// The address of a node, if it tells one.
pub(crate) fn address(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse().ok();
    address.or_else(|| Some(node.parse::<SocketAddr>().ok()?.ip()))
}

fn of_field(mut rest: &str, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    while let Some((found, after)) = rest.split_once('=') {
        let Some((value, after)) = value(after) else {
            break;
        };
        if found.trim().eq_ignore_ascii_case(name) {
            values.push(value);
        }
        rest = after.trim_start_matches([';', ',', ' ', '\t']);
    }
    values
}

/// A token or what is in quotes, and what is behind it.
fn value(text: &str) -> Option<(String, &str)> {
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
    fn values_are_found_in_all_elements_with_and_without_quotes() {
        let field = "For=\"[2001:db8::1]:80\" ;proto=https, for=unknown;by=\"a,b;\\\"for=x\",for=192.0.2.1:80";
        let headers = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static(field))]);
        let nodes = values(&headers, "for");
        assert_eq!(nodes, ["[2001:db8::1]:80", "unknown", "192.0.2.1:80"]);
        let addresses: Vec<_> = nodes.iter().map(|node| address(node)).collect();
        let expected = ["2001:db8::1", "", "192.0.2.1"].map(|address| address.parse().ok());
        assert_eq!(addresses, expected);
        assert_eq!(values(&headers, "proto"), ["https"]);
        assert_eq!(values(&headers, "host"), [""; 0]);
        let odd = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_static("for=\"x"))]);
        assert_eq!(values(&odd, "for"), [""; 0]);
    }
}
