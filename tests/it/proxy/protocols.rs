//! HTTP/2 with prior knowledge (h2c) to clients, and Unix sockets to upstreams.

use std::os::unix::net::UnixListener;
use std::thread;

use ::http::Request;
use ::http::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;
use crate::support::within;

type Sender = http2::SendRequest<Full<Bytes>>;

/// A proxy that accepts HTTP/1.1 and h2c.
fn h2c_server(upstream: &Upstream) -> TestServer {
    let proxy = Proxy::new([url(upstream.address()).parse().unwrap()]).unwrap();
    TestServer::new(proxy, |server| server.http2().head_timeout(SHORT * 4))
}

async fn connect(address: SocketAddr) -> Sender {
    let stream = TcpStream::connect(address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = within("a handshake", handshake).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let response = within("an answer", sender.send_request(request))
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = within("its body", body.collect()).await.unwrap();
    Response::from_parts(parts, body.to_bytes())
}

#[test]
fn h2c_request_is_translated_to_http_1_1() {
    let upstream = Upstream::responding(
        "HTTP/1.1 201 Created\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nX: y\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    let running = h2c_server(&upstream);
    running.block_on(async {
        let mut sender = connect(running.address()).await;
        let request = Request::post("http://site.example:8080/x?y")
            .header("cookie", "a=1")
            .header("cookie", "b=2; c=3")
            .header("te", "trailers")
            .body(Full::from("abc"))
            .unwrap();
        let answer = send(&mut sender, request).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (201, &b"ok"[..])
        );
        assert_eq!(answer.headers()["x"], "y");
        for name in ["connection", "x-mine", "keep-alive", "transfer-encoding"] {
            assert!(!answer.headers().contains_key(name), "{name}");
        }
        let received = upstream.only_request();
        assert_eq!(received.line, "POST /x?y HTTP/1.1");
        assert_eq!(received.text(), "abc");
        assert_eq!(received.field("host"), "site.example:8080");
        assert_eq!(received.field("cookie"), "a=1; b=2; c=3");
        assert_eq!(received.field("x-forwarded-for"), "127.0.0.1");
        assert_eq!(received.field("x-forwarded-host"), "site.example:8080");
        assert!(received.field("via").starts_with("2.0 tidings-"));
        assert_eq!(received.field("te"), "trailers");
    });
}

#[test]
fn h2c_concurrent_requests_share_a_connection() {
    let upstream = Upstream::responding(OK);
    let running = h2c_server(&upstream);
    running.block_on(async {
        let sender = connect(running.address()).await;
        let asking = (0..50).map(|number| {
            let mut sender = sender.clone();
            tokio::spawn(async move {
                let uri = format!("http://site.example/{number}");
                let request = Request::get(uri).body(Full::default()).unwrap();
                send(&mut sender, request).await.into_body()
            })
        });
        let asking: Vec<_> = asking.collect();
        for answer in asking {
            assert_eq!(&answer.await.unwrap()[..], b"ok");
        }
        assert_eq!(upstream.requests().len(), 50);
    });
}

#[test]
fn h2c_truncated_upstream_body_resets_the_stream() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    });
    let running = h2c_server(&upstream);
    running.block_on(async {
        let mut sender = connect(running.address()).await;
        let request = Request::get("http://a/").body(Full::default()).unwrap();
        // The reset may arrive before the response head.
        if let Ok(response) = within("an answer", sender.send_request(request)).await {
            let body = within("its end", response.into_body().collect()).await;
            assert!(body.is_err());
        }
    });
}

#[test]
fn h2c_client_reset_closes_the_upstream_connection() {
    let left = crate::support::signal::Signal::new();
    let has_left = left.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.wait_for_end()?;
        left.notify();
        Ok(())
    });
    let running = h2c_server(&upstream);
    running.block_on(async {
        let mut sender = connect(running.address()).await;
        let request = Request::get("http://a/").body(Full::default()).unwrap();
        let asking = tokio::spawn(sender.send_request(request));
        crate::support::wait_until_async("the request", || {
            (upstream.requests().len() == 1).then_some(())
        })
        .await;
        asking.abort();
        tokio::task::spawn_blocking(move || has_left.wait())
            .await
            .unwrap();
    });
}

#[test]
fn h2c_trace_and_connect_return_405() {
    let upstream = Upstream::responding(OK);
    let running = h2c_server(&upstream);
    running.block_on(async {
        let mut sender = connect(running.address()).await;
        for (method, uri) in [("TRACE", "http://a/"), ("CONNECT", "a:443")] {
            let request = Request::builder().method(method).uri(uri);
            let answer = send(&mut sender, request.body(Full::default()).unwrap()).await;
            assert_eq!(answer.status(), 405);
        }
        assert_eq!(upstream.requests().len(), 0);
    });
}

#[test]
fn h2c_enabled_http_1_works_on_the_same_port() {
    let upstream = Upstream::responding(OK);
    let running = h2c_server(&upstream);
    assert_eq!(http::get(running.address(), "/", &[]).text(), "ok");
    let mut client = Client::connect(running.address()).unwrap();
    for byte in b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" {
        client.send([*byte]).unwrap();
    }
    assert_eq!(client.response().unwrap().text(), "ok");
    // Starts like the HTTP/2 preface.
    let mut client = Client::connect(running.address()).unwrap();
    client.send("PRI /x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response().unwrap().text(), "ok");
}

#[test]
fn h2c_incomplete_preface_times_out() {
    let upstream = Upstream::responding(OK);
    let running = h2c_server(&upstream);
    let starts = [
        "",
        "P",
        "PRI * HT",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        "GET / HT",
    ];
    let clients = starts.map(|start| {
        let mut client = Client::connect(running.address()).unwrap();
        client.send(start).unwrap();
        (start, client)
    });
    for (start, mut client) in clients {
        // The server may send an error first.
        let rest = client.rest();
        assert!(
            !rest.is_err_and(|error| http::is_timeout(&error)),
            "{start}"
        );
    }
}

#[test]
fn h2c_disabled_preface_is_rejected() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    match client.head() {
        Ok(head) => assert_eq!(head.status, 400),
        Err(error) => assert!(!http::is_timeout(&error)),
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn upstream_unix_socket_is_forwarded_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let app = thread::spawn(move || {
        let mut heads = Vec::new();
        let (mut stream, _) = listener.accept().unwrap();
        // Both requests on one connection.
        for _ in 0..2 {
            let mut head = [0; 4096];
            let read = std::io::Read::read(&mut stream, &mut head).unwrap();
            std::io::Write::write_all(&mut stream, OK.as_bytes()).unwrap();
            heads.push(String::from_utf8(head[..read].to_vec()).unwrap());
        }
        heads
    });
    let proxied = TestProxy::with_upstreams(&[&format!("unix:{}", path.display())], |proxy| proxy);
    let mut client = proxied.connect();
    assert_eq!(client.request("GET", "/x", &[]).unwrap().text(), "ok");
    assert_eq!(client.request("GET", "/y", &[]).unwrap().text(), "ok");
    let heads = app.join().unwrap();
    assert!(heads[0].starts_with("GET /x HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[0].contains("\r\nhost: tidings.test\r\n"), "{heads:?}");
    assert!(
        heads[0].contains("\r\nx-forwarded-for: 127.0.0.1\r\n"),
        "{heads:?}"
    );
    assert!(heads[1].starts_with("GET /y HTTP/1.1\r\n"), "{heads:?}");
}
