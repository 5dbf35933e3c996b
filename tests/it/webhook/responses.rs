//! The response to each kind of request.

use serde_json::json;

use super::*;

#[tokio::test]
async fn webhook_other_paths_are_not_the_webhook() {
    let (_, layer) = named_site();
    for path in ["/", "/deploys", "//__tidings/deploys"] {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = send(&layer, method, path, &[BEARER], one_frame("{}")).await;
            assert_eq!(reply.status, 418, "{path}");
            assert_eq!(reply.text(), format!("{method} {path}"));
            assert_eq!(reply.headers.len(), 0);
        }
    }
    for path in [
        "/__tidings/deploys/",
        "/__tidings/deploys/x",
        "/__tidings/Deploys",
        "/__tidings/%64eploys",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = send(&layer, method, path, &[BEARER], one_frame("{}")).await;
            assert_rejected(&reply, 404, "nothing here");
        }
    }
    let events = "/__tidings/events";
    let reply = send(&layer, "POST", events, &[BEARER], one_frame("{}")).await;
    assert_rejected(&reply, 405, "");
    assert_eq!(reply.field("allow"), "GET, HEAD");
    let reply = send(
        &layer,
        "POST",
        "/__tidings/deploys?x=/y",
        &[BEARER],
        one_frame(""),
    )
    .await;
    assert_eq!(reply.status, 202);
    let layer = layer.prefix("/_news").unwrap();
    let reply = send(&layer, "POST", "/_news/deploys", &[BEARER], one_frame("")).await;
    assert_eq!(reply.status, 202);
    let reply = send(&layer, "POST", PATH, &[BEARER], one_frame("")).await;
    assert_eq!(reply.status, 418);
}

#[tokio::test]
async fn webhook_without_secret_returns_404() {
    let (site, _) = named_site();
    let layer = UpdateNotifierLayer::new(site);
    for method in ["GET", "POST", "PUT"] {
        let reply = send(&layer, method, PATH, &[BEARER], one_frame("{}")).await;
        assert_rejected(&reply, 404, "nothing here");
    }
}

#[tokio::test]
async fn webhook_wrong_method_returns_405_with_allow() {
    let (_, layer) = named_site();
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"] {
        let reply = send(&layer, method, PATH, &[BEARER], one_frame("")).await;
        assert_rejected(&reply, 405, "POST");
        assert_eq!(reply.field("allow"), "GET, HEAD, POST");
    }
}

