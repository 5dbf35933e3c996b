//! Retries, load balancing, and ejection of unhealthy upstreams.

use super::*;
use crate::support::http::request;
use crate::support::signal::Signal;
use crate::support::wait_until;

/// An address that refuses connections. A port that was free a moment ago may be in use by another test.
const REFUSED: &str = "http://127.0.0.1:1";

/// An upstream that responds with its name.
fn named(name: &str) -> Upstream {
    Upstream::responding(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}",
        name.len()
    ))
}

#[track_caller]
fn send(proxied: &TestProxy, method: &str) -> (u16, String) {
    let fields: &[(&str, &str)] = match method {
        "GET" => &[],
        _ => &[("Content-Length", "0")],
    };
    let answer = request(proxied.address(), method, "/", fields).unwrap();
    (answer.status, answer.text().to_owned())
}

#[test]
fn pooled_connection_closed_while_idle_is_replaced() {
    for method in ["GET", "POST"] {
        let (close, closed) = (Signal::new(), Signal::new());
        let (is_over, is_closed) = (close.clone(), closed.clone());
        let upstream = Upstream::new(move |connection| {
            connection.request()?;
            connection.send(OK)?;
            is_over.wait();
            connection.finish()?;
            connection.wait_for_end()?;
            closed.notify();
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        for number in 1..=3 {
            assert_eq!(send(&proxied, method), (200, "ok".to_owned()));
            close.notify();
            // The proxy has noticed the close.
            is_closed.wait();
            assert_eq!(upstream.connections(), number);
        }
    }
}

#[test]
fn stale_connection_idempotent_request_is_retried() {
    for (method, status) in [("GET", 200), ("DELETE", 200), ("POST", 502), ("PATCH", 502)] {
        let upstream = Upstream::new(|connection| {
            connection.request()?;
            connection.send(OK)?;
            // The next request is read, but gets no response.
            connection.request()?;
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        assert_eq!(send(&proxied, "GET").0, 200);
        assert_eq!(send(&proxied, method).0, status, "{method}");
        let lines: Vec<_> = upstream
            .requests()
            .iter()
            .map(|received| received.connection)
            .collect();
        let expected: &[usize] = if status == 200 { &[1, 1, 2] } else { &[1, 1] };
        assert_eq!(lines, expected, "{method}");
    }
}

#[test]
fn new_connection_closed_idempotent_request_is_retried_once() {
    for (method, count) in [("GET", 2), ("PUT", 2), ("POST", 1)] {
        let upstream = Upstream::new(|connection| {
            connection.request()?;
            Ok(())
        });
        let proxied = TestProxy::new(&upstream);
        assert_eq!(
            send(&proxied, method),
            (502, "502 Bad Gateway\n".to_owned())
        );
        assert_eq!(upstream.requests().len(), count, "{method}");
        assert_eq!(upstream.connections(), count);
    }
}

#[test]
fn connection_reset_idempotent_request_is_retried() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        match connection.number {
            1 => connection.reset(),
            _ => connection.send(OK),
        }
    });
    let proxied = TestProxy::new(&upstream);
    assert_eq!(send(&proxied, "GET").0, 200);
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn response_started_request_is_not_retried() {
    for (first, is_reset) in [
        ("H", false),
        ("H", true),
        ("HTTP/1.1 100 Continue\r\n\r\n", false),
    ] {
        let upstream = Upstream::new(move |connection| {
            connection.request()?;
            connection.send(first)?;
            if is_reset { connection.reset() } else { Ok(()) }
        });
        let other = named("other");
        let addresses = [url(upstream.address()), url(other.address())];
        let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
        let answer = send(&proxied, "GET");
        // A reset may discard the byte.
        if !is_reset {
            assert_eq!(answer.0, 502, "{first}");
            assert_eq!(other.requests().len(), 0);
        }
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[test]
fn response_head_incomplete_returns_504_without_retry() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\n")?;
        connection.wait_for_end()
    });
    let other = named("other");
    let addresses = [url(upstream.address()), url(other.address())];
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| {
        proxy.first_byte_timeout(SHORT)
    });
    assert_eq!(send(&proxied, "GET").0, 504);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn first_byte_timeout_idempotent_request_tries_next_upstream() {
    for (method, expected) in [
        ("GET", (200, "other")),
        ("POST", (504, "504 Gateway Timeout\n")),
    ] {
        let upstream = Upstream::new(|connection| {
            connection.request()?;
            connection.wait_for_end()
        });
        let other = named("other");
        let addresses = [url(upstream.address()), url(other.address())];
        let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| {
            proxy.first_byte_timeout(SHORT * 4)
        });
        assert_eq!(send(&proxied, method), (expected.0, expected.1.to_owned()));
    }
}

