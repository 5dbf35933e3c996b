//! Deploys under load: hundreds of them, in all ways, while visitors never stop asking.

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
use crate::deploys::harness::News;
use crate::deploys::harness::tag;
use crate::deploys::harness::without_tag;
use crate::deploys::process::Process;
use crate::support::DEADLINE;
use crate::support::program::Program;
use crate::support::until;
use crate::torture::load::Load;
use crate::torture::load::Stop;
use crate::torture::site::Place;
use crate::torture::site::Way;

#[test]
fn deploys_under_load_are_consistent_and_do_not_leak() {
    // No poll that would hide a lost event.
    torture(1, &["--rescan-interval=1h", LARGE], 140, 100);
}

/// A file that is kept open keeps its folders from being forgotten by the file system; here there is none.
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

/// Deploys `awaited` builds, each when the one before it is announced, and then more without waiting.
fn torture(seed: u64, arguments: &[&str], awaited: usize, overlapping: usize) {
    let top = TempDir::with_prefix("tidings-torture-").unwrap();
    let mut random = Random::new(seed);
    let mut place = Place::new(top.path());
    let first = build(1);
    place.deploy(Way::Swap, &first, &mut random);
    let quick = ["--debounce=50ms", "--incomplete-after=1h"];
    let program = Program::serve_with(&place.dir(), &[&quick, arguments].concat()).ready();
    let process = Process::with_argument(&place.dir());
    let sockets = held(&process, top.path()).sockets;
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
        let _stop = Stop(load);
        let started = |work: &'static (dyn Fn(&Load, u64) + Sync), count: u64| {
            let start = |seed| {
                scope.spawn(move || {
                    let _stop = Stop(load);
                    work(load, seed);
                })
            };
            (0..count).map(start).collect::<Vec<_>>()
        };
        for stream in 0..STREAMS {
            scope.spawn(move || load.listen(stream));
        }
        let visitors = [
            started(&Load::visit, 2),
            started(&Load::stay, 1),
            started(&Load::ask, 1),
            started(&|load, _| load.come_and_go(), 1),
        ];
        torture.expect();
        (0..awaited / 5).for_each(|_| torture.deploy_and_wait());
        let before = held(&process, top.path());
        (awaited / 5..awaited).for_each(|_| torture.deploy_and_wait());
        torture.deploy_without_waiting(overlapping);
        load.stop();
        for visitor in visitors.into_iter().flatten() {
            visitor.join().unwrap();
        }
        let after = until("the connections to be closed", || {
            let held = held(&process, top.path());
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
    place: Place,
    random: Random,
    /// What was deployed, with no build twice in a row.
    history: Vec<Arc<Build>>,
    newest: u32,
    /// How many announcements were awaited.
    announced: usize,
}

impl Torture<'_> {
    fn current(&self) -> &Arc<Build> {
        self.history.last().unwrap()
    }

    /// Mostly a new one; now and then one of the last, and now and then the same again.
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
        assert!(!self.load.is_stopped(), "a visitor failed");
        let (build, way) = (self.pick(), Way::any(&mut self.random));
        self.place.deploy(way, &build, &mut self.random);
        let is_news = build != *self.current();
        if is_news {
            self.history.push(build);
        }
        is_news
    }

    fn deploy_and_wait(&mut self) {
        if self.deploy() {
            self.expect();
        }
    }

    /// Waits until every stream has told of the current build: with the next number, and with the id that its page
    /// has.
    fn expect(&mut self) {
        self.announced += 1;
        self.wait(|heard, announced| heard.len() >= announced);
        let id = self.page();
        for heard in self.load.heard() {
            assert_eq!(heard.len(), self.announced, "{heard:?}");
            let news = heard.last().unwrap();
            assert_eq!(news.number, self.announced as u64, "{heard:?}");
            assert_eq!(news.id, id, "{heard:?}");
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
        until("the last build", || {
            let page = self.program.get("/", &[]);
            (without_tag(&page.body) == current.file(INDEX)).then_some(())
        });
        let id = self.page();
        self.wait(|heard, _| heard.last().is_some_and(|news| news.id == id));
        for heard in self.load.heard() {
            self.check_order(&heard[self.announced..], &self.history[start..]);
        }
    }

    /// What was told is what was deployed, in that order, and nothing twice in a row.
    fn check_order(&self, heard: &[News], deployed: &[Arc<Build>]) {
        for pair in heard.windows(2) {
            assert!(pair[0].number < pair[1].number, "{pair:?}");
            assert!(pair[0].published < pair[1].published, "{pair:?}");
            assert_ne!(pair[0].id, pair[1].id);
        }
        let mut deployed = deployed.iter();
        for news in heard {
            let is_it = |build: &Arc<Build>| match self.load.version(&news.id) {
                Some(version) => build.version() == version,
                // No visitor has come across it.
                None => build.id() == news.id,
            };
            assert!(
                deployed.any(is_it),
                "{news:?} was not deployed, or not then"
            );
        }
    }

    /// The id of the current build, by its page.
    fn page(&self) -> String {
        let page = self.program.get("/", &[]);
        assert_eq!(page.status, 200);
        let version = self.current().version();
        assert!(
            without_tag(&page.body) == self.current().file(INDEX),
            "no page of {version}: {page:?}"
        );
        let id = tag(&page.body).id;
        self.load.learn(&id, version);
        id
    }

    /// Waits until `is_enough` is true of what every stream has told.
    fn wait(&self, is_enough: impl Fn(&[News], usize) -> bool) {
        let end = Instant::now() + DEADLINE;
        let is_enough = |heard: &Vec<News>| is_enough(heard, self.announced);
        while !self.load.heard().iter().all(is_enough) {
            assert!(!self.load.is_stopped(), "a visitor failed");
            let told: Vec<_> = self.load.heard().iter().map(Vec::len).collect();
            assert!(
                Instant::now() < end,
                "waited for version {}; {told:?} of {}",
                self.current().version(),
                self.announced
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops the program, which ends the streams, and looks back.
    fn end(self) {
        let ended = self.program.stop("TERM");
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let heard = self.load.heard();
        let told: Vec<_> = heard.iter().flatten().collect();
        for news in &told {
            assert!(!news.previous.contains(&news.id), "{news:?}");
        }
        for (id, published) in self.load.asked() {
            let is_it = |news: &&News| news.id == id && news.published == published;
            assert!(told.iter().any(is_it), "{id} of {published}");
        }
        // An id depends on nothing but the content.
        for build in self.history.iter().step_by(25) {
            self.load.learn(&build.id(), build.version());
        }
    }
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    files: usize,
    sockets: usize,
    others: usize,
    /// In KiB.
    memory: usize,
}

fn held(process: &Process, top: &std::path::Path) -> Held {
    let all = process.files();
    let files = all.iter().filter(|file| file.starts_with(top)).count();
    let is_socket = |file: &&std::path::PathBuf| file.to_string_lossy().starts_with("socket:");
    let sockets = all.iter().filter(is_socket).count();
    Held {
        files,
        sockets,
        others: all.len() - files - sockets,
        memory: process.memory(),
    }
}

fn build(version: u32) -> Arc<Build> {
    let mut build = Build::new(version);
    // What shows if releases are never let go.
    let mut random = Random::new(u64::from(version));
    let ballast: Vec<u8> = (0..BALLAST).map(|_| random.byte()).collect();
    for n in 0..10 {
        let ballast = [&[n], ballast.as_slice()].concat();
        build = build.with(&format!("fonts/{n}.woff2"), ballast);
    }
    Arc::new(build)
}

/// Below the size of the film.
const LARGE: &str = "--max-memory-file=32K";

const STREAMS: usize = 3;

// The current release and three that are kept have a film each; two more may be about to go.
const MOST_FILES: usize = 6;

// Just below the limit for files that are kept in memory.
const BALLAST: usize = 31 * 1024;

// In KiB. Less than a third of what hundreds of releases hold, and more than what allocators keep for later.
const LEAK: usize = 60 * 1024;
