//! `Via`, loop detection, `Max-Forwards`, and methods that are not forwarded.

use super::*;
use crate::support::http::request;

#[test]
fn via_is_appended_both_ways() {
    let upstream = Upstream::responding(
        "HTTP/1.0 200 OK\r\nVia: 1.1 cache\r\nVia: 1.0 other (x)\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxied = TestProxy::new(&upstream);
    let answer = proxied.get("/", &[("Via", "1.0 fred, 1.1 p.example")]);
    let way = upstream.only_request();
    let name = way.field("via").rsplit(' ').next().unwrap();
    assert!(name.starts_with("tidings-"), "{name}");
    assert_eq!(
        way.field("via"),
        format!("1.0 fred, 1.1 p.example, 1.1 {name}")
    );
    let expected = format!("1.1 cache, 1.0 other (x), 1.0 {name}");
    assert_eq!(answer.field("via"), expected);
    let answer = proxied.send("GET / HTTP/1.0\r\n\r\n").response().unwrap();
    assert_eq!(answer.text(), "ok");
    let received = upstream.requests().pop().unwrap();
    assert_eq!(received.field("via"), format!("1.0 {name}"));
}

#[test]
fn via_with_own_name_returns_508() {
    // An upstream that forwards requests back to the proxy.
    let back = std::sync::Arc::new(std::sync::OnceLock::<SocketAddr>::new());
    let address = std::sync::Arc::clone(&back);
    let upstream = Upstream::new(move |connection| {
        loop {
            let received = connection.request()?;
            let via = received.field("via");
            let answer = http::get(*address.get().unwrap(), "/", &[("Via", via)]);
            let text = format!("{} {}", answer.status, answer.text());
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            ))?;
        }
    });
    let proxied = TestProxy::new(&upstream);
    back.set(proxied.address()).unwrap();
    let answer = proxied.get("/", &[]);
    assert!(answer.text().starts_with("508 508 "), "{answer:?}");
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn via_of_another_instance_is_forwarded() {
    let upstream = Upstream::responding(OK);
    let inner = TestProxy::new(&upstream);
    let outer = TestProxy::with_upstreams(&[&url(inner.address())], |proxy| proxy);
    assert_eq!(outer.get("/", &[]).text(), "ok");
    assert_eq!(upstream.only_request().field("via").split(", ").count(), 2);
}

#[test]
fn max_forwards_zero_or_asterisk_options_are_answered_here() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let send = |target: &str, left: &str| {
        request(
            proxied.address(),
            "OPTIONS",
            target,
            &[("Max-Forwards", left)],
        )
        .unwrap()
    };
    for (target, left) in [("/", "0"), ("*", "9")] {
        let answer = send(target, left);
        assert_eq!((answer.status, answer.text()), (204, ""));
        assert!(answer.field("allow").contains("GET"));
    }
    assert_eq!(upstream.requests().len(), 0);
    for (left, expected) in [("1", "0"), ("10", "9"), ("x", "x"), ("-1", "-1")] {
        assert_eq!(send("/", left).text(), "ok");
        assert_eq!(
            upstream.requests().pop().unwrap().field("max-forwards"),
            expected
        );
    }
}

#[test]
fn trace_and_connect_return_405() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for (method, target) in [
        ("TRACE", "/"),
        ("CONNECT", "127.0.0.1:22"),
        ("CONNECT", "a:1"),
    ] {
        let answer = request(proxied.address(), method, target, &[]).unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.field("allow").starts_with("GET, HEAD"));
    }
    // Methods are case-sensitive.
    assert_eq!(
        request(proxied.address(), "trace", "/", &[])
            .unwrap()
            .text(),
        "ok"
    );
    assert_eq!(upstream.only_request().line, "trace / HTTP/1.1");
}
