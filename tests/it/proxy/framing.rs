//! Framing: client, proxy and upstream agree where a request ends, or the request is rejected (no request smuggling).

use super::*;
use crate::support::http::Framing;

/// Sends `bytes` and returns the status of every response until the connection ends or is silent.
#[track_caller]
fn statuses(proxied: &TestProxy, bytes: impl AsRef<[u8]>) -> Vec<u16> {
    let mut client = proxied.send(bytes);
    let mut all = Vec::new();
    while let Ok(answer) = client.response() {
        all.push(answer.status);
        if answer.field("connection") == "close" {
            break;
        }
        if client.is_silent(SHORT) {
            break;
        }
    }
    all
}

/// Asserts that `request` gets 400 and a closed connection, and that nothing of it reaches the upstream.
#[track_caller]
fn check_rejected(request: impl AsRef<[u8]>) {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send(request);
    let answer = client.response().unwrap();
    assert_eq!(answer.status, 400);
    assert!(client.is_closed());
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(proxied.get("/", &[]).text(), "ok");
}

#[test]
fn content_length_repeated_and_different_returns_400() {
    check_rejected(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    );
    check_rejected("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd");
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let twice = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc";
    let answer = proxied.send(twice).response().unwrap();
    match answer.status {
        200 => {
            let received = upstream.only_request();
            assert_eq!(
                (received.field("content-length"), received.text()),
                ("3", "abc")
            );
        }
        status => assert_eq!((status, upstream.requests().len()), (400, 0)),
    }
}

#[test]
fn content_length_not_a_number_is_rejected() {
    for length in [
        "+3",
        "-3",
        "0x3",
        "3 3",
        "three",
        "",
        "3;",
        "18446744073709551616",
    ] {
        let upstream = Upstream::responding(OK);
        let proxied = TestProxy::new(&upstream);
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nabc");
        let answer = proxied.send(request).response().unwrap();
        assert!(matches!(answer.status, 400 | 431), "{length:?} {answer:?}");
        assert_eq!(upstream.requests().len(), 0, "{length:?}");
    }
}

#[test]
fn length_and_transfer_encoding_reach_upstream_as_one_framing() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for (fields, body) in [
        (
            format!(
                "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
                hidden.len() + 5
            ),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            format!(
                "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
                hidden.len() + 5
            ),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n".to_owned(),
            format!("3\r\nabc\r\n0\r\n\r\n{hidden}"),
        ),
    ] {
        let upstream = Upstream::responding(OK);
        let proxied = TestProxy::new(&upstream);
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
        statuses(&proxied, request);
        let received = upstream.requests();
        assert!(received.len() <= 1, "{fields} {received:?}");
        if let Some(received) = received.first() {
            let lengths = received.headers.get_all("content-length").iter().count();
            let codings = received.headers.get_all("transfer-encoding").iter().count();
            assert_eq!(lengths + codings, 1, "{received:?}");
            assert!(received.line.starts_with("POST "));
        }
    }
}

#[test]
fn transfer_encoding_not_ending_in_chunked_returns_400() {
    for coding in [
        "xchunked",
        "chunked, identity",
        "identity",
        "gzip",
        "chunked, x",
        "\"chunked\"",
        "chunked;q=1",
        "x\r\nTransfer-Encoding: y",
    ] {
        let upstream = Upstream::responding(OK);
        let proxied = TestProxy::new(&upstream);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n\
             3\r\nabc\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let statuses = statuses(&proxied, request);
        assert_eq!(statuses, [400], "{coding}");
        assert_eq!(upstream.requests().len(), 0, "{coding}");
    }
}

#[test]
fn http_1_0_transfer_encoding_returns_400() {
    check_rejected("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
}

#[test]
fn ambiguous_request_and_header_lines_return_400() {
    for field in [
        "X-Folded: one\r\n two",
        "X-Folded: one\r\n\ttwo",
        "Content-Length : 3",
        "X-Space : 1",
        " X-Indented: 1",
        "X-Null: a\0b",
        "X-Return: a\rb",
        "X-None",
        ": 1",
        "X(y): 1",
        "X-\u{fc}: 1",
        "Transfer-Encoding\u{b}: chunked",
    ] {
        check_rejected(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{field}\r\nX-Last: 1\r\n\r\n"
        ));
    }
    for line in [
        "GET / HTTP/1.1 ",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/9.9",
        "GET / http/1.1",
        "GET /a b HTTP/1.1",
        "GET /\u{1} HTTP/1.1",
        "G(T / HTTP/1.1",
        "/ HTTP/1.1",
        "GET /",
    ] {
        check_rejected(format!("{line}\r\nHost: a\r\n\r\n"));
    }
}

/// A bare LF is accepted as a line terminator (allowed by RFC 9112, section 2.2), but never forwarded.
#[test]
fn bare_line_feeds_are_accepted_and_not_forwarded() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let sent = "POST / HTTP/1.1\nHost: a\nX-A: 1\nContent-Length: 3\n\nabc";
    assert_eq!(statuses(&proxied, sent), [200]);
    let received = upstream.only_request();
    assert_eq!((received.field("x-a"), received.text()), ("1", "abc"));
}

