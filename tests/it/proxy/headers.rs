//! Hop-by-hop header fields are removed; all other fields arrive as they were sent.

use ::http::HeaderName;
use ::http::HeaderValue;

use super::*;

const PER_CONNECTION: [(&str, &str); 12] = [
    ("Connection", "close, X-Mine , ,"),
    ("Connection", "x-yours"),
    ("X-Mine", "1"),
    ("X-Yours", "1"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Proxy-Authentication-Info", "x"),
    ("Upgrade", "x/1"),
    ("Alt-Svc", "h3=\":443\""),
    ("Alt-Used", "site.example"),
];

fn lines(fields: &[(&str, &str)]) -> String {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    lines.collect()
}

#[test]
fn hop_by_hop_headers_are_removed_both_ways() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\nX-Kept: 1\r\n\r\nok",
        lines(&PER_CONNECTION)
    );
    let upstream = Upstream::responding(answer);
    let proxied = TestProxy::new(&upstream);
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}X-Kept: 1\r\n\r\n",
        lines(&PER_CONNECTION)
    );
    let answer = proxied.send(request).response().unwrap();
    assert_eq!(answer.text(), "ok");
    let received = upstream.only_request();
    assert_eq!(received.field("x-kept"), "1");
    assert_eq!(answer.field("x-kept"), "1");
    for (name, _) in PER_CONNECTION {
        assert_eq!(received.field(name), "", "{name}");
        // The client itself requested `close`.
        let expected = if name == "Connection" { "close" } else { "" };
        assert_eq!(answer.field(name), expected, "{name}");
    }
}

#[test]
fn upstream_connection_close_keeps_client_connection_open() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    for number in 1..=3 {
        let answer = client.request("GET", "/", &[]).unwrap();
        assert_eq!(answer.field("connection"), "");
        assert_eq!(upstream.connections(), number);
    }
}

#[test]
fn client_connection_close_keeps_upstream_connection_open() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for _ in 0..3 {
        assert_eq!(proxied.get("/", &[]).text(), "ok");
        let released = || (upstream.requests().last()?.connection == 1).then_some(());
        crate::support::wait_until("a request on the first connection", released);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn request_end_to_end_headers_arrive_unchanged() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let sent = [
        ("Accept", "text/html;q=0.5"),
        ("Accept", "*/*"),
        ("Cookie", "a=1; b=\"2, 3\""),
        ("Authorization", "Bearer x.y"),
        ("X-Words", "one,  two"),
        ("X-Words", ""),
        ("X-Umlaut", "\u{fc}"),
        ("Range", "bytes=0-1"),
        ("If-None-Match", "W/\"a\", \"b\""),
        ("Accept-Encoding", "br, gzip;q=0.5"),
        ("Trailer", "X-Sum"),
        ("User-Agent", "test/1"),
        ("Origin", "http://a"),
        ("Max-Forwards", "7"),
        ("Sec-WebSocket-Key", "x"),
    ];
    let request = format!(
        "GET /a%2Fb/../c?x=%20&y HTTP/1.1\r\nHost: a\r\n{}\r\n",
        lines(&sent)
    );
    proxied.send(request).response().unwrap();
    let received = upstream.only_request();
    assert_eq!(received.line, "GET /a%2Fb/../c?x=%20&y HTTP/1.1");
    for (name, _) in sent {
        let expected = sent.iter().filter(|(other, _)| *other == name);
        let expected: Vec<_> = expected.map(|(_, value)| value.as_bytes()).collect();
        let values = received.headers.get_all(name).iter();
        let values: Vec<_> = values.map(HeaderValue::as_bytes).collect();
        assert_eq!(values, expected, "{name}");
    }
    // Only these fields are added.
    let mut added: Vec<_> = received.headers.keys().map(HeaderName::as_str).collect();
    added.retain(|name| {
        sent.iter()
            .all(|(known, _)| !known.eq_ignore_ascii_case(name))
    });
    added.sort_unstable();
    let expected = "forwarded host via x-forwarded-for x-forwarded-host x-forwarded-proto";
    assert_eq!(added.join(" "), expected);
}

#[test]
fn response_end_to_end_headers_arrive_unchanged() {
    let sent = [
        ("Set-Cookie", "b=2; Path=/"),
        ("Set-Cookie", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Set-Cookie", "b=3; Path=/"),
        ("Server", "app/1"),
        ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Cache-Control", "no-cache"),
        ("Cache-Control", "private"),
        ("ETag", "W/\"x\""),
        ("Location", "http://elsewhere.example/?x#y"),
        ("WWW-Authenticate", "Basic realm=\"x, y\""),
        ("Link", "</a.css>; rel=preload"),
        ("X-Umlaut", "\u{fc}"),
        ("X-Empty", ""),
        ("Vary", "Accept"),
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "x-none"),
        ("Strict-Transport-Security", "max-age=1"),
    ];
    let answer = format!(
        "HTTP/1.1 418 Whatever\r\n{}Content-Length: 2\r\n\r\nok",
        lines(&sent)
    );
    let upstream = Upstream::responding(answer);
    let proxied = TestProxy::new(&upstream);
    let answer = proxied.get("/", &[]);
    assert_eq!((answer.status, answer.text()), (418, "ok"));
    for (name, _) in sent {
        let expected = sent.iter().filter(|(other, _)| *other == name);
        let expected: Vec<_> = expected.map(|(_, value)| value.as_bytes()).collect();
        let values = answer.headers.get_all(name).iter();
        let values: Vec<_> = values.map(HeaderValue::as_bytes).collect();
        assert_eq!(values, expected, "{name}");
    }
}

#[test]
fn unknown_methods_and_statuses_are_forwarded() {
    let upstream = Upstream::responding("HTTP/1.1 599 X\r\nContent-Length: 2\r\n\r\nok");
    let proxied = TestProxy::new(&upstream);
    for method in ["PROPFIND", "PATCH", "X-Y", "QUERY"] {
        let answer = http::request(proxied.address(), method, "/", &[]).unwrap();
        assert_eq!(answer.status, 599);
        let line = upstream.requests().pop().unwrap().line;
        assert_eq!(line, format!("{method} / HTTP/1.1"));
    }
}

#[test]
fn te_trailers_is_forwarded_and_listed_in_connection() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let fields = [
        ("TE", "gzip;q=0.5, trailers"),
        ("Connection", "TE"),
        ("TE", "deflate"),
    ];
    proxied.connect().request("GET", "/", &fields).unwrap();
    let received = upstream.only_request();
    assert_eq!(received.field("te"), "trailers");
    assert!(received.field("connection").eq_ignore_ascii_case("te"));
}
