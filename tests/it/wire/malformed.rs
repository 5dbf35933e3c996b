//! Malformed requests.

use super::*;

/// Asserts a 400 and a closed connection, and that the server still responds to others.
#[track_caller]
fn assert_rejected(site: &Site, request: &[u8]) {
    let shown = String::from_utf8_lossy(&request[..request.len().min(80)]);
    let mut client = site.send(request);
    match client.response() {
        Ok(answer) => assert_eq!(answer.status, 400, "{shown:?}"),
        Err(error) => panic!("{shown:?}: {error}"),
    }
    assert!(client.is_closed(), "{shown:?}");
    site.assert_alive();
}

#[test]
fn request_malformed_returns_400() {
    let site = Site::new();
    for request in [
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / \r\n\r\n",
        "GET / HTTP\r\n\r\n",
        "GET / HTTP/1.2x\r\nHost: a\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ../robots.txt HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nsp ace: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: a\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_rejected(&site, request.as_bytes());
    }
    // A client that sends the HTTP/2 preface does not understand a 400.
    assert!(site.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_closed());
    // A TLS handshake, and random bytes.
    assert_rejected(
        &site,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    );
    assert_rejected(&site, b"\xff\xfe\xfd\r\n\r\n");
}

/// RFC 9112, section 3.2: a server must reject these.
#[test]
fn host_missing_or_repeated_returns_400() {
    let site = Site::new();
    for request in [
        "GET /robots.txt HTTP/1.1\r\n\r\n",
        "GET /robots.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /robots.txt HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET http://a/robots.txt HTTP/1.1\r\n\r\n",
    ] {
        assert_rejected(&site, request.as_bytes());
    }
    let mut client = site.send("GET /robots.txt HTTP/1.1\r\nHost:\r\n\r\n");
    assert_robots(&client.response().unwrap());
}

/// Both fields together enable request smuggling past a proxy that uses the other one.
#[test]
fn content_length_with_transfer_encoding_is_not_used() {
    let site = Site::new();
    for fields in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    ] {
        let mut client = site.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n\
             GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        let first = client.response().unwrap();
        match first.status {
            400 => {}
            405 => match client.response() {
                Ok(second) => assert_robots(&second),
                Err(error) => assert!(is_disconnect(&error), "{error}"),
            },
            status => panic!("{status}"),
        }
        site.assert_alive();
    }
}
