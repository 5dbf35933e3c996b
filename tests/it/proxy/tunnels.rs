//! Tunnels: connections upgraded to another protocol, and upgrades that must not happen.

use super::*;
use crate::support::noise;
use crate::support::program::Program;
use crate::support::program::tidings;
use crate::support::signal::Signal;
use crate::support::upstream::Connection;

const ASK: &str = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade, X-Mine\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n\r\n";

/// An upstream that accepts the upgrade and then echoes.
fn echo() -> Upstream {
    Upstream::new(|connection| {
        connection.request()?;
        connection.send(SWITCH)?;
        repeat(connection)
    })
}

fn repeat(connection: &mut Connection) -> std::io::Result<()> {
    loop {
        let some = connection.read_some()?;
        if some.is_empty() {
            return Ok(());
        }
        connection.send(some)?;
    }
}

/// An upgraded connection.
#[track_caller]
fn tunnel(proxied: &TestProxy) -> Client {
    let mut client = proxied.send(ASK);
    let head = client.head().unwrap();
    assert_eq!(head.status, 101, "{head:?}");
    client
}

#[track_caller]
fn check_echo(client: &mut Client, text: &str) {
    client.send(text).unwrap();
    assert_eq!(client.take(text.len()).unwrap(), text.as_bytes());
}

#[test]
fn upgrade_accepted_opens_a_tunnel() {
    let upstream = echo();
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send(ASK);
    let head = client.head().unwrap();
    assert_eq!((head.version.as_str(), head.status), ("HTTP/1.1", 101));
    assert_eq!(head.field("upgrade"), "websocket");
    assert!(head.field("connection").eq_ignore_ascii_case("upgrade"));
    assert_eq!(
        head.field("sec-websocket-accept"),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    for name in [
        "x-mine",
        "keep-alive",
        "content-length",
        "transfer-encoding",
    ] {
        assert_eq!(head.field(name), "", "{name}");
    }
    assert!(head.field("via").starts_with("1.1 tidings-"));
    check_echo(&mut client, "hello");
    check_echo(&mut client, "\0\u{1}");
    let received = upstream.only_request();
    assert_eq!(received.field("upgrade"), "websocket");
    assert!(received.field("connection").eq_ignore_ascii_case("upgrade"));
    assert_eq!(
        received.field("sec-websocket-key"),
        "dGhlIHNhbXBsZSBub25jZQ=="
    );
    assert_eq!(received.field("sec-websocket-version"), "13");
}

#[test]
fn tunnel_silent_longer_than_timeouts_stays_open() {
    let upstream = echo();
    let proxied = TestProxy::with(&upstream, |proxy| {
        proxy
            .body_idle_timeout(SHORT)
            .first_byte_timeout(SHORT * 4)
            .pool_idle_timeout(SHORT)
    });
    let mut client = tunnel(&proxied);
    assert!(client.is_silent(SHORT * 6));
    check_echo(&mut client, "still here");
}

#[test]
fn tunnel_transfers_both_ways_at_once() {
    let upstream = echo();
    let proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    let bytes = noise(11, 4 << 20);
    let sent = bytes.clone();
    let mut sender = client.try_clone().unwrap();
    let sending = std::thread::spawn(move || sender.send(sent).unwrap());
    assert!(client.take(bytes.len()).unwrap() == bytes);
    sending.join().unwrap();
}

#[test]
fn tunnel_bytes_after_101_head_are_forwarded() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send(format!("{SWITCH}first words"))?;
        repeat(connection)
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    assert_eq!(client.take(11).unwrap(), b"first words");
    check_echo(&mut client, "hello");
}

#[test]
fn tunnel_bytes_before_101_are_forwarded_after_it() {
    let (go, silent) = (Signal::new(), Signal::new());
    let (is_over, is_silent) = (go.clone(), silent.clone());
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        assert!(connection.is_silent(SHORT));
        silent.notify();
        is_over.wait();
        connection.send(SWITCH)?;
        repeat(connection)
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send(format!("{ASK}early words"));
    is_silent.wait();
    go.notify();
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(client.take(11).unwrap(), b"early words");
    check_echo(&mut client, "hello");
}

