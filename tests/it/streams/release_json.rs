//! `release.json`: changed files, client settings, and localized messages.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tidings::ClientSettings;
use tidings::Frames;
use tidings::NoticeStyle;
use tidings::Policy;
use tidings::Position;

use super::*;
use crate::support::directory_site::DirectorySite;
use crate::support::put;

async fn describe(site: &Site, query: &str) -> Value {
    let reply = get(site, &format!("{RELEASE}?{query}")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("content-type"), "application/json");
    assert_eq!(reply.field("cache-control"), "no-store");
    serde_json::from_slice(&reply.body).unwrap()
}

#[tokio::test]
async fn release_json_since_retained_release_lists_changes() {
    let site = [
        ("index.html", "<script src=app-4f5a6b7c.js></script>1"),
        ("app-4f5a6b7c.js", "1"),
        ("about/us.html", "1"),
        ("robots.txt", "1"),
    ];
    let served = DirectorySite::new(&site).await;
    let first = served.id();
    let changes = |value: &Value| value["changes"].clone();
    let none = json!({"added": [], "changed": [], "removed": []});
    assert_eq!(
        changes(&describe(&served.site, &format!("since={first}")).await),
        none
    );
    served
        .replace(&[
            ("index.html", "<script src=app-8d9e0f1a.js></script>2"),
            ("app-8d9e0f1a.js", "2"),
            ("about/us.html", "1"),
            ("robots.txt", "2"),
        ])
        .await;
    let value = describe(&served.site, &format!("since={first}")).await;
    let expected = json!({
        "added": ["/app-8d9e0f1a.js"],
        "changed": ["/index.html", "/robots.txt"],
        "removed": ["/app-4f5a6b7c.js"],
    });
    assert_eq!(changes(&value), expected);
    assert_eq!(value["id"], served.id());
    assert_eq!(value["previous"], json!([first]));
    assert_eq!(
        changes(&describe(&served.site, "since=other").await),
        Value::Null
    );
}

#[tokio::test]
async fn release_json_changes_include_files_added_without_notice() {
    let served = DirectorySite::new(&[("index.html", "1")]).await;
    let first = served.id();
    served.replace(&[("index.html", "2")]).await;
    let added = async || {
        describe(&served.site, &format!("since={first}")).await["changes"]["added"].clone()
    };
    assert_eq!(added().await, json!([]));
    let put_robots = |dir: &std::path::Path| put(dir, &[("robots.txt", "1")]);
    served
        .change_without_notice(put_robots, |release| release.get("/robots.txt").is_some())
        .await;
    assert_eq!(added().await, json!(["/robots.txt"]));
}

