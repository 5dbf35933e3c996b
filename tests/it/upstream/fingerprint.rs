//! Fingerprints that an upstream provides: a header, a JSON value, or the entity tag.

use super::*;

/// A server that exposes `version` as header, in JSON and as entity tag. Its page changes with every request.
fn with_version(
    version: &'static str,
) -> impl FnMut(&TestRequest) -> TestResponse + Send + 'static {
    let mut n = 0;
    move |request| {
        n += 1;
        let page = shell(&format!("x{n}"));
        let json = format!("{{\"build\":{{\"id\":\"{version}\"}}}}");
        let (kind, body) = match request.uri().path() {
            "/version.json" => ("application/json", json),
            _ => ("text/html", page),
        };
        let response = Response::builder()
            .header("content-type", kind)
            .header("x-version", version)
            .header("etag", format!("W/\"{version}\""));
        response.body(Full::from(body)).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn fingerprint_value_is_id_and_label() {
    for (choice, has_label) in [
        ("header:X-Version", true),
        ("json:/version.json#build.id", true),
        ("etag", false),
    ] {
        let upstream = Upstream::with_handler(with_version("1.4.1"));
        let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
            poll.fingerprint(choice.parse().unwrap())
        });
        polled.advance(2).await;
        assert_eq!(polled.id(), "1.4.1", "{choice}");
        upstream.set_handler(with_version("1.4.2 (beta)"));
        polled.advance(30).await;
        assert_eq!(polled.later_releases(), 1, "{choice}");
        let release = polled.site.current().unwrap();
        assert_eq!(
            release.label(),
            has_label.then_some("1.4.2 (beta)"),
            "{choice}"
        );
        assert_eq!(release.id().as_str().len(), 20, "no id as it is: {choice}");
    }
}

#[tokio::test(start_paused = true)]
async fn fingerprint_header_of_page_selects_its_release() {
    let upstream = Upstream::with_handler(with_version("1"));
    let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
        poll.fingerprint("header:X-Version".parse().unwrap())
    });
    polled.advance(2).await;
    assert_eq!(release_id(&polled.visit("/any/where").await), Some("1"));
    let old = upstream.clone();
    let new = Upstream::with_handler(with_version("2"));
    let reply = polled.visit_from(&new, "/", &[]).await;
    assert_eq!(release_id(&reply), Some("2"), "before the next poll");
    upstream.set_handler(with_version("2"));
    polled.advance(30).await;
    assert_eq!(polled.id(), "2");
    assert_eq!(
        polled.site.current().unwrap().built().to_string(),
        built(&reply)
    );
    old.set_handler(with_version("1"));
    assert_eq!(
        release_id(&polled.visit("/").await),
        Some("1"),
        "of a server that is behind"
    );
}

#[tokio::test(start_paused = true)]
async fn fingerprint_value_missing_publishes_nothing() {
    for choice in [
        "header:X-Nothing",
        "json:/version.json#nothing",
        "json:/page#version",
    ] {
        let upstream = Upstream::with_handler(with_version("1"));
        let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
            poll.fingerprint(choice.parse().unwrap())
        });
        polled.advance(30).await;
        assert!(polled.site.current().is_none(), "{choice}");
    }
}

#[test]
fn poll_upstream_invalid_settings_are_errors() {
    let poll = || PollUpstream::new(vec![()]);
    assert!(poll().pages([]).is_err());
    assert!(poll().pages(["/", "admin"]).is_err());
    assert!(poll().pages(["//other.example/"]).is_err());
    assert!(poll().host("a b").is_err());
    assert!(poll().host("user@example.org").is_err());
    assert!(poll().host("example.org:8443").is_ok());
}
