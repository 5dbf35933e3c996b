//! Hundreds of deploys by all methods, while clients send requests continuously.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod load;
mod site;

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::Random;
use crate::deploys::harness::ReleaseEvent;
use crate::deploys::harness::tag;
use crate::deploys::harness::without_tag;
use crate::deploys::process::Process;
use crate::support::DEADLINE;
use crate::support::program::Program;
use crate::support::wait_until;
use crate::torture::load::Load;
use crate::torture::load::StopOnDrop;
use crate::torture::site::DeployMethod;
use crate::torture::site::DeployedSite;

#[test]
fn deploys_under_load_are_consistent_and_do_not_leak() {
    // Rescans would hide a lost event.
    torture(1, &["--rescan-interval=1h", LARGE], 140, 100);
}

/// An open file keeps the inodes of its directories in use; here no file is kept open.
#[test]
fn deploys_under_load_without_large_files_are_consistent() {
    torture(3, &["--rescan-interval=1h"], 50, 30);
}

#[test]
fn deploys_under_load_watch_poll_are_consistent() {
    torture(
        2,
        &["--watch=poll", "--rescan-interval=200ms", LARGE],
        30,
        20,
    );
}

/// Deploys `awaited` builds, each after the previous one was announced, and then `overlapping` ones without waiting.
fn torture(seed: u64, arguments: &[&str], awaited: usize, overlapping: usize) {
    let top = TempDir::with_prefix("tidings-torture-").unwrap();
    let mut random = Random::new(seed);
    let mut place = DeployedSite::new(top.path());
    let first = build(1);
    place.deploy(DeployMethod::Swap, &first, &mut random);
    let quick = ["--debounce=50ms", "--incomplete-after=1h"];
    let program = Program::serve_with(&place.dir(), &[&quick, arguments].concat()).ready();
    let process = Process::with_argument(&place.dir());
    let sockets = resources(&process, top.path()).sockets;
    let load = Load::new(program.address(), STREAMS);
    load.add(&first);
    let mut torture = Torture {
        load: &load,
        program,
        place,
        random,
        history: vec![first],
        newest: 1,
        announced: 0,
    };
    thread::scope(|scope| {
        let load = &load;
        let _stop = StopOnDrop(load);
        let started = |work: &'static (dyn Fn(&Load, u64) + Sync), count: u64| {
            let start = |seed| {
                scope.spawn(move || {
                    let _stop = StopOnDrop(load);
                    work(load, seed);
                })
            };
            (0..count).map(start).collect::<Vec<_>>()
        };
        for stream in 0..STREAMS {
            scope.spawn(move || load.read_events(stream));
        }
        let clients = [
            started(&Load::load_pages, 2),
            started(&Load::request_retained, 1),
            started(&Load::poll_release, 1),
            started(&|load, _| load.reconnect_events(), 1),
        ];
        torture.expect();
        (0..awaited / 5).for_each(|_| torture.deploy_and_wait());
        let before = resources(&process, top.path());
        (awaited / 5..awaited).for_each(|_| torture.deploy_and_wait());
        torture.deploy_without_waiting(overlapping);
        load.stop();
        for client in clients.into_iter().flatten() {
            client.join().unwrap();
        }
        let after = wait_until("the connections to be closed", || {
            let held = resources(&process, top.path());
            (held.sockets <= sockets + STREAMS).then_some(held)
        });
        assert!(load.answers() > awaited * 20, "{}", load.answers());
        assert!(after.files <= MOST_FILES, "{after:?}");
        assert!(after.others <= before.others + 2, "{before:?}, {after:?}");
        assert!(after.memory < before.memory + LEAK, "{before:?}, {after:?}");
        torture.end();
    });
}

struct Torture<'a> {
    load: &'a Load,
    program: Program,
    place: DeployedSite,
    random: Random,
    /// The deployed builds, without immediate repetitions.
    history: Vec<Arc<Build>>,
    newest: u32,
    /// The number of announcements so far.
    announced: usize,
}

