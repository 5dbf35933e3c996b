//! A directory that is scanned only when the webhook requests it.

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tidings::Events;
use tidings::StaticFiles;
use tidings::UpdateNotifierLayer;
use tokio::task::JoinSet;

use super::*;
use crate::support::directory_site;
use crate::support::directory_site::watch;
use crate::support::put;
use crate::support::site_dir;
use crate::support::until_async;

/// A missing directory after the first scan. The next scan is hours away.
struct UnscannedDirectory {
    site: Site,
    hook: WebhookLayer,
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
            .events(Events::Poll)
            .poll(Duration::from_secs(5 * 3600));
        let mut watching = JoinSet::new();
        let source = site.clone();
        watching.spawn(async move { match watch.run(source).await {} });
        let waiting = Self {
            hook: hook(&site),
            site,
            dist,
            _dir: dir,
            _watching: watching,
        };
        let end = tokio::time::Instant::now() + crate::support::DEADLINE;
        while !waiting.get("/").await.text().contains("no such directory") {
            assert!(tokio::time::Instant::now() < end);
            tokio::task::yield_now().await;
        }
        waiting
    }

    async fn get(&self, path: &str) -> Reply {
        let files = StaticFiles::new(self.site.clone());
        let app = UpdateNotifierLayer::new(self.site.clone()).layer(files);
        let app = self.hook.layer(app);
        Reply::read(directory_site::ask(app, "GET", path, &[]).await).await
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
        let release = until_async("the release", || self.site.current()).await;
        release.id().to_string()
    }
}

fn build(dist: &Path, page: &str) {
    put(dist, &[("index.html", page)]);
}

#[tokio::test]
async fn webhook_requests_a_scan_that_finds_the_deploy() {
    let waiting = UnscannedDirectory::new().await;
    build(&waiting.dist, "<title>1</title>");
    waiting
        .announce(r#"{"notes":"new","label":"1.0","policy":"idle"}"#)
        .await;
    let id = waiting.release().await;
    let told = waiting.release_json().await;
    assert_eq!(told["id"], *id);
    assert_eq!(told["notes"], "new");
    assert_eq!(told["label"], "1.0");
    assert_eq!(told["policy"], "idle");
    let last = last(&waiting.hook).await;
    assert_eq!((&last["id"], &last["label"]), (&told["id"], &told["label"]));
    assert_eq!(last["by"], "source");
    assert!(waiting.get("/").await.text().contains("<title>1</title>"));
}

#[tokio::test]
async fn pending_metadata_is_attached_to_the_next_release() {
    let waiting = UnscannedDirectory::new().await;
    waiting
        .announce(r#"{"notes":"new","label":"outside"}"#)
        .await;
    put(
        &waiting.dist,
        &[("index.html", "1"), ("tidings.json", r#"{"label":"own"}"#)],
    );
    waiting.announce("").await;
    waiting.release().await;
    let told = waiting.release_json().await;
    assert_eq!(told["notes"], "new");
    assert_eq!(told["label"], "own", "the release's own word comes first");
}

#[tokio::test]
async fn late_metadata_is_attached_to_the_current_release_silently() {
    let waiting = UnscannedDirectory::new().await;
    build(&waiting.dist, "1");
    waiting.announce("").await;
    let id = waiting.release().await;
    let mut subscriber = EventStream::open(&waiting).await;
    waiting.announce(r#"{"notes":"late"}"#).await;
    assert_eq!(waiting.release_json().await["notes"], Value::Null);
    let end = tokio::time::Instant::now() + crate::support::DEADLINE;
    let told = loop {
        let told = waiting.release_json().await;
        if told["notes"] == "late" {
            break told;
        }
        assert!(tokio::time::Instant::now() < end, "{told}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(told["id"], *id);
    assert_eq!(last(&waiting.hook).await["notes"], "late");
    assert!(subscriber.is_silent().await, "nobody is told again");
}

#[tokio::test]
async fn webhook_other_id_for_directory_returns_422() {
    let waiting = UnscannedDirectory::new().await;
    build(&waiting.dist, "1");
    waiting.announce("").await;
    let id = waiting.release().await;
    let reply = post(&waiting.hook, &[BEARER], r#"{"id":"v2"}"#).await;
    assert_rejected(&reply, 422, "send \"label\"");
    assert_eq!(waiting.release().await, id);
    // Metadata for the id of the current release is applied at once.
    waiting
        .announce(&format!(r#"{{"id":"{id}","label":"1.0"}}"#))
        .await;
    assert_eq!(waiting.release_json().await["label"], "1.0");
}

/// An event stream whose greeting has been read.
struct EventStream(tidings::WebhookBody<tidings::ResponseBody<tidings::FileBody>>);

impl EventStream {
    async fn open(waiting: &UnscannedDirectory) -> Self {
        let files = StaticFiles::new(waiting.site.clone());
        let app = UpdateNotifierLayer::new(waiting.site.clone()).layer(files);
        let answer =
            directory_site::ask(waiting.hook.layer(app), "GET", "/__tidings/events", &[]).await;
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
