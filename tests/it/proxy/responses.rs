//! Responses of an upstream, valid and malformed, and what the client receives.

use std::io;

use super::*;
use crate::support::http::Framing;
use crate::support::signal::Signal;

/// An upstream that responds with `answer` on its first connection and closes it. Later connections get `OK`.
fn once(answer: impl Into<Vec<u8>>) -> Upstream {
    let answer = answer.into();
    Upstream::new(move |connection| {
        loop {
            connection.request()?;
            if connection.number > 1 {
                connection.send(OK)?;
            } else {
                connection.send(&answer)?;
                return Ok(());
            }
        }
    })
}

/// Sends a POST, which is not retried. Returns the response, and asserts that the next request gets its own response.
#[track_caller]
fn answer_to_post(answer: impl Into<Vec<u8>>) -> io::Result<RawResponse> {
    let upstream = once(answer);
    let proxied = TestProxy::new(&upstream);
    let given = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .response();
    assert_eq!(proxied.get("/next", &[]).text(), "ok");
    given
}

#[test]
fn response_framing_any_is_forwarded_as_length_or_chunked() {
    for (answer, framing) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
        (
            "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
        (
            "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
            Framing::Length(3),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
        ("HTTP/1.0 200 OK\r\n\r\nabc", Framing::Chunked),
        ("HTTP/1.1 200 OK\r\n\r\nabc", Framing::Chunked),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc",
            Framing::Chunked,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\n\r\n",
            Framing::Chunked,
        ),
        (
            "HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\nabc",
            Framing::Length(3),
        ),
    ] {
        let given = answer_to_post(answer).unwrap();
        assert_eq!(
            (given.text(), given.framing),
            ("abc", framing),
            "{answer:?}"
        );
    }
}

#[test]
fn http_1_0_client_chunked_response_is_delimited_by_close() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let upstream = Upstream::responding(chunked);
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.response().unwrap();
    assert_eq!((answer.text(), answer.framing), ("abc", Framing::Close));
}

#[test]
fn response_with_length_and_transfer_encoding_has_one_framing() {
    for fields in [
        "Content-Length: 9\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 9",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        let given = answer_to_post(answer).unwrap();
        if given.status == 200 {
            assert_eq!((given.text(), given.framing), ("abc", Framing::Chunked));
        } else {
            assert_eq!(given.status, 502);
        }
    }
}

#[test]
fn response_malformed_returns_502() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9\r\n",
        "<!doctype html>\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n",
        "H",
    ] {
        let given = answer_to_post(answer).unwrap();
        assert_eq!(given.status, 502, "{answer:?}");
        assert_eq!(given.text(), "502 Bad Gateway\n");
        assert_eq!(given.field("cache-control"), "no-store");
        assert_eq!(given.field("via"), "");
    }
}

#[test]
fn response_head_too_large_returns_502() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1000));
    assert_eq!(answer_to_post(many).unwrap().status, 502);
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(2 << 20));
    assert_eq!(answer_to_post(long).unwrap().status, 502);
    let usual = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(32 << 10));
    assert_eq!(answer_to_post(usual).unwrap().status, 200);
}

#[test]
fn interim_responses_are_skipped_before_the_final_response() {
    for first in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 199 X\r\nContent-Length: 5\r\n\r\n",
    ] {
        let given = answer_to_post(format!("{first}{OK}")).unwrap();
        assert_eq!((given.status, given.text()), (200, "ok"), "{first}");
    }
}

#[test]
fn bytes_after_response_are_never_the_next_response() {
    let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for end in ["garbage", smuggled] {
        let upstream = Upstream::new(move |connection| {
            loop {
                connection.request()?;
                connection.send(format!("{OK}{end}"))?;
            }
        });
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        for number in 1..=3 {
            assert_eq!(client.request("GET", "/", &[]).unwrap().text(), "ok");
            assert_eq!(upstream.connections(), number);
        }
    }
}

