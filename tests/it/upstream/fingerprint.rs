//! Telling builds apart by what they say themselves.

use super::*;

/// A server whose build calls itself so, in every way.
fn calling_itself(version: &'static str) -> impl FnMut(&Asked) -> Answer + Send + 'static {
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
        let upstream = Upstream::answering(calling_itself("1.4.1"));
        let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
            poll.fingerprint(choice.parse().unwrap())
        });
        fleet.pass(2).await;
        assert_eq!(fleet.id(), "1.4.1", "{choice}");
        upstream.become_one(calling_itself("1.4.2 (beta)"));
        fleet.pass(30).await;
        assert_eq!(fleet.news(), 1, "{choice}");
        let release = fleet.site.current().unwrap();
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
    let upstream = Upstream::answering(calling_itself("1"));
    let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
        poll.fingerprint("header:X-Version".parse().unwrap())
    });
    fleet.pass(2).await;
    assert_eq!(stamp(&fleet.visit("/any/where").await), Some("1"));
    let old = upstream.clone();
    let new = Upstream::answering(calling_itself("2"));
    let reply = fleet.visit_from(&new, "/", &[]).await;
    assert_eq!(stamp(&reply), Some("2"), "before anybody has looked");
    upstream.become_one(calling_itself("2"));
    fleet.pass(30).await;
    assert_eq!(fleet.id(), "2");
    assert_eq!(
        fleet.site.current().unwrap().built().to_string(),
        built(&reply)
    );
    old.become_one(calling_itself("1"));
    assert_eq!(
        stamp(&fleet.visit("/").await),
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
        let upstream = Upstream::answering(calling_itself("1"));
        let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
            poll.fingerprint(choice.parse().unwrap())
        });
        fleet.pass(30).await;
        assert!(fleet.site.current().is_none(), "{choice}");
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
