use std::time::Duration;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::release::Policy;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::ATTACH_AFTER;
use crate::site::PublishOutcome;
use crate::site::PublishTime;
use crate::site::Site;

fn release(id: &str) -> Release {
    Release::new(id.parse().unwrap(), 1)
}

fn json(site: &Site) -> String {
    let state = site.state();
    let announcement = state.announcement().unwrap();
    String::from_utf8(announcement.json().to_vec()).unwrap()
}

#[test]
fn publish_with_same_id_does_not_notify() {
    let site = Site::new();
    let mut subscriber = site.subscribe();
    assert!(site.publish(release("a")));
    assert!(subscriber.has_changed().unwrap());
    subscriber.mark_unchanged();
    assert!(!site.publish(release("a")));
    assert!(!subscriber.has_changed().unwrap());
    assert_eq!(site.state().announcement().unwrap().number(), 1);
}

#[test]
fn superseded_ids_are_newest_first_without_the_current() {
    let site = Site::new();
    for id in ["a", "b", "c", "a"] {
        site.publish(release(id));
    }
    assert!(
        json(&site).ends_with(r#""previous":["c","b"]}"#),
        "{}",
        json(&site)
    );
    for n in 0..60 {
        site.publish(release(&format!("n{n}")));
    }
    let state = site.state();
    assert_eq!(state.superseded_ids().len(), 50);
    assert_eq!(state.superseded_ids()[0].as_str(), "n58");
}

#[test]
fn metadata_of_same_release_is_announced_without_notify() {
    let site = Site::new();
    site.publish(release("a"));
    let mut subscriber = site.subscribe();
    subscriber.mark_unchanged();
    let notes = "Quotes \" and\nlines";
    let release = release("a").with_notes(notes).with_policy(Policy::Force);
    assert!(!site.publish(release));
    assert!(!subscriber.has_changed().unwrap());
    let announced = json(&site);
    let end = r#""previous":[],"notes":"Quotes \" and\nlines","policy":"force"}"#;
    assert!(announced.ends_with(end), "{announced}");
}

#[test]
fn changes_since_unknown_release_is_none() {
    let site = Site::new();
    site.publish(release("a"));
    site.publish(release("b"));
    let state = site.state();
    assert!(state.changes_since("x").is_none());
    assert!(state.changes_since("a").is_none(), "the files are unknown");
}

#[test]
fn publish_times_always_increase() {
    let site = Site::new();
    let mut last = UNIX_EPOCH;
    for n in 0..100 {
        site.publish(release(&format!("n{n}")));
        let published = site.state().announcement().unwrap().published();
        assert!(published >= last + Duration::from_millis(1));
        last = published;
    }
}

#[test]
fn retain_releases_keeps_the_newest() {
    let site = Site::new().retain_releases(2);
    for id in ["a", "b", "c", "d", "e"] {
        site.publish(release(id));
    }
    let kept: Vec<_> = site.retained().iter().map(|r| r.id().to_string()).collect();
    assert_eq!(kept, ["d", "c"]);
}

#[tokio::test]
async fn check_requests_repeated_are_received_once() {
    let site = Site::new();
    let mut check_requests = site.check_requests();
    site.request_check();
    site.clone().request_check();
    check_requests.next().await;
    let again = tokio::time::timeout(Duration::ZERO, check_requests.next()).await;
    assert!(again.is_err());
}

#[test]
fn close_notifies_subscribers() {
    let site = Site::new();
    let subscriber = site.subscribe();
    site.clone().close();
    assert!(subscriber.has_changed().unwrap());
    assert!(site.state().is_closed());
}

fn label(label: &str) -> ReleaseMetadata {
    ReleaseMetadata::new(None, Some(label), None).0
}

fn announced(site: &Site) -> Value {
    serde_json::from_str(&json(site)).unwrap()
}

#[test]
fn pending_metadata_fills_missing_fields_of_next_release() {
    let (site, now) = (Site::new(), Instant::now());
    site.publish(release("a").with_label("0"));
    let (about, _) = ReleaseMetadata::new(Some("new"), Some("outside"), None);
    site.set_pending_metadata(about, now);
    site.publish(release("b").with_label("own"));
    assert_eq!(announced(&site)["label"], "own");
    assert_eq!(announced(&site)["notes"], "new");
    site.publish(release("b").with_label("own"));
    assert_eq!(announced(&site)["notes"], "new", "the same release");
    site.publish(release("c"));
    assert_eq!(
        announced(&site)["notes"],
        Value::Null,
        "metadata belongs to one release"
    );
    let deploys = site.state().deploys().json();
    assert_eq!(deploys[1]["notes"], "new");
    assert_eq!(deploys[2]["label"], "0");
}

#[test]
fn pending_metadata_after_publish_is_attached_to_current_without_notify() {
    let (site, now) = (Site::new(), Instant::now());
    assert_eq!(site.on_checked(now), None);
    site.publish(release("a"));
    let mut subscriber = site.subscribe();
    subscriber.mark_unchanged();
    site.set_pending_metadata(label("1"), now);
    assert_eq!(site.on_checked(now), Some(now + ATTACH_AFTER));
    assert_eq!(announced(&site)["label"], Value::Null);
    assert_eq!(site.on_checked(now + ATTACH_AFTER), None);
    assert_eq!(announced(&site)["label"], "1");
    assert_eq!(site.state().deploys().json()[0]["label"], "1");
    assert!(!subscriber.has_changed().unwrap());

    // The current release has a label already: another one belongs to the next release.
    site.set_pending_metadata(label("2"), now);
    assert_eq!(site.on_checked(now + ATTACH_AFTER), None);
    assert_eq!(announced(&site)["label"], "1");
    site.publish(release("b"));
    assert_eq!(announced(&site)["label"], "2");
}

#[test]
fn empty_metadata_does_not_replace_pending() {
    let (site, now) = (Site::new(), Instant::now());
    site.set_pending_metadata(label("1"), now);
    site.set_pending_metadata(ReleaseMetadata::default(), now);
    site.publish(release("a"));
    assert_eq!(announced(&site)["label"], "1");
}

#[test]
fn publish_named_publishes_with_metadata() {
    let site = Site::new();
    let time = PublishTime {
        wall: UNIX_EPOCH + Duration::from_millis(7),
        monotonic: Instant::now(),
    };
    let name = |id: &str, text: &str| {
        let id: ReleaseId = id.parse().unwrap();
        site.publish_named(&id, label(text), time)
    };
    assert_eq!(name("v1", "1"), PublishOutcome::Published);
    assert_eq!(site.current().unwrap().built(), 7);
    assert_eq!(announced(&site)["label"], "1");
    assert_eq!(name("v1", ""), PublishOutcome::IsCurrent);
    assert_eq!(announced(&site)["label"], "1");
    assert_eq!(name("v1", "1.0"), PublishOutcome::IsCurrent);
    assert_eq!(announced(&site)["label"], "1.0");
    let mut subscriber = site.subscribe();
    assert_eq!(name("v2", ""), PublishOutcome::Published);
    assert!(subscriber.has_changed().unwrap());
    subscriber.mark_unchanged();
    site.publish(release("seen"));
    let by: Vec<_> = ["source", "webhook", "webhook"].map(Value::from).into();
    let deploys = site.state().deploys().json();
    let found: Vec<_> = deploys
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["by"].clone())
        .collect();
    assert_eq!(found, by);
}

#[test]
fn deploy_history_is_limited_to_fifty() {
    let site = Site::new();
    for n in 0..60 {
        site.publish(release(&format!("n{n}")));
    }
    let deploys = site.state().deploys().json();
    assert_eq!(deploys.as_array().unwrap().len(), 50);
    assert_eq!(deploys[0]["id"], "n59");
}
