//! Clients that send requests continuously, and check every response.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::Random;
use crate::deploys::harness::ReleaseEvent;
use crate::deploys::harness::tag;
use crate::deploys::harness::without_tag;
use crate::support::events::Block;
use crate::support::events::Events;
use crate::support::http::Client;
use crate::support::http::RawResponse;

/// Shared state of the clients of one site.
#[derive(Debug)]
pub(crate) struct Load {
    address: SocketAddr,
    builds: Mutex<HashMap<u32, Arc<Build>>>,
    /// Versions by release id, learned from pages.
    versions: Mutex<HashMap<String, u32>>,
    received: Vec<Mutex<Vec<ReleaseEvent>>>,
    polled: Mutex<HashSet<(String, String)>>,
    answers: AtomicUsize,
    stopped: AtomicBool,
}

/// One connection, which sends one request after another.
struct LoadClient<'a> {
    load: &'a Load,
    client: Client,
    random: Random,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, streams: usize) -> Self {
        Self {
            address,
            builds: Mutex::default(),
            versions: Mutex::default(),
            received: (0..streams).map(|_| Mutex::default()).collect(),
            polled: Mutex::default(),
            answers: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Adds a build; must be called before it is deployed.
    pub(crate) fn add(&self, build: &Arc<Build>) {
        let mut builds = self.builds.lock().unwrap();
        builds.insert(build.version(), Arc::clone(build));
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The number of checked responses.
    pub(crate) fn answers(&self) -> usize {
        self.answers.load(Ordering::Relaxed)
    }

    /// The events that each of the event streams has received so far.
    pub(crate) fn received(&self) -> Vec<Vec<ReleaseEvent>> {
        let received = self
            .received
            .iter()
            .map(|received| received.lock().unwrap().clone());
        received.collect()
    }

    /// All pairs of id and publishing time that `release.json` had.
    pub(crate) fn polled(&self) -> HashSet<(String, String)> {
        self.polled.lock().unwrap().clone()
    }

    /// The version with this release id, if a page had it.
    pub(crate) fn version(&self, id: &str) -> Option<u32> {
        self.versions.lock().unwrap().get(id).copied()
    }

    /// Records that `id` belongs to `version`. Panics unless ids and versions map one to one.
    pub(crate) fn record_version(&self, id: &str, version: u32) {
        let mut versions = self.versions.lock().unwrap();
        let known = *versions.entry(id.to_owned()).or_insert(version);
        assert_eq!(known, version, "{id} stands for two versions");
        let ids = versions.values().filter(|known| **known == version);
        assert_eq!(ids.count(), 1, "version {version} has two ids");
    }

    /// Loads the page and its assets repeatedly.
    pub(crate) fn load_pages(&self, seed: u64) {
        let mut client = LoadClient::new(self, seed);
        while !self.is_stopped() {
            let (build, id) = client.page();
            let assets = build.reachable().filter(|(path, _)| *path != INDEX);
            for (path, bytes) in assets {
                if !client.asset(&id, path, bytes) {
                    break;
                }
            }
        }
    }

    /// Requests chunks of retained releases, as tabs that were not reloaded.
    pub(crate) fn request_retained(&self, seed: u64) {
        let mut client = LoadClient::new(self, seed);
        while !self.is_stopped() {
            let event = client.release();
            let kept: Vec<_> = kept(&event).collect();
            let id = kept[client.random.below(kept.len())].to_owned();
            let Some(build) = self.version(&id).map(|version| self.build(version)) else {
                continue;
            };
            let chunks: Vec<_> = build.chunks().collect();
            let (path, bytes) = chunks[client.random.below(chunks.len())];
            client.asset(&id, path, bytes);
        }
    }

    /// Reads one event stream to its end.
    pub(crate) fn read_events(&self, stream: usize) {
        let mut events = Events::open(self.address);
        while let Some(block) = events.block().unwrap() {
            if block.event == "release" {
                self.received[stream]
                    .lock()
                    .unwrap()
                    .push(ReleaseEvent::parse(&block));
            }
        }
    }

    /// Opens event streams repeatedly, and closes them after the greeting.
    pub(crate) fn reconnect_events(&self) {
        let mut last = 0;
        while !self.is_stopped() {
            let mut events = Events::open(self.address);
            assert!(!events.block().unwrap().unwrap().retry.is_empty());
            let event = ReleaseEvent::parse(&events.block().unwrap().unwrap());
            assert!(event.number >= last, "{event:?} after {last}");
            last = event.number;
            self.count();
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Polls `release.json`.
    pub(crate) fn poll_release(&self, seed: u64) {
        let mut client = LoadClient::new(self, seed);
        let mut last: Option<ReleaseEvent> = None;
        while !self.is_stopped() {
            let event = client.release();
            if let Some(last) = last.filter(|last| last.id != event.id) {
                assert!(event.published > last.published, "{event:?} after {last:?}");
            }
            let mut polled = self.polled.lock().unwrap();
            polled.insert((event.id.clone(), event.published.clone()));
            last = Some(event);
        }
    }

    fn build(&self, version: u32) -> Arc<Build> {
        Arc::clone(&self.builds.lock().unwrap()[&version])
    }

    fn count(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

impl<'a> LoadClient<'a> {
    fn new(load: &'a Load, seed: u64) -> Self {
        Self {
            load,
            client: Client::connect(load.address).unwrap(),
            random: Random::new(seed),
        }
    }

    /// Loads a page, which must be of exactly one release, and returns that release.
    fn page(&mut self) -> (Arc<Build>, String) {
        let paths = ["/", "/index.html", "/a/route/of/the/app"];
        let path = paths[self.random.below(paths.len())];
        let answer = self.get(path, "text/html");
        let page = decoded(&answer);
        let text = String::from_utf8_lossy(&page);
        let title = text.split_once("<title>Version ").unwrap().1;
        let build = self.load.build(title[..6].parse().unwrap());
        assert!(without_tag(&page) == build.file(INDEX), "{text}");
        let id = tag(&page).id;
        self.load.record_version(&id, build.version());
        (build, id)
    }

    /// Requests an asset of a release. False if the release is no longer retained.
    fn asset(&mut self, id: &str, path: &str, bytes: &[u8]) -> bool {
        let answer = self.get(&format!("/{path}"), "*/*");
        if answer.status != 200 {
            let event = self.release();
            let is_kept = kept(&event).any(|kept| kept == id);
            assert!(!is_kept, "/{path} of {id}: {answer:?}, and yet {event:?}");
            return false;
        }
        assert!(decoded(&answer) == bytes, "/{path} of {id}: {answer:?}");
        true
    }

    fn release(&mut self) -> ReleaseEvent {
        let answer = self.get("/__tidings/release.json", "*/*");
        assert_eq!(answer.status, 200);
        ReleaseEvent::parse(&Block {
            id: "0".to_owned(),
            data: answer.text().to_owned(),
            ..Block::default()
        })
    }

    fn get(&mut self, path: &str, accept: &str) -> RawResponse {
        let coding = ["identity", "gzip"][self.random.below(2)];
        let fields = [("Accept", accept), ("Accept-Encoding", coding)];
        let answer = self.client.reset_deadline().request("GET", path, &fields);
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(answer.status < 500, "{path}: {answer:?}");
        self.load.count();
        answer
    }
}

/// Stops all clients when one of them panics.
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a Load);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The ids of the current and the retained releases.
fn kept(event: &ReleaseEvent) -> impl Iterator<Item = &str> {
    let previous = event.previous.iter().take(tidings::DEFAULT_RETAIN_RELEASES);
    std::iter::once(&event.id)
        .chain(previous)
        .map(String::as_str)
}

fn decoded(answer: &RawResponse) -> Vec<u8> {
    if answer.field("content-encoding") != "gzip" {
        return answer.body.clone();
    }
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(answer.body.as_slice());
    decoder.read_to_end(&mut plain).unwrap();
    plain
}
