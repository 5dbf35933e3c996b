//! Request bodies, which this server never uses.

use super::*;

const HIDDEN: &str = "GET /about HTTP/1.1\r\nHost: a\r\n\r\n";

/// Asserts that the next response is that of `/robots.txt`, or the connection is closed: a body is never a request.
#[track_caller]
fn assert_robots_or_closed(client: &mut Client) {
    match client.response() {
        Ok(answer) => assert_robots(&answer),
        Err(error) => assert!(is_disconnect(&error), "{error}"),
    }
}

#[test]
fn request_body_is_never_the_next_request() {
    let site = Site::new();
    let length = HIDDEN.len();
    let chunked = format!("{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n");
    for (line, status) in [
        ("GET /none", 404),
        ("HEAD /none", 404),
        ("POST /", 405),
        ("PUT /robots.txt", 405),
        ("POST /__tidings/events", 405),
        ("GET /__tidings/release.json", 200),
    ] {
        let method = line.split(' ').next().unwrap();
        for (fields, body) in [
            (format!("Content-Length: {length}"), HIDDEN),
            ("Transfer-Encoding: chunked".to_owned(), chunked.as_str()),
        ] {
            let mut client = site.send(format!(
                "{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}\
                 GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"
            ));
            let answer = client.response_to(method).unwrap();
            assert_eq!(answer.status, status, "{line} {fields}");
            assert_robots_or_closed(&mut client);
            // The body is sent after the response.
            let mut client = site.send(format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
            let answer = client.response_to(method).unwrap();
            assert_eq!(answer.status, status, "{line} {fields}");
            let rest = format!("{body}GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n");
            if client.send(rest).is_ok() {
                assert_robots_or_closed(&mut client);
            }
        }
    }
    site.assert_alive();
}

#[test]
fn expect_continue_final_response_without_100() {
    let site = Site::new();
    for (line, status) in [("POST /", 405), ("GET /robots.txt", 200)] {
        let mut client = site.send(format!(
            "{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            HIDDEN.len()
        ));
        // No 100 precedes it.
        assert_eq!(client.response().unwrap().status, status);
        // A body that is sent anyway is not a request.
        let rest = format!("{HIDDEN}GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        if client.send(rest).is_ok() {
            assert_robots_or_closed(&mut client);
        }
    }
    site.assert_alive();
}

#[test]
fn response_does_not_wait_for_the_request_body() {
    let site = Site::new();
    for fields in [
        "Content-Length: 10000000000",
        "Content-Length: 9223372036854775807",
        "Transfer-Encoding: chunked",
    ] {
        let mut client = site.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
        assert_eq!(client.response().unwrap().status, 405, "{fields}");
    }
}

#[test]
fn request_body_endless_closes_the_connection() {
    let site = Site::new();
    for fields in ["Content-Length: 10000000000", "Transfer-Encoding: chunked"] {
        let mut client = site.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        let mut sent = 0;
        while client.send(&piece).is_ok() {
            sent += piece.len();
            assert!(sent < 64 * 1024 * 1024, "it takes any amount");
        }
        site.assert_alive();
    }
}

#[test]
fn chunk_malformed_closes_only_that_connection() {
    let site = Site::new();
    for body in [
        "x\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "1\r\nabc\r\n",
        "0\r\nbad\r\n\r\n",
    ] {
        let mut client = site.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}\
             GET /about HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        let status = client.response().unwrap().status;
        assert!(matches!(status, 400 | 405), "{body:?}: {status}");
        if let Ok(answer) = client.response() {
            assert_eq!(answer.status, 400, "{body:?}");
        }
        site.assert_alive();
    }
}
