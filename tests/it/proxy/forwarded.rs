//! `Forwarded`, `X-Forwarded-*` and `Host` of forwarded requests, and `Location` of their responses.

use tidings::HostHeader;

use super::*;

const WORDS: [(&str, &str); 7] = [
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "site.example"),
    ("X-Forwarded-Port", "443"),
    ("X-Forwarded-Prefix", "/x"),
    ("X-Real-IP", "192.0.2.1"),
    ("Forwarded", "for=192.0.2.1;proto=https"),
];

#[test]
fn forwarded_headers_from_untrusted_client_are_replaced() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    proxied.get("/", &WORDS);
    let received = upstream.only_request();
    assert_eq!(
        received.field("forwarded"),
        "for=127.0.0.1;host=tidings.test;proto=http"
    );
    assert_eq!(received.field("x-forwarded-for"), "127.0.0.1");
    assert_eq!(received.field("x-forwarded-proto"), "http");
    assert_eq!(received.field("x-forwarded-host"), "tidings.test");
    for name in ["x-forwarded-port", "x-forwarded-prefix", "x-real-ip"] {
        assert_eq!(received.field(name), "", "{name}");
    }
}

#[test]
fn forwarded_headers_from_trusted_proxy_are_kept_and_extended() {
    for network in ["loopback", "127.0.0.1", "127.0.0.0/8", "private"] {
        let upstream = Upstream::responding(OK);
        let proxied = TestProxy::with(&upstream, |proxy| proxy.trusted_proxy(network).unwrap());
        proxied.get("/", &WORDS);
        let received = upstream.only_request();
        assert_eq!(
            received.field("forwarded"),
            "for=192.0.2.1;proto=https, for=127.0.0.1;host=tidings.test;proto=https"
        );
        assert_eq!(received.field("x-forwarded-for"), "192.0.2.1, 127.0.0.1");
        assert_eq!(received.field("x-forwarded-proto"), "https");
        assert_eq!(received.field("x-forwarded-host"), "site.example");
        assert_eq!(received.field("x-forwarded-port"), "443");
        assert_eq!(received.field("x-forwarded-prefix"), "/x");
        assert_eq!(received.field("x-real-ip"), "192.0.2.1");
    }
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::with(&upstream, |proxy| {
        proxy.trusted_proxy("10.0.0.0/8").unwrap()
    });
    proxied.get("/", &WORDS);
    assert_eq!(
        upstream.only_request().field("x-forwarded-for"),
        "127.0.0.1"
    );
}

#[test]
fn forwarded_ipv6_client_is_bracketed_and_quoted() {
    let upstream = Upstream::responding(OK);
    let proxy = Proxy::new([url(upstream.address()).parse().unwrap()]).unwrap();
    // Not every machine has IPv6.
    let Some(running) = TestServer::at("[::1]:0", proxy, |server| server) else {
        return;
    };
    assert_eq!(http::get(running.address(), "/", &[]).text(), "ok");
    let received = upstream.only_request();
    assert_eq!(received.field("x-forwarded-for"), "::1");
    let forwarded = received.field("forwarded");
    assert!(forwarded.starts_with("for=\"[::1]\";"), "{forwarded}");
}

#[test]
fn host_header_option_sets_the_upstream_host() {
    let upstream = Upstream::responding(OK);
    let address = upstream.address().to_string();
    for (host, expected) in [
        ("keep", "tidings.test"),
        ("upstream", &*address),
        ("app.example:8080", "app.example:8080"),
    ] {
        let host: HostHeader = host.parse().unwrap();
        let proxied = TestProxy::with(&upstream, |proxy| proxy.host(host));
        proxied.get("/", &[]);
        let received = upstream.requests().pop().unwrap();
        assert_eq!(received.field("host"), expected);
        // The forwarded host is that of the client's request.
        assert_eq!(received.field("x-forwarded-host"), "tidings.test");
        assert!(received.field("forwarded").contains("host=tidings.test"));
    }
}

#[test]
fn absolute_form_target_overrides_host_and_becomes_origin_form() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for (target, line, host) in [
        ("http://b.example/x?y", "GET /x?y HTTP/1.1", "b.example"),
        (
            "https://b.example:8443/",
            "GET / HTTP/1.1",
            "b.example:8443",
        ),
        ("http://b.example", "GET / HTTP/1.1", "b.example"),
        ("http://b.example?y", "GET /?y HTTP/1.1", "b.example"),
        ("http://u:p@b.example/", "GET / HTTP/1.1", "b.example"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        assert_eq!(proxied.send(request).response().unwrap().text(), "ok");
        let received = upstream.requests().pop().unwrap();
        assert_eq!(received.line, line);
        assert_eq!(received.field("host"), host, "{target}");
        assert_eq!(received.field("x-forwarded-host"), host);
    }
}

#[test]
fn request_target_not_a_path_returns_400() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for line in ["GET *", "GET x", "GET x:80", "GET ?x", "GET", "POST *"] {
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let answer = proxied.send(request).response().unwrap();
        assert_eq!(answer.status, 400, "{line}");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn http_1_0_without_host_uses_the_upstream_authority() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.response().unwrap().text(), "ok");
    assert!(client.is_closed());
    let received = upstream.only_request();
    assert_eq!(received.line, "GET / HTTP/1.1");
    assert_eq!(received.field("host"), upstream.address().to_string());
    assert_eq!(received.field("x-forwarded-host"), "");
    assert_eq!(received.field("forwarded"), "for=127.0.0.1;proto=http");
    // HTTP/1.1 requires a Host.
    assert_eq!(
        proxied
            .send("GET / HTTP/1.1\r\n\r\n")
            .response()
            .unwrap()
            .status,
        400
    );
    let two = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    assert_eq!(proxied.send(two).response().unwrap().status, 400);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn location_with_upstream_host_becomes_relative() {
    for (host, location, expected) in [
        ("keep", "http://app.example/x", "http://app.example/x"),
        ("app.example", "http://app.example/x?y#z", "/x?y#z"),
        ("app.example", "http://app.example", "/"),
        (
            "app.example",
            "http://app.example//evil.example/",
            "/evil.example/",
        ),
        (
            "app.example",
            "http://other.example/x",
            "http://other.example/x",
        ),
        ("app.example", "/x", "/x"),
        ("app.example", "x", "x"),
    ] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let upstream = Upstream::responding(answer);
        let host: HostHeader = host.parse().unwrap();
        let proxied = TestProxy::with(&upstream, |proxy| proxy.host(host));
        assert_eq!(proxied.get("/", &[]).field("location"), expected);
    }
}
