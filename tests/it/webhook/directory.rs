//! A directory that is scanned only when the webhook requests it.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tidings::StaticFiles;
use tidings::WatchMode;
use tokio::task::JoinSet;

use super::*;
use crate::support::directory_site;
use crate::support::directory_site::watch;
use crate::support::put;
use crate::support::site_dir;
use crate::support::wait_until_async;

/// A missing directory after the first scan. The next scan is hours away.
struct UnscannedDirectory {
    site: Site,
    hook: UpdateNotifierLayer,
    dist: PathBuf,
    _dir: TempDir,
    _watching: JoinSet<()>,
}

impl UnscannedDirectory {
    async fn new() -> Self {
        let dir = site_dir(&[]);
        let dist = dir.path().join("dist");
        let site = Site::new();
        let watch = watch(&dist)
            .watch_mode(WatchMode::Poll)
            .rescan_interval(Duration::from_secs(5 * 3600));
        let mut watching = JoinSet::new();
        let source = site.clone();
        watching.spawn(async move { match watch.run(source).await {} });
        let unscanned = Self {
            hook: hook(&site),
            site,
            dist,
            _dir: dir,
            _watching: watching,
        };
        let end = tokio::time::Instant::now() + crate::support::DEADLINE;
        while !unscanned
            .get("/")
            .await
            .text()
            .contains("no such directory")
        {
            assert!(tokio::time::Instant::now() < end);
            tokio::task::yield_now().await;
        }
        unscanned
    }

    async fn get(&self, path: &str) -> Reply {
        let files = StaticFiles::new(self.site.clone());
        let app = self.hook.layer(files);
        Reply::read(directory_site::send(app, "GET", path, &[]).await).await
    }

    /// The contents of `release.json`.
    async fn release_json(&self) -> Value {
        json(&self.get("/__tidings/release.json").await)
    }

    async fn announce(&self, body: &str) {
        let reply = post(&self.hook, &[BEARER], body).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
    }

    async fn release(&self) -> String {
        let release = wait_until_async("the release", || self.site.current()).await;
        release.id().to_string()
    }
}

fn build(dist: &Path, page: &str) {
    put(dist, &[("index.html", page)]);
}

#[tokio::test]
async fn webhook_requests_a_scan_that_finds_the_deploy() {
    let unscanned = UnscannedDirectory::new().await;
    build(&unscanned.dist, "<title>1</title>");
    unscanned
        .announce(r#"{"notes":"new","label":"1.0","policy":"idle"}"#)
        .await;
    let id = unscanned.release().await;
    let release_json = unscanned.release_json().await;
    assert_eq!(release_json["id"], *id);
    assert_eq!(release_json["notes"], "new");
    assert_eq!(release_json["label"], "1.0");
    assert_eq!(release_json["policy"], "idle");
    let last = last(&unscanned.hook).await;
    assert_eq!(
        (&last["id"], &last["label"]),
        (&release_json["id"], &release_json["label"])
    );
    assert_eq!(last["by"], "source");
    assert!(unscanned.get("/").await.text().contains("<title>1</title>"));
}

#[tokio::test]
async fn pending_metadata_is_attached_to_the_next_release() {
    let unscanned = UnscannedDirectory::new().await;
    unscanned
        .announce(r#"{"notes":"new","label":"outside"}"#)
        .await;
    put(
        &unscanned.dist,
        &[("index.html", "1"), ("tidings.json", r#"{"label":"own"}"#)],
    );
    unscanned.announce("").await;
    unscanned.release().await;
    let release_json = unscanned.release_json().await;
    assert_eq!(release_json["notes"], "new");
    assert_eq!(
        release_json["label"], "own",
        "the release's own metadata takes precedence"
    );
}

#[tokio::test]
async fn late_metadata_is_attached_to_the_current_release_silently() {
    let unscanned = UnscannedDirectory::new().await;
    build(&unscanned.dist, "1");
    unscanned.announce("").await;
    let id = unscanned.release().await;
    let mut subscriber = EventStream::open(&unscanned).await;
    unscanned.announce(r#"{"notes":"late"}"#).await;
    assert_eq!(unscanned.release_json().await["notes"], Value::Null);
    let end = tokio::time::Instant::now() + crate::support::DEADLINE;
    let release_json = loop {
        let release_json = unscanned.release_json().await;
        if release_json["notes"] == "late" {
            break release_json;
        }
        assert!(tokio::time::Instant::now() < end, "{release_json}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(release_json["id"], *id);
    assert_eq!(last(&unscanned.hook).await["notes"], "late");
    assert!(subscriber.is_silent().await, "no event is sent");
}

#[tokio::test]
async fn webhook_other_id_for_directory_returns_422() {
    let unscanned = UnscannedDirectory::new().await;
    build(&unscanned.dist, "1");
    unscanned.announce("").await;
    let id = unscanned.release().await;
    let reply = post(&unscanned.hook, &[BEARER], r#"{"id":"v2"}"#).await;
    assert_rejected(&reply, 422, "send \"label\"");
    assert_eq!(unscanned.release().await, id);
    // Metadata for the id of the current release is applied at once.
    unscanned
        .announce(&format!(r#"{{"id":"{id}","label":"1.0"}}"#))
        .await;
    assert_eq!(unscanned.release_json().await["label"], "1.0");
}

/// An event stream whose greeting has been read.
struct EventStream(tidings::Body);

impl EventStream {
    async fn open(unscanned: &UnscannedDirectory) -> Self {
        let files = StaticFiles::new(unscanned.site.clone());
        let app = unscanned.hook.layer(files);
        let answer = directory_site::send(app, "GET", "/__tidings/events", &[]).await;
        let mut body = answer.into_body();
        let greeting = body.frame().await.unwrap();
        assert!(greeting.unwrap().is_data());
        Self(body)
    }

    /// True if no event has arrived since.
    async fn is_silent(&mut self) -> bool {
        let next = self.0.frame();
        tokio::time::timeout(Duration::ZERO, next).await.is_err()
    }
}
