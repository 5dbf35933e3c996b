//! Signed announcements: clock skew and replay protection.

use super::*;

/// A body with the current time.
fn timed(rest: &str) -> String {
    format!("{{\"time\":{}{rest}}}", seconds())
}

#[tokio::test]
async fn signature_of_github_documentation_is_accepted() {
    let (_, layer) = named_site();
    let code = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signature = format!("sha256={code}");
    let fields = [
        ("x-hub-signature-256", &*signature),
        ("x-github-event", "push"),
    ];
    let reply = post(&layer, &fields, "Hello, World!").await;
    assert_eq!(reply.status, 202);
    assert_rejected(
        &post(&layer, &fields, "Hello, World?").await,
        401,
        "a valid bearer token",
    );
    // Without X-GitHub-Event the body must be our JSON.
    assert_rejected(
        &post(&layer, &fields[..1], "Hello, World!").await,
        400,
        "not JSON",
    );
}

#[tokio::test]
async fn github_event_payload_only_requests_a_check() {
    let (site, layer) = named_site();
    let body = r#"{"id":"v9","label":"theirs","notes":7,"action":"created"}"#;
    let fields = |event| [("x-github-event", event)];
    for fields in [
        &[("x-hub-signature-256", &*sign(body)), fields("push")[0]][..],
        &[BEARER, fields("release")[0]],
    ] {
        let reply = post(&layer, fields, body).await;
        assert_eq!(reply.status, 202);
        assert_eq!(json(&reply)["will"], "look");
        assert_eq!(json(&reply)["said"], serde_json::json!([]));
    }
    assert_eq!(site.current().unwrap().id().as_str(), "v1");
    let signed = ("x-hub-signature-256", &*sign(body));
    let reply = post(&layer, &[signed, fields("push")[0]], body).await;
    assert_rejected(&reply, 401, "used before");
}

#[tokio::test]
async fn github_ping_returns_202_and_does_nothing() {
    let (_, layer) = named_site();
    let signature = sign("{\"zen\":\"\"}");
    let fields = [
        ("x-hub-signature-256", &*signature),
        ("x-github-event", "ping"),
    ];
    // Above the rate limit of announcements.
    for _ in 0..40 {
        let reply = post(&layer, &fields, "{\"zen\":\"\"}").await;
        assert_eq!(reply.status, 202);
        assert_eq!(json(&reply)["will"], "nothing");
    }
    assert_eq!(post(&layer, &[BEARER], "").await.status, 202);
}

#[tokio::test]
async fn signed_time_off_by_over_300_s_returns_401() {
    let (_, layer) = named_site();
    let at = |seconds: u64| format!("{{\"time\":{seconds}}}");
    for offset in [0, 240] {
        assert_eq!(
            post_signed(&layer, &at(seconds() - offset)).await.status,
            202
        );
    }
    let ahead = humantime::format_rfc3339(SystemTime::now() + std::time::Duration::from_secs(240));
    assert_eq!(
        post_signed(&layer, &format!("{{\"time\":\"{ahead}\"}}"))
            .await
            .status,
        202
    );
    let reply = post_signed(&layer, &at(seconds() - 400)).await;
    assert_rejected(
        &reply,
        401,
        " s behind the server's clock, and 300 s are allowed",
    );
    let reply = post_signed(&layer, &at(seconds() + 400)).await;
    assert_rejected(&reply, 401, " s ahead of the server's clock");
    assert_rejected(
        &post_signed(&layer, "{\"time\":true}").await,
        400,
        "not a time",
    );
}

#[tokio::test]
async fn signed_metadata_without_time_returns_401() {
    let (site, layer) = named_site();
    for field in [
        "\"id\":\"v2\"",
        "\"notes\":\"n\"",
        "\"label\":\"1\"",
        "\"policy\":\"idle\"",
    ] {
        let reply = post_signed(&layer, &format!("{{{field}}}")).await;
        assert_rejected(&reply, 401, "{\"time\": 1767225600}");
        assert_eq!(site.current().unwrap().id().as_str(), "v1");
        let reply = post_signed(&layer, &timed(&format!(",{field}"))).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        // A bearer token needs no time.
        let reply = post(&layer, &[BEARER], "{\"id\":\"v1\",\"time\":1}").await;
        assert_eq!(reply.status, 202);
    }
}

#[tokio::test]
async fn signature_replayed_returns_401_token_is_reusable() {
    let (_, layer) = named_site();
    for body in ["", "{}", "{\"label\":null}", &timed("")] {
        assert_eq!(post_signed(&layer, body).await.status, 202, "{body}");
        assert_rejected(&post_signed(&layer, body).await, 401, "used before");
        assert_eq!(post(&layer, &[BEARER], body).await.status, 202);
        assert_eq!(post(&layer, &[BEARER], body).await.status, 202);
    }
}

#[tokio::test]
async fn signature_of_incomplete_request_may_be_sent_again() {
    let (site, layer) = named_site();
    let body = timed(",\"label\":\"1\"");
    let signature = sign(&body);
    let fields = [("x-hub-signature-256", &*signature)];
    let broken = ScriptedBody::new([Step::from("{"), Step::Error]);
    assert_rejected(
        &send(&layer, "POST", PATH, &fields, broken).await,
        400,
        "incomplete",
    );
    assert_eq!(post(&layer, &fields, &body).await.status, 202);
    assert_eq!(site.current().unwrap().id().as_str(), "v1");
}
