use std::time::Duration;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::*;
use crate::release::Policy;

fn release(id: &str) -> Release {
    Release::new(id.parse().unwrap(), 1)
}

fn json(site: &Site) -> String {
    let state = site.state();
    let announcement = state.announcement().unwrap();
    String::from_utf8(announcement.json().to_vec()).unwrap()
}

#[test]
fn publishing_the_same_content_wakes_nobody() {
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
fn previous_is_newest_first_and_never_has_the_current_one() {
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
    assert_eq!(state.superseded_ids.len(), 50);
    assert_eq!(state.superseded_ids[0].as_str(), "n58");
}

#[test]
fn what_a_release_says_of_itself_is_announced_and_no_news() {
    let site = Site::new();
    site.publish(release("a"));
    let mut subscriber = site.subscribe();
    subscriber.mark_unchanged();
    let notes = "Quotes \" and\nlines";
    let release = release("a").with_notes(notes).with_policy(Policy::Force);
    assert!(!site.publish(release));
    assert!(!subscriber.has_changed().unwrap());
    let said = json(&site);
    let end = r#""previous":[],"notes":"Quotes \" and\nlines","policy":"force"}"#;
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn what_changed_is_told_for_releases_that_are_known() {
    let site = Site::new();
    site.publish(release("a"));
    site.publish(release("b"));
    let state = site.state();
    assert!(state.changes_since("x").is_none());
    assert!(
        state.changes_since("a").is_none(),
        "the files are not known"
    );
}

#[test]
fn the_time_of_publishing_always_grows() {
    let site = Site::new();
    let mut last = UNIX_EPOCH;
    for n in 0..100 {
        site.publish(release(&format!("n{n}")));
        let published = site.state().announcement().unwrap().published;
        assert!(published >= last + Duration::from_millis(1));
        last = published;
    }
}

#[test]
fn only_the_last_releases_are_kept() {
    let site = Site::new().retain_releases(2);
    for id in ["a", "b", "c", "d", "e"] {
        site.publish(release(id));
    }
    let kept: Vec<_> = site.retained().iter().map(|r| r.id().to_string()).collect();
    assert_eq!(kept, ["d", "c"]);
}

#[tokio::test]
async fn however_often_a_look_is_wanted_it_is_heard_once() {
    let site = Site::new();
    let mut check_requests = site.check_requests();
    site.request_check();
    site.clone().request_check();
    check_requests.next().await;
    let again = tokio::time::timeout(Duration::ZERO, check_requests.next()).await;
    assert!(again.is_err());
}

#[test]
fn a_closed_site_tells_its_subscribers() {
    let site = Site::new();
    let subscriber = site.subscribe();
    site.clone().close();
    assert!(subscriber.has_changed().unwrap());
    assert!(site.state().is_closed());
}

fn label(label: &str) -> ReleaseMetadata {
    ReleaseMetadata::new(None, Some(label), None).0
}

fn said(site: &Site) -> Value {
    serde_json::from_str(&json(site)).unwrap()
}

#[test]
fn a_word_goes_to_the_next_release_where_that_is_silent() {
    let (site, now) = (Site::new(), Instant::now());
    site.publish(release("a").with_label("0"));
    let (about, _) = ReleaseMetadata::new(Some("new"), Some("outside"), None);
    site.set_pending_metadata(about, now);
    site.publish(release("b").with_label("own"));
    assert_eq!(said(&site)["label"], "own");
    assert_eq!(said(&site)["notes"], "new");
    site.publish(release("b").with_label("own"));
    assert_eq!(said(&site)["notes"], "new", "the same release");
    site.publish(release("c"));
    assert_eq!(
        said(&site)["notes"],
        Value::Null,
        "a word is of one release"
    );
    let deploys = site.state().deploys().json();
    assert_eq!(deploys[1]["notes"], "new");
    assert_eq!(deploys[2]["label"], "0");
}

#[test]
fn a_word_that_comes_late_goes_to_the_current_release_in_silence() {
    let (site, now) = (Site::new(), Instant::now());
    assert_eq!(site.on_checked(now), None);
    site.publish(release("a"));
    let mut subscriber = site.subscribe();
    subscriber.mark_unchanged();
    site.set_pending_metadata(label("1"), now);
    assert_eq!(site.on_checked(now), Some(now + ATTACH_AFTER));
    assert_eq!(said(&site)["label"], Value::Null);
    assert_eq!(site.on_checked(now + ATTACH_AFTER), None);
    assert_eq!(said(&site)["label"], "1");
    assert_eq!(site.state().deploys().json()[0]["label"], "1");
    assert!(!subscriber.has_changed().unwrap());

    // It has its word: the next is of the next release.
    site.set_pending_metadata(label("2"), now);
    assert_eq!(site.on_checked(now + ATTACH_AFTER), None);
    assert_eq!(said(&site)["label"], "1");
    site.publish(release("b"));
    assert_eq!(said(&site)["label"], "2");
}

#[test]
fn nothing_said_replaces_nothing() {
    let (site, now) = (Site::new(), Instant::now());
    site.set_pending_metadata(label("1"), now);
    site.set_pending_metadata(ReleaseMetadata::default(), now);
    site.publish(release("a"));
    assert_eq!(said(&site)["label"], "1");
}

#[test]
fn a_name_from_outside_is_published_with_what_is_said() {
    let (site, now) = (Site::new(), Instant::now());
    let name = |id: &str, word: &str| {
        let id: ReleaseId = id.parse().unwrap();
        site.publish_named(&id, label(word), 7, now)
    };
    assert_eq!(name("v1", "1"), PublishOutcome::Published);
    assert_eq!(said(&site)["label"], "1");
    assert_eq!(name("v1", ""), PublishOutcome::IsCurrent);
    assert_eq!(said(&site)["label"], "1");
    assert_eq!(name("v1", "1.0"), PublishOutcome::IsCurrent);
    assert_eq!(said(&site)["label"], "1.0");
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
fn only_the_last_deploys_are_listed() {
    let site = Site::new();
    for n in 0..60 {
        site.publish(release(&format!("n{n}")));
    }
    let deploys = site.state().deploys().json();
    assert_eq!(deploys.as_array().unwrap().len(), 50);
    assert_eq!(deploys[0]["id"], "n59");
}
