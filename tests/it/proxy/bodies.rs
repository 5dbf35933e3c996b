//! Request and response bodies: streaming, trailers, `Expect: 100-continue`, and early responses.

use super::*;
use crate::support::http::Framing;
use crate::support::noise;
use crate::support::signal::Signal;

#[test]
fn request_body_is_streamed_to_the_upstream() {
    let (seen, done) = (Signal::new(), Signal::new());
    let (is_seen, is_done) = (seen.clone(), done.clone());
    let upstream = Upstream::new(move |connection| {
        connection.head()?;
        assert_eq!(connection.take(8)?, b"3\r\nabc\r\n");
        seen.notify();
        assert_eq!(connection.take(13)?, b"3\r\ndef\r\n0\r\n\r\n");
        connection.send(OK)?;
        done.notify();
        connection.wait_for_end()
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    is_seen.wait();
    client.send("3\r\ndef\r\n0\r\n\r\n").unwrap();
    is_done.wait();
    assert_eq!(client.response().unwrap().text(), "ok");
}

#[test]
fn response_body_is_streamed_to_the_client() {
    let next = Signal::new();
    let go = next.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for letter in ["a", "b", "c"] {
            go.wait();
            connection.send(format!("1\r\n{letter}\r\n"))?;
        }
        go.wait();
        connection.send("0\r\n\r\n")
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    client.send_request("GET", "/", &[]).unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    for letter in [b"a", b"b", b"c"] {
        next.notify();
        assert_eq!(client.chunk().unwrap().unwrap(), letter);
    }
    next.notify();
    assert_eq!(client.chunk().unwrap(), None);
}

#[test]
fn large_bodies_arrive_unchanged_both_ways() {
    let bytes = noise(7, 3 << 20);
    let expected = bytes.clone();
    let upstream = Upstream::new(move |connection| {
        loop {
            let received = connection.request()?;
            assert!(received.body == expected);
            let half = received.body.len() / 2;
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for part in [&received.body[..half], &received.body[half..]] {
                connection.send(format!("{:x}\r\n", part.len()))?;
                connection.send(part)?;
                connection.send("\r\n")?;
            }
            connection.send("0\r\n\r\n")?;
        }
    });
    let proxied = TestProxy::new(&upstream);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    for _ in 0..2 {
        let mut client = proxied.send(&head);
        client.send(&bytes).unwrap();
        let answer = client.response().unwrap();
        assert_eq!(answer.framing, Framing::Chunked);
        assert!(answer.body == bytes);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn request_trailers_are_forwarded() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let sent = "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum, X-Other\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Other: 8\r\n\r\n";
    assert_eq!(proxied.send(sent).response().unwrap().text(), "ok");
    let received = upstream.only_request();
    assert_eq!(received.field("trailer"), "X-Sum, X-Other");
    assert_eq!(received.trailers["x-sum"], "7");
    assert_eq!(received.trailers["x-other"], "8");
}

#[test]
fn response_trailers_are_forwarded_if_te_accepts_trailers() {
    let upstream = Upstream::responding(
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n",
    );
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    let takes = [("TE", "trailers"), ("Connection", "TE")];
    let answer = client.request("GET", "/", &takes).unwrap();
    assert_eq!((answer.text(), answer.field("trailer")), ("abc", "X-Sum"));
    assert_eq!(client.trailers().len(), 1);
    assert_eq!(client.trailers()["x-sum"], "7");
    let answer = client.request("GET", "/", &[]).unwrap();
    assert_eq!(answer.text(), "abc");
    assert_eq!(client.trailers().len(), 0);
    let mut old = proxied.send("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n");
    assert_eq!(old.response().unwrap().text(), "abc");
}

#[test]
fn expect_continue_waits_for_100_of_the_upstream() {
    let go = Signal::new();
    let is_over = go.clone();
    let upstream = Upstream::new(move |connection| {
        let received = connection.head()?;
        assert_eq!(received.field("expect"), "100-continue");
        assert_eq!(received.field("content-length"), "3");
        is_over.wait();
        connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        assert_eq!(connection.take(3)?, b"abc");
        connection.send(OK)
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert!(client.is_silent(SHORT));
    go.notify();
    assert_eq!(client.head().unwrap().status, 100);
    client.send("abc").unwrap();
    assert_eq!(client.response().unwrap().text(), "ok");
}

#[test]
fn expect_continue_final_response_skips_the_body() {
    for length in ["Content-Length: 3", "Transfer-Encoding: chunked"] {
        let upstream = Upstream::new(|connection| {
            connection.head()?;
            connection
                .send("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno")?;
            // Neither body bytes nor another request arrive.
            assert_eq!(connection.rest()?, b"");
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{length}\r\n\r\n"
        ));
        let answer = client.response().unwrap();
        assert_eq!((answer.status, answer.text()), (401, "no"));
        // The start of the next request would be ambiguous.
        assert!(client.is_closed());
        let mut other = proxied.connect();
        other.send_request("GET", "/", &[]).unwrap();
        upstream.wait_for(2);
        assert_eq!(upstream.connections(), 2);
    }
}

#[test]
fn expect_continue_slow_final_response_is_complete() {
    let upstream = Upstream::new(|connection| {
        connection.head()?;
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nabc")?;
        // Longer than the proxy holds back a body.
        std::thread::sleep(Duration::from_millis(1300));
        connection.send("def")?;
        assert_eq!(connection.rest()?, b"");
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    let answer = client.response().unwrap();
    assert_eq!((answer.status, answer.text()), (413, "abcdef"));
    assert!(client.is_closed());
}

#[test]
fn expect_continue_upstream_without_100_still_gets_the_body() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 100);
    client.send("abc").unwrap();
    assert_eq!(client.response().unwrap().text(), "ok");
    assert_eq!(upstream.only_request().text(), "abc");
}

#[test]
fn expect_continue_body_sent_early_is_forwarded_after_100() {
    let upstream = Upstream::new(|connection| {
        loop {
            connection.head()?;
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
            assert_eq!(connection.take(3)?, b"abc");
            connection.send(OK)?;
        }
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.connect();
    for expect in ["Expect: 100-continue\r\n", ""] {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{expect}Content-Length: 3\r\n\r\nabc");
        client.send(head).unwrap();
        let mut answer = client.head().unwrap();
        if answer.status == 100 {
            answer = client.head().unwrap();
        }
        assert_eq!(answer.status, 200, "{expect:?}");
        assert_eq!(client.take(2).unwrap(), b"ok");
    }
}

#[test]
fn early_response_does_not_wait_for_the_request_body() {
    let upstream = Upstream::new(|connection| {
        connection.head()?;
        connection.take(3)?;
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")?;
        connection.rest()?;
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    let answer = client.response().unwrap();
    assert_eq!((answer.status, answer.text()), (413, "no"));
}

#[test]
fn early_response_with_connection_close_reaches_the_client() {
    for number in 0..20 {
        let upstream = Upstream::new(|connection| {
            connection.head()?;
            connection.send("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        });
        let proxied = TestProxy::new(&upstream);
        let mut client =
            proxied.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
        // Until the connection is closed.
        for _ in 0..400 {
            if client.send([b'x'; 16 * 1024]).is_err() {
                break;
            }
        }
        let answer = client.response().unwrap();
        assert_eq!((answer.status, answer.text()), (413, "no"), "{number}");
    }
}

#[test]
fn request_body_truncated_never_reaches_upstream_as_complete() {
    for (sent, rest) in [
        ("Content-Length: 9\r\n\r\nabc", "abc"),
        (
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "3\r\nabc\r\n",
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9",
            "3\r\nabc\r\n",
        ),
    ] {
        let (begun, over) = (Signal::new(), Signal::new());
        let (has_begun, is_over) = (begun.clone(), over.clone());
        let upstream = Upstream::new(move |connection| {
            connection.head()?;
            let mut all = connection.take(rest.len())?;
            begun.notify();
            if let Ok(more) = connection.rest() {
                all.extend(more);
            }
            assert_eq!(all, rest.as_bytes());
            over.notify();
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        let client = proxied.send(format!("PUT / HTTP/1.1\r\nHost: a\r\n{sent}"));
        has_begun.wait();
        drop(client);
        is_over.wait();
        assert_eq!(upstream.connections(), 1);
    }
}

#[test]
fn expect_continue_first_upstream_refused_uses_the_next() {
    let upstream = Upstream::new(|connection| {
        connection.head()?;
        connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        assert_eq!(connection.take(3)?, b"abc");
        connection.send(OK)
    });
    let there = url(upstream.address());
    let proxied = TestProxy::with_upstreams(&["http://127.0.0.1:1", &there], |proxy| proxy);
    let mut client = proxied
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.head().unwrap().status, 100);
    client.send("abc").unwrap();
    assert_eq!(client.response().unwrap().text(), "ok");
}
