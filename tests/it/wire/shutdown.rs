//! Graceful shutdown of the server.

use std::convert::Infallible;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tower::service_fn;

use super::*;
use crate::support::bodies::ScriptedBody;
use crate::support::bodies::Step;
use crate::support::wait_until;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(300);

/// Asserts that the server stops long before its drain timeout.
#[track_caller]
fn assert_ends_at_once(mut running: TestServer) {
    let start = Instant::now();
    running.stop();
    running.wait_for_exit();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    assert!(TcpStream::connect(running.address()).is_err());
}

#[test]
fn shutdown_closes_idle_connections_at_once() {
    let site = Site::with(|server| server.drain(LONG).head_timeout(LONG));
    let mut idle = site.connect();
    idle.request("GET", "/robots.txt", &[]).unwrap();
    // Browsers open connections speculatively.
    let mut silent = site.connect();
    site.assert_alive();
    assert_ends_at_once(site.running);
    assert!(idle.is_closed());
    assert!(silent.is_closed());
}

#[test]
fn shutdown_finishes_requests_in_flight() {
    // Each request waits for a permit; the permits are added when all requests have arrived.
    let permits = Arc::new(Semaphore::new(0));
    let arrived = Arc::new(AtomicUsize::new(0));
    let (permit, counter) = (Arc::clone(&permits), Arc::clone(&arrived));
    let service = service_fn(move |_request: hyper::Request<Incoming>| {
        let permit = Arc::clone(&permit);
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            permit.acquire_owned().await.unwrap().forget();
            Ok::<_, Infallible>(hyper::Response::new(Full::<Bytes>::from("done")))
        }
    });
    let mut running = TestServer::new(service, |server| server.drain(LONG));
    let clients = [(); 3].map(|()| {
        let mut client = Client::connect(running.address()).unwrap();
        client.send_request("GET", "/", &[]).unwrap();
        client
    });
    wait_until("all requests", || {
        (arrived.load(Ordering::Relaxed) == 3).then_some(())
    });
    running.stop();
    wait_until("connections to be refused", || {
        TcpStream::connect(running.address()).is_err().then_some(())
    });
    permits.add_permits(3);
    for mut client in clients {
        let answer = client.response().unwrap();
        assert_eq!(answer.text(), "done");
        assert_eq!(answer.field("connection"), "close");
        assert!(client.is_closed());
    }
    running.wait_for_exit();
}

#[test]
fn shutdown_drain_elapsed_aborts_responses() {
    const DRAIN: Duration = Duration::from_millis(300);
    // More than all buffers hold, so that it does not finish.
    let service = service_fn(|_request: hyper::Request<Incoming>| async {
        let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
        let steps = (0..200).map(|_| Step::Data(piece.clone()));
        Ok::<_, Infallible>(hyper::Response::new(ScriptedBody::new(steps)))
    });
    let mut running = TestServer::new(service, |server| server.drain(DRAIN));
    let mut client = Client::connect(running.address()).unwrap();
    client.send_request("GET", "/", &[]).unwrap();
    let head = client.head().unwrap();
    let length: usize = head.field("content-length").parse().unwrap();
    let start = Instant::now();
    running.stop();
    running.wait_for_exit();
    let took = start.elapsed();
    assert!(took >= DRAIN && took < DRAIN * 30, "it took {took:?}");
    // The runtime still runs, but the connection is closed.
    match client.rest() {
        Ok(rest) => assert!(rest.len() < length, "all of it was sent"),
        Err(error) => assert!(is_disconnect(&error), "{error}"),
    }
}

#[test]
fn shutdown_incomplete_request_waits_no_longer_than_drain() {
    let site = Site::with(|server| server.drain(Duration::from_millis(300)).head_timeout(LONG));
    let mut half = site.send("GET /robots.txt HTTP/1.1\r\n");
    site.assert_alive();
    assert_ends_at_once(site.running);
    assert!(half.is_closed());
}
