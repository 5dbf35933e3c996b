//! While no upstream accepts connections, navigations and page assets wait for a while; other requests fail at once.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Instant;

use super::*;
use crate::support::upstream::Upstream;

/// An address without a listener. Prefers 127.0.0.2, where no other test is given the port meanwhile.
fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.2:0").or_else(|_| TcpListener::bind("127.0.0.1:0"));
    listener.unwrap().local_addr().unwrap()
}

/// Starts an upstream at `address` after a short delay.
fn listen_soon(address: SocketAddr) -> thread::JoinHandle<Upstream> {
    thread::spawn(move || {
        thread::sleep(SHORT);
        let listener =
            crate::support::wait_until("the address", || TcpListener::bind(address).ok());
        Upstream::with_listener(listener, |connection| {
            loop {
                connection.request()?;
                connection.send(OK)?;
            }
        })
    })
}

#[test]
fn upstream_unavailable_navigation_and_assets_wait_for_restart() {
    for (method, field) in [
        ("GET", ("Accept", "text/html,*/*;q=0.8")),
        ("GET", ("Sec-Fetch-Dest", "document")),
        ("HEAD", ("Sec-Fetch-Dest", "iframe")),
        ("GET", ("Sec-Fetch-Dest", "script")),
        ("GET", ("Sec-Fetch-Dest", "style")),
        ("GET", ("Sec-Fetch-Dest", "image")),
        ("GET", ("Tidings-Preflight", "1")),
    ] {
        let address = unused_address();
        let proxied = TestProxy::with_upstreams(&[&url(address)], |proxy| proxy);
        let upstream = listen_soon(address);
        let answer = http::request(proxied.address(), method, "/x", &[field]).unwrap();
        assert_eq!(answer.status, 200, "{method} {field:?}");
        let upstream = upstream.join().unwrap();
        assert_eq!(
            upstream.only_request().line,
            format!("{method} /x HTTP/1.1")
        );
    }
}

#[test]
fn upstream_unavailable_script_path_waits_without_sec_fetch_dest() {
    let address = unused_address();
    let proxied = TestProxy::with_upstreams(&[&url(address)], |proxy| proxy);
    let upstream = listen_soon(address);
    assert_eq!(proxied.get("/app.js", &[]).text(), "ok");
    drop(upstream.join());
}

#[test]
fn upstream_unavailable_other_requests_get_502_at_once() {
    let proxied = TestProxy::with_upstreams(&[&url(unused_address())], |proxy| proxy);
    for (method, fields) in [
        ("GET", &[("Sec-Fetch-Dest", "empty")][..]),
        (
            "GET",
            &[("Sec-Fetch-Dest", "empty"), ("Accept", "text/html")],
        ),
        ("GET", &[("Accept", "*/*")]),
        ("GET", &[]),
        (
            "POST",
            &[("Sec-Fetch-Dest", "document"), ("Content-Length", "0")],
        ),
        ("PUT", &[("Accept", "text/html"), ("Content-Length", "0")]),
    ] {
        let start = Instant::now();
        let answer = http::request(proxied.address(), method, "/", fields).unwrap();
        assert_eq!((answer.status, answer.text()), (502, "502 Bad Gateway\n"));
        assert_eq!(answer.field("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.field("cache-control"), "no-store");
        assert_eq!(answer.field("retry-after"), "2");
        // Navigations wait for ten seconds.
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{method} {fields:?}"
        );
    }
}

#[test]
fn upstream_wait_elapsed_navigation_gets_self_refreshing_page() {
    let proxied = TestProxy::with_upstreams(&[&url(unused_address())], |proxy| {
        proxy.upstream_wait(SHORT)
    });
    for (fields, is_page) in [
        (&[("Accept", "text/html")][..], true),
        (&[("Sec-Fetch-Dest", "document")], true),
        (&[("Sec-Fetch-Dest", "script")], false),
        (&[("Sec-Fetch-Dest", "image")], false),
    ] {
        let start = Instant::now();
        let answer = proxied.get("/", fields);
        assert_eq!(answer.status, 502);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(answer.field("cache-control"), "no-store");
        assert_eq!(
            answer.text().contains("<meta http-equiv=\"refresh\""),
            is_page
        );
        let kind = if is_page {
            "text/html; charset=utf-8"
        } else {
            "text/plain; charset=utf-8"
        };
        assert_eq!(answer.field("content-type"), kind);
    }
}

#[test]
fn upstream_unavailable_page_has_no_client_script() {
    let site = tidings::Site::new();
    site.publish(tidings::Release::new(
        "v1".parse().unwrap(),
        1_700_000_000_000,
    ));
    let proxy = Proxy::new([url(unused_address()).parse().unwrap()])
        .unwrap()
        .upstream_wait(Duration::ZERO);
    let service = tower::Layer::layer(&tidings::UpdateNotifierLayer::new(site), proxy);
    let running = TestServer::new(service, |server| server);
    let answer = http::get(running.address(), "/", &[("Accept", "text/html")]);
    assert_eq!(answer.status, 502);
    assert!(!answer.text().contains("<script"));
    // The reserved paths need no upstream.
    let answer = http::get(running.address(), "/__tidings/release.json", &[]);
    assert_eq!(answer.status, 200);
}

#[test]
fn upstream_wait_client_disconnect_drops_the_request() {
    let address = unused_address();
    let proxied = TestProxy::with_upstreams(&[&url(address)], |proxy| proxy);
    let mut client = proxied.connect();
    client
        .send_request("GET", "/left", &[("Accept", "text/html")])
        .unwrap();
    assert!(client.is_silent(SHORT));
    drop(client);
    let upstream = listen_soon(address);
    let answer = proxied.get("/stayed", &[("Accept", "text/html")]);
    assert_eq!(answer.text(), "ok");
    let upstream = upstream.join().unwrap();
    assert_eq!(upstream.only_request().line, "GET /stayed HTTP/1.1");
}

#[test]
fn upstream_unavailable_one_of_two_uses_the_other() {
    let upstream = Upstream::responding(OK);
    let addresses = [url(unused_address()), url(upstream.address())];
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
    for _ in 0..4 {
        assert_eq!(proxied.get("/", &[("Accept", "text/html")]).text(), "ok");
    }
}

#[test]
fn upstream_unix_socket_missing_waits_until_it_exists() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let proxied = TestProxy::with_upstreams(&[&format!("unix:{}", path.display())], |proxy| proxy);
    assert_eq!(proxied.get("/", &[]).status, 502);
    let app = thread::spawn(move || {
        thread::sleep(SHORT);
        let listener = UnixListener::bind(path).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let read = std::io::Read::read(&mut stream, &mut head).unwrap();
        std::io::Write::write_all(&mut stream, OK.as_bytes()).unwrap();
        String::from_utf8(head[..read].to_vec()).unwrap()
    });
    let answer = proxied.get("/x", &[("Accept", "text/html")]);
    assert_eq!(answer.text(), "ok");
    let head = app.join().unwrap();
    assert!(head.starts_with("GET /x HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: tidings.test\r\n"), "{head}");
}
