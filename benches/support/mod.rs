//! Helpers of the benches: text that compresses like real text, a site made of it, and waiting for a release.

#![allow(dead_code, reason = "each bench is a crate of its own and uses a part")]
#![allow(clippy::unwrap_used, reason = "a bench may")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use tempfile::TempDir;
use tidings::Site;
use tidings::UpdateNotifierLayer;
use tokio::runtime::Runtime;
use tower::Layer as _;
use tower::ServiceExt as _;

/// A negligible debounce interval.
pub(crate) const DEBOUNCE: Duration = Duration::from_millis(1);

/// The body of an event stream.
pub(crate) type EventStream = tidings::Body;

/// A page of about `bytes` bytes, with a head as build tools write it.
pub(crate) fn page(bytes: usize, names: &[String]) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>App</title>\n",
    );
    for name in names {
        _ = writeln!(page, "<link rel=\"modulepreload\" href=\"/assets/{name}\">");
    }
    page.push_str("</head>\n<body>\n<div id=\"app\"></div>\n");
    let mut words = Words::new(bytes);
    while page.len() < bytes {
        _ = writeln!(page, "<p class=\"{}\">{}</p>", words.next(), words.line(12));
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// A minified script of about `bytes` bytes that differs for each seed.
pub(crate) fn script(bytes: usize, seed: usize) -> String {
    let mut words = Words::new(seed);
    let mut script = String::new();
    while script.len() < bytes {
        let [a, b, c] = [words.next(), words.next(), words.next()];
        _ = writeln!(
            script,
            "const {a}=({b},{c})=>{b}.{a}?{c}(\"{}\"):{{{c}:!0}};",
            words.line(3)
        );
    }
    script
}

/// A site of `files` files of about 10 KB: one in ten is a page, the rest are scripts with a hash in their names.
pub(crate) fn site(files: usize) -> TempDir {
    let dir = TempDir::with_prefix("tidings-bench-").unwrap();
    let assets = dir.path().join("assets");
    fs::create_dir(&assets).unwrap();
    let pages = files / 10;
    let name = |n: usize| format!("chunk-{}.js", token(n));
    let names: Vec<String> = (pages..files).map(name).collect();
    for (n, name) in names.iter().enumerate() {
        // Chunks import others by name, as lazy routes do.
        let lazy = &names[(n + 1) % names.len()];
        let script = format!("import(\"./{lazy}\");\n{}", script(10_000, n));
        fs::write(assets.join(name), script).unwrap();
    }
    for n in 0..pages {
        let name = if n == 0 {
            "index.html".to_owned()
        } else {
            format!("page-{n}.html")
        };
        fs::write(dir.path().join(name), page(10_000 + n, &names[..1])).unwrap();
    }
    dir
}

/// Replaces a file atomically.
pub(crate) fn replace(path: &Path, content: &str) {
    let next = path.with_extension("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, path).unwrap();
}

/// Opens an event stream of the site, and reads its greeting.
pub(crate) async fn open_event_stream(site: &Site) -> EventStream {
    let origin = tower::service_fn(async |_: Request<Empty<Bytes>>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(Empty::<Bytes>::new()))
    });
    let service = UpdateNotifierLayer::new(site.clone()).layer(origin);
    let request = Request::get("/__tidings/events")
        .body(Empty::new())
        .unwrap();
    let mut stream = service.oneshot(request).await.unwrap().into_body();
    next_event(&mut stream).await;
    stream
}

/// Waits for the next event; heartbeats are skipped.
pub(crate) async fn next_event(stream: &mut EventStream) {
    loop {
        let frame = stream.frame().await.unwrap().unwrap();
        if !frame.into_data().unwrap().starts_with(b":") {
            return;
        }
    }
}

/// A current-thread runtime with timers.
pub(crate) fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Deterministic text of a few hundred words with a skewed distribution.
struct Words {
    state: usize,
}

impl Words {
    fn new(seed: usize) -> Self {
        Self {
            state: seed.wrapping_add(1),
        }
    }

    fn next(&mut self) -> String {
        let (a, b) = (self.random(30), self.random(30));
        let mut word = token(a * b);
        word.truncate(1 + a * b % 7);
        word
    }

    fn line(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.next()).collect();
        words.join(" ")
    }

    fn random(&mut self, below: usize) -> usize {
        self.state = noise(self.state);
        self.state % below
    }
}

/// Eight letters that look like a hash.
fn token(n: usize) -> String {
    let letters = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut noise = noise(n);
    let token = (0..8).map(|_| {
        noise = self::noise(noise);
        char::from(letters[noise % letters.len()])
    });
    token.collect()
}

/// A hash of `n`.
fn noise(n: usize) -> usize {
    // The finalizer of MurmurHash3, in the width of `usize`.
    let n = n.wrapping_add(0x9e37_79b9);
    let n = (n ^ (n >> 16)).wrapping_mul(0x85eb_ca6b);
    let n = (n ^ (n >> 13)).wrapping_mul(0xc2b2_ae35);
    n ^ (n >> 16)
}
