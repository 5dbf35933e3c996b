use std::fmt;
use std::str::FromStr;

use http::Request;
use http::Uri;

use crate::config::route::Route;
use crate::fuzz::input::text_line;
use crate::http::context::RequestContext;
use crate::http::networks::parse_networks;
use crate::origin::HostHeader;
use crate::origin::Upstream;
use crate::source::Fingerprint;

/// Addresses in settings (upstreams, routes, networks and others): what `Display` writes parses to the same value; a route
/// removes its own path from a request target, and leaves a path.
///
/// The first line is a request target; each other line is parsed as each kind of address.
///
/// # Panics
///
/// If the property does not hold.
pub fn addresses(data: &[u8]) {
    let (target, mut rest) = text_line(data);
    while !rest.is_empty() {
        let (text, after) = text_line(rest);
        rest = after;
        write_and_read::<Upstream>(text);
        write_and_read::<Fingerprint>(text);
        write_and_read::<HostHeader>(text);
        for network in parse_networks(text).into_iter().flatten() {
            assert_eq!(
                parse_networks(&network.to_string()).ok(),
                Some(vec![network])
            );
        }
        if let Ok(route) = text.parse::<Route>() {
            rewrite(&route, target);
        }
    }
}

fn write_and_read<T>(text: &str)
where
    T: FromStr + fmt::Display + fmt::Debug + PartialEq,
{
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        assert_eq!(written.parse().ok(), Some(value), "{text:?}: {written:?}");
    }
}

fn rewrite(route: &Route, target: &str) {
    assert!(route.path().starts_with('/') && !route.upstreams().is_empty());
    let Ok(uri) = target.parse::<Uri>() else {
        return;
    };
    if !route.matches(uri.path()) {
        return;
    }
    assert!(uri.path().starts_with(route.path()));
    let mut request = Request::new(());
    *request.uri_mut() = uri.clone();
    route.rewrite(&mut request);
    let directed = request.uri();
    assert_eq!(directed.authority(), uri.authority());
    assert_eq!(directed.query(), uri.query());
    let context = RequestContext::get(request.extensions());
    let Some(prefix) = context.and_then(|context| context.removed_prefix.as_ref()) else {
        assert_eq!(*directed, uri);
        return;
    };
    let path = directed.path();
    assert!(path.starts_with('/') && !path.starts_with("//"), "{path:?}");
    assert_eq!(prefix, route.path().trim_end_matches('/'));
    assert!(
        uri.path()
            .trim_end_matches('/')
            .ends_with(path.trim_matches('/'))
    );
}
