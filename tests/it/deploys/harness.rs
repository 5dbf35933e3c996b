//! A site under test, in process or as a program: its responses, and the release events of its event stream.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;
use std::time::Instant;

use http_body_util::BodyExt as _;
use tidings::Site;
use tidings::StaticFiles;
use tidings::UpdateNotifier;
use tidings::UpdateNotifierLayer;
use tidings::WatchDirectory;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tower::Layer as _;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::extension;
use crate::support::DEADLINE;
use crate::support::directory_site::Reply;
use crate::support::directory_site::send;
use crate::support::events::Block;
use crate::support::events::Events;
use crate::support::program::Program;
use crate::support::wait_until;
use crate::support::within;

/// A `release` event of the event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleaseEvent {
    /// The event id: the release is the n-th that the process published.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) built: u64,
    pub(crate) published: String,
    pub(crate) previous: Vec<String>,
}

impl ReleaseEvent {
    pub(crate) fn parse(block: &Block) -> Self {
        let text = |name: &str| between(&block.data, &format!("\"{name}\":\""), "\"").to_owned();
        let previous = between(&block.data, "\"previous\":[", "]");
        let previous = previous
            .split(',')
            .map(|id| id.trim_matches('"').to_owned());
        Self {
            number: block.id.parse().unwrap(),
            id: text("id"),
            built: between(&block.data, "\"built\":", ",").parse().unwrap(),
            published: text("published"),
            previous: previous.filter(|id| !id.is_empty()).collect(),
        }
    }
}

/// A site, reached through a service or a socket.
pub(crate) trait SiteUnderTest {
    /// Sends a GET; returns the status and the body.
    fn get(&self, path: &str) -> (u16, Vec<u8>);

    /// The next block of the event stream.
    fn block(&mut self) -> Block;

    /// The next `release` event.
    #[track_caller]
    fn next(&mut self) -> ReleaseEvent {
        // Comments would extend the deadline of a single block.
        let end = Instant::now() + DEADLINE;
        loop {
            let block = self.block();
            if block.event == "release" {
                return ReleaseEvent::parse(&block);
            }
            assert!(Instant::now() < end, "waited {DEADLINE:?} for a release");
        }
    }

    /// The number of expected releases so far.
    fn release_count(&mut self) -> &mut u64;

    /// Waits for the next release event, which must be of this build, without another one before it, and for the build
    /// to be served completely.
    #[track_caller]
    fn expect(&mut self, build: &Build) -> ReleaseEvent {
        let (event, id) = (self.next(), build.id());
        let version = build.version();
        assert_eq!(event.id, id, "{event:?} is not of version {version}");
        *self.release_count() += 1;
        assert_eq!(
            event.number,
            *self.release_count(),
            "one announcement a deploy"
        );
        self.check(build);
        assert_eq!(tag(&self.get("/").1).id, id);
        event
    }

    /// Asserts that all reachable files of this build are served, and waits for the others.
    #[track_caller]
    fn check(&self, build: &Build) {
        for (path, bytes) in build.reachable() {
            self.check_file(path, bytes);
        }
        for (path, bytes) in build.files() {
            wait_until(path, || self.is_served(path, bytes).then_some(()));
        }
    }

    /// Asserts that the chunks that an open tab of this build may request are served.
    #[track_caller]
    fn check_chunks(&self, build: &Build) {
        for (path, bytes) in build.chunks() {
            self.check_file(path, bytes);
        }
    }

    #[track_caller]
    fn check_file(&self, path: &str, bytes: &[u8]) {
        let (status, body) = self.get(&format!("/{path}"));
        assert_eq!(status, 200, "/{path}");
        let body = if extension(path) == "html" {
            without_tag(&body)
        } else {
            body
        };
        assert!(body == bytes, "/{path}: {}", String::from_utf8_lossy(&body));
    }

    /// True if these bytes are served at this path.
    fn is_served(&self, path: &str, bytes: &[u8]) -> bool {
        let (status, body) = self.get(&format!("/{path}"));
        status == 200 && (body == bytes || without_tag(&body) == bytes)
    }

    /// Deploys a unique page and expects its release next, which shows that no other release was announced before.
    #[track_caller]
    fn expect_no_other_release(&mut self, dir: &Path, build: &Build) {
        let page = [build.file(INDEX), b"<!-- and nothing else -->"].concat();
        let build = build.clone().with(INDEX, page);
        build.put(dir, INDEX);
        self.expect(&build);
    }
}

/// A site in this process, without a socket.
#[derive(Debug)]
pub(crate) struct InProcessSite {
    site: Site,
    app: UpdateNotifier<StaticFiles>,
    stream: Stream,
    release_count: u64,
    watching: JoinHandle<()>,
    runtime: Option<Runtime>,
}

type Stream = Pin<Box<tidings::Body>>;