#[tokio::test]
async fn release_json_too_many_changes_are_omitted() {
    let page = |n: usize| (format!("p{n}.html"), format!("<p>{n}"));
    let pages: Vec<_> = (0..2100).map(page).collect();
    let mut files: Vec<_> = pages
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    files.push(("index.html", "1"));
    let served = DirectorySite::new(&files).await;
    let first = served.id();
    served.replace(&[("index.html", "2")]).await;
    let value = describe(&served.site, &format!("since={first}")).await;
    assert_eq!(value["changes"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn release_json_of_named_releases_has_no_changes() {
    let site = Site::new();
    publish(&site, "a");
    publish(&site, "b");
    assert_eq!(describe(&site, "since=a").await["changes"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn release_json_has_client_settings() {
    let site = Site::new();
    publish(&site, "a");
    let value = describe(&site, "since=a&lang=xx,de-AT").await;
    assert_eq!(value["settings"]["policy"], "prompt");
    assert_eq!(value["settings"]["form"], "toast");
    assert_eq!(value["settings"]["later"], 4 * 3600 * 1000);
    assert_eq!(value["settings"]["texts"]["refresh"], "Neu laden");
    assert_eq!(value["delay"], 0, "no other stream is open");

    let settings = ClientSettings::new()
        .policy(Policy::Navigate)
        .policy_for("/admin", Policy::Force)
        .unwrap()
        .policy_for("/admin/help/", Policy::Silent)
        .unwrap()
        .policy_for("/admin/", Policy::Idle)
        .unwrap()
        .notice_style(NoticeStyle::Bar)
        .position(Position::Top)
        .snooze(Duration::from_secs(1))
        .cooldown(Duration::from_secs(2))
        .navigate_wait(Duration::from_secs(3))
        .idle_after(Duration::from_secs(4))
        .countdown(Duration::from_secs(5))
        .frames(Frames::Notice)
        .messages(r#"{"*": {"refresh": "Go"}}"#)
        .unwrap();
    let layer = UpdateNotifierLayer::new(site).client(settings);
    let path = format!("{RELEASE}?since=a&lang=de");
    let reply = Reply::read(send(app(&layer), "GET", &path, &[]).await).await;
    let value: Value = serde_json::from_slice(&reply.body).unwrap();
    let mut settings = value["settings"].clone();
    let texts = settings.as_object_mut().unwrap().remove("texts").unwrap();
    let expected = json!({
        "policy": "navigate",
        "policies": [["/admin/help/", "silent"], ["/admin/", "idle"]],
        "form": "bar",
        "position": "top",
        "later": 1000,
        "cooldown": 2000,
        "wait": 3000,
        "idle": 4000,
        "countdown": 5,
        "frames": true,
    });
    assert_eq!(settings, expected);
    assert_eq!(
        (&texts["refresh"], &texts["lang"]),
        (&json!("Go"), &json!("de"))
    );
    // The policy in the greeting is `idle`, since some hidden tabs may have to act.
    let mut stream = Stream::of_app(&app(&layer)).await;
    assert_eq!(stream.next().await.unwrap().data, r#"{"policy":"idle"}"#);
}

#[tokio::test(start_paused = true)]
async fn release_json_if_none_match_returns_304() {
    let site = Site::new();
    publish(&site, "a");
    let etag = get(&site, RELEASE).await.field("etag").to_owned();
    let fields = [("if-none-match", &*etag)];
    let reply = request(&site, "GET", RELEASE, &fields).await;
    assert_eq!(reply.status, 304);
    assert_eq!(reply.field("etag"), etag);
    assert!(reply.body.is_empty());
    publish(&site, "b");
    let reply = request(&site, "GET", RELEASE, &fields).await;
    assert_eq!(reply.status, 200);
    assert_ne!(reply.field("etag"), etag);
}

#[tokio::test(start_paused = true)]
async fn reconnect_jitter_grows_with_open_streams() {
    let site = Site::new();
    publish(&site, "a");
    let layer = UpdateNotifierLayer::new(site.clone());
    let app = app(&layer);
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(Stream::of_app(&app).await);
    }
    publish(&site, "b");
    let stream = streams.last_mut().unwrap();
    let spread = loop {
        let block = stream.next().await.unwrap();
        if block.event == "release" && block.release_id() == "b" {
            let value: Value = serde_json::from_str(&block.data).unwrap();
            break value["spread"].as_u64().unwrap();
        }
    };
    assert!((1000..=120_000).contains(&spread), "{spread}");
    let mut delays = std::collections::HashSet::new();
    for _ in 0..20 {
        let reply = send(app.clone(), "GET", &format!("{RELEASE}?since=a"), &[]).await;
        let value: Value = serde_json::from_slice(&Reply::read(reply).await.body).unwrap();
        let delay = value["delay"].as_u64().unwrap();
        assert!(delay <= spread);
        delays.insert(delay);
    }
    assert!(delays.len() > 10, "{delays:?}");
}

#[tokio::test(start_paused = true)]
async fn client_type_declarations_are_served() {
    let site = Site::new();
    publish(&site, "a");
    let reply = get(&site, "/__tidings/client.d.ts").await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("interface Tidings"));
    assert_eq!(reply.field("cache-control"), "no-cache");
}
