//! Builds of a small app, laid out as Vite does.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tempfile::TempDir;
use tidings::WatchDirectory;

use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::support::put_bytes;

/// The files of one version, by path without a leading slash.
///
/// One page; the files that it references, and those that only its scripts and styles reference; and a source map that
/// nothing references. Versions differ in every file but `favicon.svg` and the vendor chunk; file sizes are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    version: u32,
    files: BTreeMap<String, Vec<u8>>,
    entry: String,
    lazy: String,
    film: String,
}

impl Build {
    pub(crate) fn new(version: u32) -> Self {
        let mut files = BTreeMap::new();
        let mut add = |stem: &str, extension: &str, salt: u32, bytes: Vec<u8>| {
            let name = format!("{stem}-{}.{extension}", token(stem, extension, salt));
            files.insert(format!("assets/{name}"), bytes);
            name
        };
        let text =
            |text: String, salt: u32| format!("{text}\n/* {} */\n", noise(salt)).into_bytes();
        let film = add("film", "mp4", version, bytes(version));
        let logo = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><!-- {version:06} --></svg>");
        let logo = add("logo", "svg", version, logo.into_bytes());
        let vendor = text("export const v=1;".to_owned(), 0);
        let vendor = add("vendor", "js", 0, vendor);
        let style = text(format!("h1{{background:url(/assets/{logo})}}"), version);
        let lazy_style = add("About", "css", version, style);
        let lazy = text(
            format!(
                "import{{v}}from\"./{vendor}\";const f=\"/assets/{film}\";export{{f as default}};"
            ),
            version,
        );
        let lazy = add("About", "js", version, lazy);
        let style = add(
            "index",
            "css",
            version,
            text("h1{color:#222}".to_owned(), version),
        );
        let entry = text(
            format!(
                "const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=[\"assets/{lazy}\",\"assets/{vendor}\",\"assets/{lazy_style}\"])))=>i.map(i=>d[i]);\nimport{{v as e}}from\"./{vendor}\";const a=()=>t(()=>import(\"./{lazy}\"),__vite__mapDeps([0,1,2]));"
            ),
            version,
        );
        let entry = add("index", "js", version, entry);
        let map = text("{\"version\":3}".to_owned(), version);
        files.insert(format!("assets/{entry}.map"), map);
        let icon = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        files.insert(ICON.to_owned(), icon.to_vec());
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <meta charset=\"UTF-8\" />\n    \
             <link rel=\"icon\" href=\"/favicon.svg\" />\n    <title>Version {version:06}</title>\n    \
             <script type=\"module\" crossorigin src=\"/assets/{entry}\"></script>\n    \
             <link rel=\"modulepreload\" crossorigin href=\"/assets/{vendor}\">\n    \
             <link rel=\"stylesheet\" crossorigin href=\"/assets/{style}\">\n  </head>\n  \
             <body><div id=\"app\">Version {version:06}</div></body>\n</html>\n"
        );
        files.insert(INDEX.to_owned(), page.into_bytes());
        Self {
            version,
            files,
            entry: format!("assets/{entry}"),
            lazy: format!("assets/{lazy}"),
            film: format!("assets/{film}"),
        }
    }

    /// Adds a file, or replaces its bytes.
    pub(crate) fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    /// Removes a file.
    pub(crate) fn without(mut self, path: &str) -> Self {
        assert!(self.files.remove(path).is_some(), "no {path}");
        self
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The entry script, referenced by the page.
    pub(crate) fn entry(&self) -> &str {
        &self.entry
    }

    /// The lazy chunk, referenced only by the entry script.
    pub(crate) fn lazy(&self) -> &str {
        &self.lazy
    }

    /// The largest file, referenced only by the lazy chunk.
    pub(crate) fn film(&self) -> &str {
        &self.film
    }

    pub(crate) fn file(&self, path: &str) -> &[u8] {
        &self.files[path]
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter();
        files.map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The page, and the files reachable from it.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let is_reachable = |path: &str| !matches!(extension(path), "map" | "txt" | "woff2");
        self.files().filter(move |(path, _)| is_reachable(path))
    }

    /// The reachable files with a hash in their names.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.reachable()
            .filter(|(path, _)| path.starts_with("assets/"))
    }

    /// All paths: the page first, then files that completeness does not require, then the assets.
    pub(crate) fn index_first(&self) -> Vec<&str> {
        let mut paths: Vec<_> = self.files.keys().map(String::as_str).collect();
        paths.sort_by_key(|path| (*path != INDEX, path.starts_with("assets/")));
        paths
    }

    /// All paths, the page last.
    pub(crate) fn index_last(&self) -> Vec<&str> {
        let mut paths = self.index_first();
        paths.rotate_left(1);
        paths
    }

    /// Writes one file into `dir`, overwriting an old one.
    pub(crate) fn put(&self, dir: &Path, path: &str) {
        put_bytes(dir, path, self.file(path));
    }

    /// Writes all files into `dir`, overwriting old ones, the page last: until then no reachable file changes.
    pub(crate) fn put_all(&self, dir: &Path) {
        for path in self.index_last() {
            self.put(dir, path);
        }
    }

    /// A temporary directory with the build, from which commands deploy it. The files have the modification time
    /// [`modified`](Self::modified).
    pub(crate) fn source(&self) -> TempDir {
        let dir = TempDir::with_prefix("tidings-build-").unwrap();
        self.put_all(dir.path());
        for path in self.files.keys() {
            set_modified(&dir.path().join(path), self.modified());
        }
        dir
    }

    /// The modification time of the files in [`source`](Self::source): one day later per version.
    pub(crate) fn modified(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_577_836_800 + 86_400 * u64::from(self.version))
    }

    /// The release id of this build, computed by serving it from a separate directory.
    pub(crate) fn id(&self) -> String {
        let source = self.source();
        let soon = Duration::from_millis(1);
        let watch = WatchDirectory::new(source.path());
        InProcessSite::new(watch.debounce(soon).incomplete_after(soon))
            .next()
            .id
    }
}