impl Torture<'_> {
    fn current(&self) -> &Arc<Build> {
        self.history.last().unwrap()
    }

    /// Picks a build: mostly a new one, sometimes one of the last two or the current one.
    fn pick(&mut self) -> Arc<Build> {
        let back = match self.random.below(10) {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => usize::MAX,
        };
        let last = self.history.len() - 1;
        if let Some(at) = last.checked_sub(back) {
            return Arc::clone(&self.history[at]);
        }
        self.newest += 1;
        let build = build(self.newest);
        self.load.add(&build);
        build
    }

    fn deploy(&mut self) -> bool {
        assert!(!self.load.is_stopped(), "a client failed");
        let (build, method) = (self.pick(), DeployMethod::any(&mut self.random));
        self.place.deploy(method, &build, &mut self.random);
        let is_new = build != *self.current();
        if is_new {
            self.history.push(build);
        }
        is_new
    }

    fn deploy_and_wait(&mut self) {
        if self.deploy() {
            self.expect();
        }
    }

    /// Waits until every stream has announced the current build, with the next number and with the id of its page.
    fn expect(&mut self) {
        self.announced += 1;
        self.wait(|received, announced| received.len() >= announced);
        let id = self.page();
        for received in self.load.received() {
            assert_eq!(received.len(), self.announced, "{received:?}");
            let event = received.last().unwrap();
            assert_eq!(event.number, self.announced as u64, "{received:?}");
            assert_eq!(event.id, id, "{received:?}");
        }
    }

    fn deploy_without_waiting(&mut self, deploys: usize) {
        let start = self.history.len();
        for _ in 0..deploys {
            self.deploy();
            let pause = [0, 10, 50, 70, 90, 150][self.random.below(6)];
            thread::sleep(Duration::from_millis(pause));
        }
        let current = Arc::clone(self.current());
        wait_until("the last build", || {
            let page = self.program.get("/", &[]);
            (without_tag(&page.body) == current.file(INDEX)).then_some(())
        });
        let id = self.page();
        self.wait(|received, _| received.last().is_some_and(|event| event.id == id));
        for received in self.load.received() {
            self.check_order(&received[self.announced..], &self.history[start..]);
        }
    }

    /// Asserts that the announced releases are a subsequence of the deployed ones, without immediate repetitions.
    fn check_order(&self, received: &[ReleaseEvent], deployed: &[Arc<Build>]) {
        for pair in received.windows(2) {
            assert!(pair[0].number < pair[1].number, "{pair:?}");
            assert!(pair[0].published < pair[1].published, "{pair:?}");
            assert_ne!(pair[0].id, pair[1].id);
        }
        let mut deployed = deployed.iter();
        for event in received {
            let is_same = |build: &Arc<Build>| match self.load.version(&event.id) {
                Some(version) => build.version() == version,
                // No client has loaded its page.
                None => build.id() == event.id,
            };
            assert!(
                deployed.any(is_same),
                "{event:?} was not deployed, or not then"
            );
        }
    }

    /// The id of the current build, from its page.
    fn page(&self) -> String {
        let page = self.program.get("/", &[]);
        assert_eq!(page.status, 200);
        let version = self.current().version();
        assert!(
            without_tag(&page.body) == self.current().file(INDEX),
            "no page of {version}: {page:?}"
        );
        let id = tag(&page.body).id;
        self.load.record_version(&id, version);
        id
    }

    /// Waits until `is_enough` is true for the events of every stream.
    fn wait(&self, is_enough: impl Fn(&[ReleaseEvent], usize) -> bool) {
        let end = Instant::now() + DEADLINE;
        let is_enough = |received: &Vec<ReleaseEvent>| is_enough(received, self.announced);
        while !self.load.received().iter().all(is_enough) {
            assert!(!self.load.is_stopped(), "a client failed");
            let counts: Vec<_> = self.load.received().iter().map(Vec::len).collect();
            assert!(
                Instant::now() < end,
                "waited for version {}; {counts:?} of {}",
                self.current().version(),
                self.announced
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops the program, which ends the streams, and checks all events.
    fn end(self) {
        let ended = self.program.stop("TERM");
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let received = self.load.received();
        let events: Vec<_> = received.iter().flatten().collect();
        for event in &events {
            assert!(!event.previous.contains(&event.id), "{event:?}");
        }
        for (id, published) in self.load.polled() {
            let is_same = |event: &&ReleaseEvent| event.id == id && event.published == published;
            assert!(events.iter().any(is_same), "{id} of {published}");
        }
        // An id depends only on the content.
        for build in self.history.iter().step_by(25) {
            self.load.record_version(&build.id(), build.version());
        }
    }
}

/// The resources of a process.
#[derive(Debug, Clone, Copy)]
struct Resources {
    files: usize,
    sockets: usize,
    others: usize,
    /// In KiB.
    memory: usize,
}

fn resources(process: &Process, top: &std::path::Path) -> Resources {
    let all = process.files();
    let files = all.iter().filter(|file| file.starts_with(top)).count();
    let is_socket = |file: &&std::path::PathBuf| file.to_string_lossy().starts_with("socket:");
    let sockets = all.iter().filter(is_socket).count();
    Resources {
        files,
        sockets,
        others: all.len() - files - sockets,
        memory: process.memory(),
    }
}

fn build(version: u32) -> Arc<Build> {
    let mut build = Build::new(version);
    // Makes a leak of releases visible.
    let mut random = Random::new(u64::from(version));
    let ballast: Vec<u8> = (0..BALLAST).map(|_| random.byte()).collect();
    for n in 0..10 {
        let ballast = [&[n], ballast.as_slice()].concat();
        build = build.with(&format!("fonts/{n}.woff2"), ballast);
    }
    Arc::new(build)
}

/// Smaller than the film.
const LARGE: &str = "--max-memory-file=32K";

const STREAMS: usize = 3;

// The current and three retained releases have a film each; two more may be about to be dropped.
const MOST_FILES: usize = 6;

// Just below the limit for files in memory.
const BALLAST: usize = 31 * 1024;

// In KiB. Less than a third of the memory of hundreds of releases, and more than what allocators retain.
const LEAK: usize = 60 * 1024;
