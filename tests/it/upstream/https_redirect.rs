//! Applications that redirect plain HTTP requests to `https`.

use tidings::HostHeader;
use tidings::Proxy;
use tokio::runtime::Runtime;

use super::*;
use crate::support::upstream;
use crate::support::wait_until;

fn redirect(to: &str) -> TestResponse {
    let response = Response::builder().status(301).header("location", to);
    response.body(Full::default()).unwrap()
}

fn field<'a>(request: &'a TestRequest, name: &str) -> &'a str {
    let value = request.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// An application that redirects to `location` unless `X-Forwarded-Proto` is `https`.
fn redirecting_to_https(location: &'static str) -> Upstream {
    Upstream::with_handler(move |request| match field(request, "x-forwarded-proto") {
        "https" => html(&shell("a1")),
        _ => redirect(location),
    })
}

#[tokio::test(start_paused = true)]
async fn https_redirect_is_followed_by_x_forwarded_proto_and_remembered() {
    for (location, host, expected) in [
        ("https://example.org/", Some("example.org"), Some(2)),
        ("https://example.org/", Some("example.org:8080"), Some(2)),
        ("https://example.org/en/", Some("example.org"), Some(2)),
        ("/", Some("example.org"), Some(2)),
        ("https://localhost:3000/", None, Some(2)),
        ("https://example.com/", Some("example.org"), None),
        ("https://example.com/en/", None, None),
    ] {
        let upstream = redirecting_to_https(location);
        let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| match host {
            Some(host) => poll.host(host).unwrap(),
            None => poll,
        });
        polled.advance(1).await;
        let received = polled.site.current().map(|_| upstream.request_count());
        assert_eq!(received, expected, "{location}");
        let Some(received) = received else { continue };
        polled.site.request_check();
        polled.advance(2).await;
        assert_eq!(upstream.request_count(), received + 1, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn https_retry_sends_forwarded_and_x_forwarded_proto() {
    for (host, expected) in [
        (Some("example.org"), "proto=https;host=\"example.org\""),
        (None, "proto=https"),
    ] {
        let upstream = Upstream::with_handler(move |request| {
            match (
                field(request, "forwarded"),
                field(request, "x-forwarded-proto"),
            ) {
                ("", "") => redirect("https://example.org/"),
                forwarded => {
                    assert_eq!(forwarded, (expected, "https"));
                    html(&shell("a1"))
                }
            }
        });
        let mut polled = PolledSite::with(&[upstream], |poll| match host {
            Some(host) => poll.host(host).unwrap(),
            None => poll,
        });
        polled.advance(1).await;
        assert!(polled.site.current().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn https_redirect_loop_publishes_nothing() {
    for host in [Some("example.org"), None] {
        let upstream = Upstream::with_handler(|_| redirect("https://example.org/"));
        let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| match host {
            Some(host) => poll.host(host).unwrap(),
            None => poll,
        });
        polled.advance(1).await;
        assert!(polled.site.current().is_none());
        assert!(upstream.request_count() <= 6);
    }
}

#[test]
fn https_redirect_through_proxy_sends_forwarded_proto() {
    for (to, host, seen) in [
        ("https://{host}{path}", HostHeader::Keep, None),
        ("https://127.0.0.1{path}", HostHeader::Keep, None),
        ("https://{host}/en{path}", HostHeader::Keep, None),
        ("https://{host}{path}", HostHeader::Upstream, None),
        (
            "https://{host}{path}",
            HostHeader::Keep,
            Some("example.org"),
        ),
        (
            "https://{host}{path}",
            HostHeader::Name("example.org".parse().unwrap()),
            None,
        ),
    ] {
        let application = upstream::Upstream::new(move |connection| {
            loop {
                let received = connection.request()?;
                let path = received.line.split(' ').nth(1).unwrap_or_default();
                let to = to
                    .replace("{host}", received.field("host"))
                    .replace("{path}", path);
                if received.field("x-forwarded-proto") == "https" {
                    let page = shell("a1");
                    let length = page.len();
                    connection.send(format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"
                    ))?;
                } else {
                    connection.send(format!(
                        "HTTP/1.1 301 Moved Permanently\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
                    ))?;
                }
            }
        });
        let address = format!("http://{}", application.address());
        let proxy = Proxy::new([address.parse().unwrap()]).unwrap().host(host);
        let mut poll = PollUpstream::new(proxy.upstream_services());
        if let Some(seen) = seen {
            poll = poll.host(seen).unwrap();
        }
        let (site, runtime) = (Site::new(), Runtime::new().unwrap());
        let source = site.clone();
        runtime.spawn(async move { match poll.run(source).await {} });
        wait_until(to, || site.current());
        let received = application.requests();
        let forwarded = received.last().unwrap().field("forwarded");
        assert!(forwarded.ends_with("proto=https"), "{forwarded}");
        assert!(!forwarded.contains(','), "{forwarded}");
    }
}