#[test]
fn upgrade_declined_early_bytes_are_the_next_request() {
    let upstream = Upstream::new(|connection| {
        loop {
            connection.request()?;
            connection.send(OK)?;
        }
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = proxied.send(format!(
        "{ASK}GET /next HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    ));
    assert_eq!(client.response().unwrap().text(), "ok");
    assert_eq!(client.response().unwrap().text(), "ok");
    let received = upstream.requests();
    assert_eq!(received.len(), 2);
    // It was processed like any other request.
    assert_eq!(received[1].line, "GET /next HTTP/1.1");
    assert_eq!(received[1].field("x-forwarded-for"), "127.0.0.1");
    let mut client = proxied.send(format!("{ASK}\u{81}\u{5}words that are no request\r\n\r\n"));
    assert_eq!(client.response().unwrap().text(), "ok");
    assert_eq!(client.response().unwrap().status, 400);
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn upgrade_declined_response_is_forwarded() {
    for answer in [
        OK,
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let upstream = Upstream::responding(answer);
        let proxied = TestProxy::new(&upstream);
        let mut client = proxied.connect();
        for _ in 0..2 {
            client.send(ASK).unwrap();
            let given = client.response().unwrap();
            assert_eq!((given.text(), given.field("connection")), ("ok", ""));
        }
    }
}

#[test]
fn unsolicited_101_returns_502() {
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (request, answer) in [
        (plain, SWITCH),
        (
            ASK,
            "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n",
        ),
        (
            ASK,
            "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        ),
        (ASK, "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n"),
    ] {
        let left = Signal::new();
        let has_left = left.clone();
        let upstream = Upstream::new(move |connection| {
            connection.request()?;
            connection.send(answer)?;
            connection.wait_for_end()?;
            left.notify();
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        let given = proxied.send(request).response().unwrap();
        assert_eq!(given.status, 502, "{answer}");
        has_left.wait();
    }
}

#[test]
fn upgrade_request_with_body_returns_400() {
    let upstream = echo();
    let proxied = TestProxy::new(&upstream);
    for body in [
        "Content-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Content-Length: 40\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{body}"
        );
        assert_eq!(proxied.send(request).response().unwrap().status, 400);
        assert_eq!(upstream.connections(), 0, "{body}");
    }
    let empty = ASK.replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(proxied.send(empty).head().unwrap().status, 101);
}

#[test]
fn upgrade_h2c_or_not_in_connection_is_removed() {
    let upstream = Upstream::responding(OK);
    let proxied = TestProxy::new(&upstream);
    for fields in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
        // `Upgrade` is not listed in `Connection`.
        "Upgrade: websocket\r\n",
        "Connection: keep-alive\r\nUpgrade: websocket\r\n",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(proxied.send(request).response().unwrap().text(), "ok");
        let received = upstream.requests().pop().unwrap();
        for name in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(received.field(name), "", "{fields}");
        }
    }
    let old = ASK.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(proxied.send(old).response().unwrap().text(), "ok");
    assert_eq!(upstream.requests().pop().unwrap().field("upgrade"), "");
}

#[test]
fn tunnel_half_close_keeps_the_other_direction_open() {
    // The upstream half-closes.
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send(SWITCH)?;
        connection.finish()?;
        assert_eq!(connection.rest()?, b"last words");
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    let mut sender = client.try_clone().unwrap();
    assert!(client.rest().unwrap().is_empty());
    sender.send("last words").unwrap();
    sender.finish().unwrap();
    // The client half-closes.
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send(SWITCH)?;
        let heard = connection.rest()?;
        connection.send(heard)
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    client.send("last words").unwrap();
    client.finish().unwrap();
    assert_eq!(client.rest().unwrap(), b"last words");
}

#[test]
fn tunnel_disconnect_of_one_side_closes_the_other() {
    let left = Signal::new();
    let has_left = left.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send(SWITCH)?;
        connection.wait_for_end()?;
        left.notify();
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    drop(tunnel(&proxied));
    has_left.wait();
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send(SWITCH)?;
        connection.take(1)?;
        connection.reset()
    });
    let proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    client.send("x").unwrap();
    assert!(client.is_closed());
}

#[test]
fn proxy_close_closes_tunnels_and_server_stops() {
    let upstream = echo();
    let mut proxied = TestProxy::new(&upstream);
    let mut tunnels = [tunnel(&proxied), tunnel(&proxied)];
    for client in &mut tunnels {
        check_echo(client, "hello");
    }
    proxied.proxy.close();
    for client in &mut tunnels {
        assert!(client.is_closed());
    }
    // New tunnels are closed at once.
    let mut late = proxied.send(ASK);
    if late.head().is_ok_and(|head| head.status == 101) {
        assert!(late.is_closed());
    }
    proxied.running.stop();
    proxied.running.wait_for_exit();
}

#[test]
fn tunnel_works_through_the_layer() {
    let upstream = echo();
    let site = tidings::Site::new();
    site.publish(tidings::Release::new(
        "v1".parse().unwrap(),
        1_700_000_000_000,
    ));
    let proxy = Proxy::new([url(upstream.address()).parse().unwrap()]).unwrap();
    let service = tower::Layer::layer(&tidings::UpdateNotifierLayer::new(site), proxy);
    let running = TestServer::new(service, |server| server);
    let mut client = Client::connect(running.address()).unwrap();
    client.send(ASK).unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    check_echo(&mut client, "hello");
}

/// A tunnel is detached from the server and does not delay its shutdown.
#[test]
fn server_stops_while_a_tunnel_is_open() {
    let upstream = echo();
    let mut proxied = TestProxy::new(&upstream);
    let mut client = tunnel(&proxied);
    proxied.running.stop();
    proxied.running.wait_for_exit();
    check_echo(&mut client, "hello");
    drop(proxied);
    assert!(client.is_closed());
}

#[test]
fn program_sigterm_closes_tunnels_and_exits() {
    let upstream = echo();
    let url = url(upstream.address());
    let program = Program::start(tidings().args(["proxy", &url, "--listen", "127.0.0.1:0"]));
    let mut client = Client::connect(program.address()).unwrap();
    client.send(ASK).unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    check_echo(&mut client, "hello");
    let ended = program.stop("TERM");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    assert!(client.is_closed());
}
