//! Event streams and long polls of the app are forwarded without delay, without a time limit, and unchanged.

use tidings::Release;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tower::Layer as _;

use super::*;
use crate::support::server::TestServer;
use crate::support::signal::Signal;

/// A proxy behind the layer, as in the program, with a short body idle timeout.
fn proxy_behind_layer(upstream: &Upstream) -> TestServer {
    let site = Site::new();
    site.publish(Release::new("v1".parse().unwrap(), 1_700_000_000_000));
    let proxy = Proxy::new([url(upstream.address()).parse().unwrap()]).unwrap();
    let proxy = proxy.body_idle_timeout(SHORT);
    TestServer::new(UpdateNotifierLayer::new(site).layer(proxy), |server| server)
}

#[test]
fn event_stream_forwards_each_event_at_once_and_unchanged() {
    let next = Signal::new();
    let go = next.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
        )?;
        for number in 0..3 {
            go.wait();
            let event = format!("data: <head><title>{number}</title>\n\n");
            connection.send(format!("{:x}\r\n{event}\r\n", event.len()))?;
        }
        connection.wait_for_end()
    });
    let running = proxy_behind_layer(&upstream);
    let mut client = Client::connect(running.address()).unwrap();
    let fields = [
        ("Accept", "text/event-stream"),
        ("Accept-Encoding", "gzip, br"),
        ("Last-Event-ID", "7"),
    ];
    client.send_request("GET", "/events", &fields).unwrap();
    let head = client.head().unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-encoding"), "");
    assert_eq!(
        head.field("content-type"),
        "text/event-stream; charset=utf-8"
    );
    for number in 0..3 {
        // The idle timeout does not apply to event streams.
        assert!(client.is_silent(SHORT * 3));
        next.notify();
        let event = String::from_utf8(client.chunk().unwrap().unwrap()).unwrap();
        assert_eq!(event, format!("data: <head><title>{number}</title>\n\n"));
    }
    assert_eq!(upstream.only_request().field("last-event-id"), "7");
}

#[test]
fn event_stream_head_arrives_before_the_first_event() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\n\r\n")?;
        connection.wait_for_end()
    });
    let running = proxy_behind_layer(&upstream);
    let mut client = Client::connect(running.address()).unwrap();
    client.send_request("GET", "/events", &[]).unwrap();
    assert_eq!(client.head().unwrap().status, 200);
    assert!(client.is_silent(SHORT * 3));
}

#[test]
fn event_stream_client_disconnect_closes_upstream_connection() {
    let left = Signal::new();
    let has_left = left.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n")?;
        connection.wait_for_end()?;
        left.notify();
        Ok(())
    });
    let running = proxy_behind_layer(&upstream);
    let mut client = Client::connect(running.address()).unwrap();
    client.send_request("GET", "/events", &[]).unwrap();
    client.head().unwrap();
    assert_eq!(client.chunk().unwrap().unwrap(), b": hi\n\n");
    drop(client);
    has_left.wait();
}

#[test]
fn event_stream_upstream_end_ends_the_response() {
    let upstream = Upstream::new(|connection| {
        connection.request()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n")
    });
    let running = proxy_behind_layer(&upstream);
    let mut client = Client::connect(running.address()).unwrap();
    assert_eq!(
        client.request("GET", "/events", &[]).unwrap().text(),
        ": hi\n\n"
    );
}

#[test]
fn long_poll_late_response_is_forwarded() {
    let go = Signal::new();
    let is_over = go.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request()?;
        is_over.wait();
        connection.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        )
    });
    let running = proxy_behind_layer(&upstream);
    let mut client = Client::connect(running.address()).unwrap();
    client.send_request("GET", "/poll", &[]).unwrap();
    assert!(client.is_silent(SHORT * 3));
    go.notify();
    assert_eq!(client.response().unwrap().text(), "{}");
}