/// Unsolicited bytes that arrive after the next request was sent can't be distinguished from its response. On an idle
/// connection they close it.
#[test]
fn idle_connection_unsolicited_bytes_closes_connection() {
    let ended = Signal::new();
    let has_ended = ended.clone();
    let upstream = Upstream::new(move |connection| {
        loop {
            connection.request()?;
            connection.send(OK)?;
            if connection.number == 1 {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")?;
                connection.wait_for_end()?;
                ended.notify();
            }
        }
    });
    let proxied = TestProxy::new(&upstream);
    assert_eq!(proxied.get("/", &[]).text(), "ok");
    has_ended.wait();
    for _ in 0..3 {
        assert_eq!(proxied.get("/", &[]).text(), "ok");
    }
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn response_body_truncated_aborts_the_client_response() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n\r\n",
    ] {
        let error = answer_to_post(answer).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            ),
            "{answer:?} {error}"
        );
    }
}

#[test]
fn response_body_until_close_reset_aborts_the_client_response() {
    let read = Signal::new();
    let is_read = read.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\n\r\nabc")?;
        is_read.wait();
        connection.reset()
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    client.send_request("GET", "/", &[]).unwrap();
    assert_eq!(client.head().unwrap().field("transfer-encoding"), "chunked");
    assert_eq!(client.chunk().unwrap().unwrap(), b"abc");
    read.notify();
    assert!(client.chunk().is_err());
}

#[test]
fn head_response_keeps_content_length_and_has_no_body() {
    for (fields, length) in [
        ("Content-Length: 717\r\n", "717"),
        ("", ""),
        ("Transfer-Encoding: chunked\r\n", ""),
        ("Content-Length: 0\r\n", "0"),
    ] {
        let upstream = Upstream::responding(format!("HTTP/1.1 200 OK\r\nX: y\r\n{fields}\r\n"));
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        for _ in 0..2 {
            let answer = client.request("HEAD", "/", &[]).unwrap();
            assert_eq!((answer.status, answer.field("x")), (200, "y"));
            assert_eq!(answer.field("content-length"), length, "{fields}");
        }
    }
}

#[test]
fn status_204_and_304_have_no_body_whatever_their_headers() {
    for (answer, status, length) in [
        ("204 No Content\r\n", 204, ""),
        ("204 No Content\r\nContent-Length: 9\r\n", 204, ""),
        ("204 No Content\r\nTransfer-Encoding: chunked\r\n", 204, ""),
        ("304 Not Modified\r\nETag: \"x\"\r\n", 304, ""),
        ("304 Not Modified\r\nContent-Length: 9\r\n", 304, ""),
        (
            "304 Not Modified\r\nTransfer-Encoding: chunked\r\n",
            304,
            "",
        ),
    ] {
        let upstream = Upstream::responding(format!("HTTP/1.1 {answer}\r\n"));
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        for number in 1..=2 {
            let given = client.request("GET", "/", &[]).unwrap();
            assert_eq!((given.status, given.framing), (status, Framing::None));
            assert_eq!(given.field("content-length"), length, "{answer}");
            assert_eq!(given.field("transfer-encoding"), "", "{answer}");
            assert_eq!(upstream.requests().len(), number);
        }
    }
}

#[test]
fn bodiless_response_with_body_bytes_is_not_the_next_response() {
    for (method, answer) in [
        (
            "GET",
            "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nxx",
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nxx",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxx"),
    ] {
        let upstream = Upstream::new(move |connection| {
            loop {
                let received = connection.request()?;
                connection.send(if received.line.contains("/next") {
                    OK
                } else {
                    answer
                })?;
            }
        });
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        let given = client.request(method, "/", &[]).unwrap();
        assert_eq!(given.framing, Framing::None);
        let next = client.request("GET", "/next", &[]).unwrap();
        assert_eq!((next.status, next.text()), (200, "ok"), "{answer}");
    }
}

#[test]
fn partial_content_response_is_forwarded_unchanged() {
    let upstream = Upstream::responding(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxied = TestProxy::new(&upstream);
    let answer = proxied.get("/", &[("Range", "bytes=0-1")]);
    assert_eq!((answer.status, answer.text()), (206, "ok"));
    assert_eq!(answer.field("content-range"), "bytes 0-1/9");
    assert_eq!(upstream.only_request().field("range"), "bytes=0-1");
}