#[test]
fn request_body_partly_read_is_not_retried() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        Ok(())
    });
    let proxied = TestProxy::new(&upstream);
    let put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(proxied.send(put).response().unwrap().status, 502);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn upstream_connect_refused_unread_body_goes_to_next_upstream() {
    let upstream = named("here");
    let there = url(upstream.address());
    for method in ["POST", "PUT"] {
        let proxied = TestProxy::with_upstreams(&[REFUSED, &there], |proxy| proxy);
        let sent = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(proxied.send(sent).response().unwrap().text(), "here");
        assert_eq!(upstream.requests().pop().unwrap().text(), "abc");
    }
}

#[test]
fn upstream_closed_without_response_is_ejected_for_a_while() {
    let broken = Upstream::new(|connection| {
        connection.request()?;
        Ok(())
    });
    let well = named("well");
    let addresses = [url(broken.address()), url(well.address())];
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
    assert_eq!(send(&proxied, "GET"), (200, "well".to_owned()));
    assert_eq!(broken.requests().len(), 1);
    // The upstream is ejected for a while.
    for _ in 0..6 {
        assert_eq!(send(&proxied, "POST"), (200, "well".to_owned()));
    }
    assert_eq!(broken.requests().len(), 1);
}

#[test]
fn upstreams_are_used_round_robin() {
    let all = ["a", "b", "c"].map(named);
    let addresses = all.each_ref().map(|upstream| url(upstream.address()));
    let addresses = addresses.each_ref().map(String::as_str);
    let proxied = TestProxy::with_upstreams(&addresses, |proxy| proxy);
    let answers: Vec<_> = (0..6).map(|_| send(&proxied, "GET").1).collect();
    assert_eq!(answers.concat(), "abcabc");
}

#[test]
fn upstreams_all_ejected_are_still_tried() {
    let all = [(); 2].map(|()| {
        Upstream::new(|connection| {
            connection.request()?;
            match connection.number {
                1 => Ok(()),
                _ => connection.send(OK),
            }
        })
    });
    let addresses = all.each_ref().map(|upstream| url(upstream.address()));
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
    assert_eq!(send(&proxied, "GET").0, 502);
    assert_eq!(send(&proxied, "GET").0, 200);
}

#[test]
fn upstream_503_response_is_forwarded_without_retry() {
    let upstream =
        Upstream::responding("HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nout");
    let proxied = TestProxy::new(&upstream);
    let answer = proxied.get("/", &[]);
    assert_eq!((answer.status, answer.text()), (503, "out"));
    assert_eq!(answer.field("retry-after"), "7");
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn health_check_failing_upstream_is_ejected_until_it_passes() {
    let is_ill = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let ill = std::sync::Arc::clone(&is_ill);
    let moody = Upstream::new(move |connection| {
        loop {
            let received = connection.request()?;
            let is_check = received.line.contains("/health");
            let is_ill = ill.load(std::sync::atomic::Ordering::SeqCst);
            connection.send(if is_check && is_ill {
                "HTTP/1.1 500 X\r\nContent-Length: 5\r\n\r\nmoody"
            } else {
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmoody"
            })?;
        }
    });
    let well = named("well");
    let addresses = [url(moody.address()), url(well.address())];
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
    let proxy = proxied.proxy.clone();
    let every = Duration::from_millis(20);
    proxied
        .running
        .spawn(async move { match proxy.health_check("/health?x", every).await {} });
    let round = || [(); 4].map(|()| send(&proxied, "GET").1).concat();
    wait_until("only the one that is well", || {
        (round() == "well".repeat(4)).then_some(())
    });
    is_ill.store(false, std::sync::atomic::Ordering::SeqCst);
    wait_until("both", || round().contains("moody").then_some(()));
    let check = moody
        .requests()
        .into_iter()
        .find(|received| received.line.contains("health"));
    let check = check.unwrap();
    assert_eq!(check.line, "GET /health?x HTTP/1.1");
    assert!(check.field("user-agent").starts_with("tidings/"));
    assert_eq!(check.field("host"), moody.address().to_string());
}

#[test]
fn proxy_each_returns_one_service_per_upstream() {
    let all = ["a", "b"].map(named);
    let addresses = all.each_ref().map(|upstream| url(upstream.address()));
    let proxied = TestProxy::with_upstreams(&[&addresses[0], &addresses[1]], |proxy| proxy);
    for (service, expected) in proxied
        .proxy
        .upstream_services()
        .into_iter()
        .zip(["a", "b"])
    {
        let running = TestServer::new(service, |server| server);
        for _ in 0..3 {
            assert_eq!(http::get(running.address(), "/", &[]).text(), expected);
        }
    }
}