#[tokio::test]
async fn webhook_unauthorized_returns_identical_401() {
    let (_, layer) = named_site();
    let signature = sign("{}");
    let wrong = signature.replace("sha256=", "sha1=");
    let mut bodies = Vec::new();
    for fields in [
        &[][..],
        &[("authorization", "Bearer wrong")],
        &[
            ("authorization", "Bearer wrong"),
            ("x-hub-signature-256", &signature),
        ],
        &[("authorization", "Basic eDp5")],
        &[("x-hub-signature-256", &sign("{} "))],
        &[("x-hub-signature-256", &wrong)],
        &[("x-github-event", "ping")],
    ] {
        let reply = post(&layer, fields, "{}").await;
        assert_rejected(&reply, 401, "");
        bodies.push(reply.body);
        let reply = send(&layer, "GET", PATH, fields, ScriptedBody::default()).await;
        assert_rejected(&reply, 401, "");
        bodies.push(reply.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn webhook_wrong_token_does_not_read_the_body() {
    let (_, layer) = named_site();
    for fields in [&[][..], &[("authorization", "Bearer wrong")]] {
        let body = one_frame("{}");
        let polls = body.polls();
        let reply = send(&layer, "POST", PATH, fields, body).await;
        assert_rejected(&reply, 401, "");
        assert_eq!(polls.load(std::sync::atomic::Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn webhook_accepted_response_describes_the_outcome() {
    let (_, layer) = named_site();
    for (body, will, id, attached, text) in [
        ("", "look", None, &[][..], "The sources now check"),
        ("{}", "look", None, &[], "The sources now check"),
        (
            r#"{"label":"1","notes":"n","policy":"idle"}"#,
            "look",
            None,
            &["label", "notes", "policy"],
            "The label, the notes and the policy are attached to it, if it is published within 15 minutes. If there is none after 10 s, to the current one, v1,",
        ),
        (
            r#"{"notes":"n"}"#,
            "look",
            None,
            &["notes"],
            "The notes are attached to it",
        ),
        (
            r#"{"id":"v1"}"#,
            "nothing",
            Some("v1"),
            &[],
            "v1 is already current",
        ),
        (
            r#"{"id":"v2","label":"2"}"#,
            "publish",
            Some("v2"),
            &["label"],
            "The label is attached to it.",
        ),
    ] {
        let reply = post(&layer, &[BEARER, ("content-type", "text/plain")], body).await;
        assert_eq!(reply.status, 202, "{body}");
        assert_eq!(reply.field("content-type"), "application/json");
        assert_eq!(reply.field("cache-control"), "no-store");
        assert_eq!(reply.field("x-content-type-options"), "nosniff");
        let answer = json(&reply);
        assert_eq!(answer["will"], will);
        assert_eq!(answer["id"], json!(id));
        assert_eq!(answer["current"], id.unwrap_or("v1"));
        assert_eq!(answer["said"], json!(attached));
        assert!(answer["text"].as_str().unwrap().contains(text), "{answer}");
    }
    let long = json!({ "notes": "x".repeat(5000) }).to_string();
    let answer = json(&post(&layer, &[BEARER], &long).await);
    let text = answer["text"].as_str().unwrap();
    assert!(
        text.ends_with("But \"notes\" is cut to 4000 characters."),
        "{text}"
    );
}

#[tokio::test]
async fn webhook_invalid_body_returns_400_with_the_reason() {
    let (site, layer) = named_site();
    for (body, text) in [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (r#"{"label":1}"#, "\"label\" is not a string"),
        (
            r#"{"lable":"1"}"#,
            "unknown field `lable`, expected one of `id`, `notes`, `label`, `policy`, `time`",
        ),
        (r#"{"id":"a b"}"#, "invalid release id \"a b\": use 1 to 64"),
        (
            r#"{"policy":"loud"}"#,
            "invalid policy \"loud\": use prompt",
        ),
    ] {
        assert_rejected(&post(&layer, &[BEARER], body).await, 400, text);
        assert_rejected(&post_signed(&layer, body).await, 400, text);
    }
    assert_eq!(site.current().unwrap().id().as_str(), "v1");
}

#[tokio::test]
async fn webhook_id_publishes_named_release_with_metadata() {
    let (site, layer) = named_site();
    post(
        &layer,
        &[BEARER],
        r#"{"id":"v2","notes":"n","policy":"force"}"#,
    )
    .await;
    assert_eq!(site.current().unwrap().id().as_str(), "v2");
    let last = last(&layer).await;
    assert_eq!(
        (&last["id"], &last["by"]),
        (&json!("v2"), &json!("webhook"))
    );
    assert_eq!(
        (&last["notes"], &last["policy"]),
        (&json!("n"), &json!("force"))
    );
    assert!(last["built"].as_u64().unwrap() >= (seconds() - 60) * 1000);

    let site = Site::new();
    let layer = hook(&site);
    assert_eq!(
        post(&layer, &[BEARER], r#"{"id":"first"}"#).await.status,
        202
    );
    assert_eq!(site.current().unwrap().id().as_str(), "first");
}

#[tokio::test]
async fn webhook_get_lists_deploys_newest_first() {
    let site = Site::new();
    let layer = hook(&site);
    let list = async || send(&layer, "GET", PATH, &[BEARER], ScriptedBody::default()).await;
    let reply = list().await;
    assert_eq!(json(&reply), json!([]));
    assert_eq!(reply.field("content-type"), "application/json");
    assert_eq!(reply.field("cache-control"), "no-store");
    site.publish(Release::new("v1".parse().unwrap(), 7).with_label("1.0"));
    post(&layer, &[BEARER], r#"{"id":"v2"}"#).await;
    let mut deploys = json(&list().await);
    for deploy in deploys.as_array_mut().unwrap() {
        let published = deploy.as_object_mut().unwrap().remove("published").unwrap();
        humantime::parse_rfc3339(published.as_str().unwrap()).unwrap();
    }
    assert_eq!(deploys[0]["id"], "v2");
    assert_eq!(
        deploys[1],
        json!({ "id": "v1", "built": 7, "by": "source", "label": "1.0" })
    );
    let head = send(&layer, "HEAD", PATH, &[BEARER], ScriptedBody::default()).await;
    assert_eq!(head.status, 200);
}