pub(crate) fn set_modified(place: &Path, time: SystemTime) {
    let file = File::options().write(true).open(place).unwrap();
    file.set_modified(time).unwrap();
}

/// Deletes the contents of `dir`, as Vite does before it writes a build.
pub(crate) fn empty(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Deterministic pseudo-random numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// Eight characters, like a hash of Rollup.
fn token(stem: &str, extension: &str, salt: u32) -> String {
    let bytes = stem.bytes().chain(extension.bytes()).map(u64::from);
    let seed = bytes.fold(u64::from(salt), |seed, byte| {
        seed.wrapping_mul(0x0100_0000_01b3) ^ byte
    });
    let mut random = Random::new(seed);
    loop {
        let token: String = (0..8)
            .map(|_| char::from(BASE62[random.below(62)]))
            .collect();
        // Some hashes look like words. Detection of those is tested elsewhere.
        let is_digit = |c: &char| c.is_ascii_digit();
        let inner = token.chars().skip(1).zip(token.chars());
        let turns = inner.filter(|(a, b)| is_digit(a) != is_digit(b)).count();
        if turns >= 3 && token.chars().any(|c| c.is_ascii_uppercase()) {
            return token;
        }
    }
}

pub(crate) fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// About two kilobytes that compress to half.
fn noise(salt: u32) -> String {
    let mut random = Random::new(u64::from(salt) ^ 0xfeed);
    (0..2000)
        .map(|_| char::from(b'a' + random.byte() % 26))
        .collect()
}

fn bytes(salt: u32) -> Vec<u8> {
    let mut random = Random::new(u64::from(salt) ^ 0xf11a);
    (0..FILM).map(|_| random.byte()).collect()
}

pub(crate) const INDEX: &str = "index.html";

const ICON: &str = "favicon.svg";

/// The size of the largest file, in bytes.
pub(crate) const FILM: usize = 48 * 1024;

const BASE62: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