impl InProcessSite {
    pub(crate) fn new(watch: WatchDirectory) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let site = Site::new();
        let layer = UpdateNotifierLayer::new(site.clone());
        let app = layer.layer(StaticFiles::new(site.clone()));
        let stream = send(app.clone(), "GET", "/__tidings/events", &[]);
        let stream = Box::pin(runtime.block_on(stream).into_body());
        let source = site.clone();
        let watching = runtime.spawn(async move { match watch.run(source).await {} });
        Self {
            site,
            app,
            stream,
            release_count: 0,
            watching,
            runtime: Some(runtime),
        }
    }

    /// Watches `dir` by native events only: rescans would hide missed events. Incomplete builds are never published.
    pub(crate) fn watch_natively(dir: &Path) -> Self {
        Self::new(watch_without_rescans(dir))
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Stops watching; nothing is published afterwards.
    pub(crate) fn stop_watching(&mut self) {
        self.watching.abort();
        wait_until("the watch to end", || {
            self.watching.is_finished().then_some(())
        });
    }

    /// As [`get`](SiteUnderTest::get); `None` if the body is aborted.
    pub(crate) fn try_get(&self, path: &str) -> Option<(u16, Vec<u8>)> {
        let reply = async {
            let (parts, body) = send(self.app.clone(), "GET", path, &[]).await.into_parts();
            let body = body.collect().await.ok()?.to_bytes();
            Some((parts.status.as_u16(), body.to_vec()))
        };
        self.block_on(within(path, reply))
    }

    pub(crate) fn reply(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = async { Reply::read(send(self.app.clone(), "GET", path, fields).await).await };
        self.block_on(within(path, reply))
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }
}

impl Drop for InProcessSite {
    fn drop(&mut self) {
        // A scan that hangs must not make the test hang.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl SiteUnderTest for InProcessSite {
    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let reply = self.reply(path, &[]);
        (reply.status, reply.body.to_vec())
    }

    #[track_caller]
    fn block(&mut self) -> Block {
        let runtime = self.runtime.as_ref().unwrap();
        let frame = async { within("the next announcement", self.stream.frame()).await };
        let frame = runtime.block_on(frame).unwrap().unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        // The first frame has the greeting before the release, if there is one.
        Block::parse(text.trim_end().rsplit("\n\n").next().unwrap())
    }

    fn release_count(&mut self) -> &mut u64 {
        &mut self.release_count
    }
}

/// The program, and one event stream.
#[derive(Debug)]
pub(crate) struct ProgramSite {
    pub(crate) program: Program,
    events: Events,
    release_count: u64,
}

impl ProgramSite {
    pub(crate) fn new(program: Program) -> Self {
        let events = Events::open(program.address());
        Self {
            program,
            events,
            release_count: 0,
        }
    }

    /// Serves `dir` with a short debounce interval; incomplete builds are never published.
    pub(crate) fn serve(dir: &Path) -> Self {
        Self::serve_with(dir, &["--incomplete-after=1h"])
    }

    pub(crate) fn serve_with(dir: &Path, arguments: &[&str]) -> Self {
        let always = [
            "--debounce=25ms",
            "--rescan-interval=1h",
            "--max-memory-file=32K",
            "--log=debug",
        ];
        Self::new(Program::serve_with(dir, &[&always, arguments].concat()))
    }

    /// The number of occurrences in the log so far.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.program.log().matches(part).count()
    }
}

impl SiteUnderTest for ProgramSite {
    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let answer = self.program.get(path, &[]);
        (answer.status, answer.body)
    }

    #[track_caller]
    fn block(&mut self) -> Block {
        self.events.block().unwrap().expect("the stream ended")
    }

    fn release_count(&mut self) -> &mut u64 {
        &mut self.release_count
    }
}

/// A source that detects changes by native events only.
pub(crate) fn watch_without_rescans(dir: &Path) -> WatchDirectory {
    let watch = WatchDirectory::new(dir).max_memory_file(LIMIT);
    watch
        .debounce(DEBOUNCE)
        .incomplete_after(NEVER)
        .rescan_interval(NEVER)
}

/// The attributes of the script tag in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) id: String,
    pub(crate) built: String,
}

/// The script tag in a page; panics if there is none.
#[track_caller]
pub(crate) fn tag(page: &[u8]) -> Tag {
    let page = String::from_utf8_lossy(page);
    Tag {
        id: between(&page, "data-release=\"", "\"").to_owned(),
        built: between(&page, "data-built=\"", "\"").to_owned(),
    }
}

/// The page without the script tag.
pub(crate) fn without_tag(page: &[u8]) -> Vec<u8> {
    let Some(start) = memchr::memmem::find(page, b"<script async src=\"/__tidings/client-") else {
        return page.to_vec();
    };
    let end = memchr::memmem::find(&page[start..], b"</script>").unwrap() + b"</script>".len();
    [&page[..start], &page[start + end..]].concat()
}

#[track_caller]
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.1.split_once(after).unwrap().0
}

/// The debounce interval of these sites. Long enough for a busy machine to write the next file of a deploy in time.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(60);

/// Smaller than the film.
pub(crate) const LIMIT: u64 = 32 * 1024;

/// Longer than any test takes.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);
