//! Routes: path prefixes that are forwarded to other upstreams.

use tidings::Route;
use tidings::Routes;

use super::*;

/// An upstream that responds with `name` and the request target.
fn app(name: &'static str) -> Upstream {
    Upstream::new(move |connection| {
        loop {
            let received = connection.request()?;
            let text = format!("{name} {}", received.line.split(' ').nth(1).unwrap());
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            ))?;
        }
    })
}

/// A server with these routes; other paths go to `inner`.
fn routed(inner: &Upstream, routes: &[&str]) -> TestServer {
    routed_by(inner, routes.iter().map(|route| route.parse().unwrap()))
}

fn routed_by(inner: &Upstream, routes: impl IntoIterator<Item = Route>) -> TestServer {
    let routes = routes.into_iter().map(|route: Route| {
        let proxy = Proxy::new(route.upstreams().iter().cloned()).unwrap();
        (route, proxy)
    });
    let inner = Proxy::new([url(inner.address()).parse().unwrap()]).unwrap();
    TestServer::new(Routes::new(inner, routes), |server| server)
}

#[test]
fn route_longest_matching_prefix_wins() {
    let (inner, api, files) = (app("inner"), app("api"), app("files"));
    let running = routed(
        &inner,
        &[
            &format!("/api={}", url(api.address())),
            &format!("/api/files/={}", url(files.address())),
        ],
    );
    for (path, expected) in [
        ("/", "inner /"),
        ("/api", "api /api"),
        ("/api/", "api /api/"),
        ("/api?x", "api /api?x"),
        ("/api/x?y=%20", "api /api/x?y=%20"),
        ("/api/files", "api /api/files"),
        ("/api/files/", "files /api/files/"),
        ("/api/files/x", "files /api/files/x"),
        ("/apis", "inner /apis"),
        ("/API", "inner /API"),
        ("/x/api", "inner /x/api"),
        ("/?/api", "inner /?/api"),
        // A path that leaves the prefix by dot segments does not match.
        ("/api/../x", "inner /api/../x"),
        ("/api/%2E%2e/x", "inner /api/%2E%2e/x"),
        ("/x/../api", "inner /x/../api"),
        ("/%61pi", "inner /%61pi"),
        ("//api", "inner //api"),
    ] {
        assert_eq!(http::get(running.address(), path, &[]).text(), expected);
    }
}

#[test]
fn route_strip_removes_prefix_and_sets_x_forwarded_prefix() {
    let (inner, api) = (app("inner"), app("api"));
    let running = routed(&inner, &[&format!("/api={}/", url(api.address()))]);
    for (path, expected) in [
        ("/api", "/"),
        ("/api/", "/"),
        ("/api?x", "/?x"),
        ("/api/x/y?z", "/x/y?z"),
        ("/api//x", "/x"),
    ] {
        let answer = http::get(running.address(), path, &[("X-Forwarded-Prefix", "/lie")]);
        assert_eq!(answer.text(), format!("api {expected}"));
        let received = api.requests().pop().unwrap();
        assert_eq!(received.field("x-forwarded-prefix"), "/api");
    }
    assert_eq!(http::get(running.address(), "/x", &[]).text(), "inner /x");
}

#[test]
fn route_without_strip_drops_x_forwarded_prefix_of_client() {
    let (inner, api) = (app("inner"), app("api"));
    let running = routed(&inner, &[&format!("/api={}", url(api.address()))]);
    for upstream in ["/api", "/"] {
        http::get(
            running.address(),
            upstream,
            &[("X-Forwarded-Prefix", "/lie")],
        );
    }
    assert_eq!(api.only_request().field("x-forwarded-prefix"), "");
    assert_eq!(inner.only_request().field("x-forwarded-prefix"), "");
}

#[test]
fn route_websocket_is_tunneled() {
    let inner = app("inner");
    let live = Upstream::new(|connection| {
        assert_eq!(connection.request()?.line, "GET /live HTTP/1.1");
        connection
            .send("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")?;
        connection.take(5)?;
        Ok(())
    });
    let running = routed(&inner, &[&format!("/ws={}/", url(live.address()))]);
    let mut client = Client::connect(running.address()).unwrap();
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send_request("GET", "/ws/live", &fields).unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    assert_eq!(client.take(5).unwrap(), b"hello");
    client.send("hello").unwrap();
    assert!(client.is_closed());
}

#[test]
fn route_with_two_upstreams_uses_both() {
    let (inner, one, two) = (app("inner"), app("one"), app("two"));
    let route = Route::new("/api", &[url(one.address()), url(two.address())]).unwrap();
    let running = routed_by(&inner, [route]);
    let mut answers: Vec<_> = (0..4)
        .map(|_| http::get(running.address(), "/api", &[]).text().to_owned())
        .collect();
    answers.sort_unstable();
    assert_eq!(answers, ["one /api", "one /api", "two /api", "two /api"]);
}

#[test]
fn route_upstream_refused_returns_502_for_the_route_only() {
    let inner = app("inner");
    let running = routed(&inner, &["/api=http://127.0.0.1:1"]);
    assert_eq!(http::get(running.address(), "/api", &[]).status, 502);
    assert_eq!(http::get(running.address(), "/", &[]).text(), "inner /");
}