#[test]
fn chunk_extensions_are_removed() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let body = "3;x=\"y\"\r\nabc\r\n0003 ; z\r\ndef\r\n0;last\r\n\r\n";
    let sent = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n{body}");
    assert_eq!(statuses(&proxied, sent), [200]);
    let received = upstream.only_request();
    assert_eq!(received.text(), "abcdef");
    assert_eq!(received.field("transfer-encoding"), "chunked");
    assert_eq!(received.field("content-length"), "");
}

#[test]
fn chunk_malformed_ends_the_connection() {
    for chunks in [
        "3\r\nabcX0\r\n\r\n",
        "g\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffff0\r\nabc\r\n0\r\n\r\n",
        "3;\nx\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nbroken trailer\r\n\r\n",
    ] {
        let upstream = Upstream::new(|connection| {
            loop {
                connection.request()?;
                connection.send(OK)?;
            }
        });
        let proxied = TestProxy::new(&upstream);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\
             GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let statuses = statuses(&proxied, request);
        assert!(statuses.len() <= 1, "{chunks:?} {statuses:?}");
        let received = upstream.requests();
        assert!(received.len() <= 1, "{chunks:?} {received:?}");
        // If a request was forwarded, it was forwarded as one complete request.
        if let Some(received) = received.first() {
            assert!(
                received.line.starts_with("POST "),
                "{chunks:?} {received:?}"
            );
            assert_eq!(statuses, [200], "{chunks:?}");
        }
    }
}

#[test]
fn chunk_extensions_too_long_are_rejected() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("1;{}\r\na\r\n", "x".repeat(200));
    let mut client = proxied.send(head);
    // The connection may be closed before all of it is sent.
    _ = client.send(format!("{}0\r\n\r\n", chunk.repeat(200)));
    let answer = client.response();
    assert!(answer.is_err() || answer.unwrap().status == 400);
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn trailers_with_framing_or_host_fields_are_dropped() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let sent = "POST / HTTP/1.1\r\nHost: a\r\nTrailer: Content-Length, X-Sum, Host, Transfer-Encoding\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\
        Content-Length: 9\r\nTransfer-Encoding: gzip\r\nHost: b\r\nX-Sum: 1\r\n\r\n";
    assert_eq!(statuses(&proxied, sent), [200]);
    let received = upstream.only_request();
    assert_eq!(received.text(), "abc");
    assert_eq!((received.field("host"), received.field("x-sum")), ("a", ""));
    let trailers: Vec<_> = received.trailers.keys().collect();
    assert_eq!(trailers, ["x-sum"]);
}

#[test]
fn body_of_get_delete_and_options_is_forwarded() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for (method, fields, body) in [
        ("GET", "Content-Length: 3", "abc"),
        ("GET", "Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        ("DELETE", "Content-Length: 3", "abc"),
        (
            "DELETE",
            "Transfer-Encoding: chunked",
            "3\r\nabc\r\n0\r\n\r\n",
        ),
        ("OPTIONS", "Content-Length: 3", "abc"),
    ] {
        let sent = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}");
        assert_eq!(statuses(&proxied, sent), [200], "{method} {fields}");
        assert_eq!(
            upstream.requests().pop().unwrap().text(),
            "abc",
            "{method} {fields}"
        );
    }
}

#[test]
fn request_without_body_gets_no_framing_headers() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for (method, field, length) in [
        ("GET", "X: y", ""),
        ("POST", "Content-Length: 0", "0"),
        ("PUT", "Content-Length: 0", "0"),
        ("DELETE", "X: y", ""),
    ] {
        let sent = format!("{method} / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        assert_eq!(statuses(&proxied, sent), [200]);
        let received = upstream.requests().pop().unwrap();
        assert_eq!(received.field("content-length"), length, "{method}");
        assert_eq!(received.field("transfer-encoding"), "", "{method}");
    }
    // An empty chunked body may be forwarded as chunked or without a body.
    let sent = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(statuses(&proxied, sent), [200]);
    assert_eq!(upstream.requests().pop().unwrap().text(), "");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::new(|connection| {
        loop {
            let received = connection.request()?;
            let length = received.line.len();
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}",
                received.line
            ))?;
        }
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
         HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.response().unwrap().text(), "GET /1 HTTP/1.1");
    assert_eq!(client.response().unwrap().text(), "POST /2 HTTP/1.1");
    assert_eq!(client.response_to("HEAD").unwrap().framing, Framing::None);
    assert_eq!(client.response().unwrap().text(), "GET /4 HTTP/1.1");
}

#[test]
fn request_head_too_large_returns_431_without_upstream_request() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let many = "X: y\r\n".repeat(200);
    let sent = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert_eq!(statuses(&proxied, sent), [431]);
    assert_eq!(upstream.requests().len(), 0);
}
