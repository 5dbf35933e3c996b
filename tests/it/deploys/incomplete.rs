//! Incomplete builds: referenced files are missing or empty.

use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::harness::ProgramSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::pause;
use crate::deploys::report_skipped;
use crate::support::put;
use crate::support::wait_until;

#[test]
fn incomplete_build_without_entry_script_waits() {
    check(|build| build.entry().to_owned(), Vec::new);
}

#[test]
fn incomplete_build_without_style_sheet_waits() {
    check(|build| starting(build, "assets/index-", ".css"), Vec::new);
}

#[test]
fn incomplete_build_with_empty_script_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    fs::write(dir.path().join(two.entry()), "").unwrap();
    let others = two.index_first();
    let others = others.iter().filter(|path| **path != two.entry());
    others.for_each(|path| two.put(dir.path(), path));
    site.program.wait_for_log(&["missing files:", two.entry()]);
    site.check(&one);
    two.put(dir.path(), two.entry());
    site.expect(&two);
}

#[test]
fn incomplete_build_without_lazy_chunk_waits() {
    check(|build| build.lazy().to_owned(), Vec::new);
}

#[test]
fn incomplete_build_without_chunk_with_dashes_in_hash_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let page = "<!doctype html><script type=module src=/assets/index-BfX2k3Qa.js></script>";
    let script = r#"const a=()=>import("./About-C0gX_-9k.js"),b=e=>import("./some-document.js");"#;
    put(
        dir.path(),
        &[("index.html", page), ("assets/index-BfX2k3Qa.js", script)],
    );
    let mut site = ProgramSite::serve(dir.path());
    let line = site
        .program
        .wait_for_log(&["waiting for a complete build", "missing files:"]);
    assert!(
        line.contains("missing files: About-C0gX_-9k.js\""),
        "{line}"
    );
    put(
        dir.path(),
        &[("assets/About-C0gX_-9k.js", "export default 1")],
    );
    assert_eq!(site.next().number, 1);
}

#[test]
fn incomplete_build_with_empty_lazy_chunk_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    fs::write(dir.path().join(two.lazy()), "").unwrap();
    let others = two.index_first();
    let others = others.iter().filter(|path| **path != two.lazy());
    others.for_each(|path| two.put(dir.path(), path));
    site.program
        .wait_for_log(&["missing files:", file_name(two.lazy())]);
    site.check(&one);
    two.put(dir.path(), two.lazy());
    site.expect(&two);
}

#[test]
fn incomplete_build_without_style_of_lazy_chunk_waits() {
    check(|build| starting(build, "assets/About-", ".css"), Vec::new);
}

#[test]
fn incomplete_build_without_image_of_style_sheet_waits() {
    check(|build| starting(build, "assets/logo-", ".svg"), Vec::new);
}

#[test]
fn incomplete_build_without_video_of_lazy_chunk_waits() {
    check(|build| build.film().to_owned(), Vec::new);
}

#[test]
fn incomplete_first_build_waits_and_returns_503() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    let all_but = |missing: &str| {
        let paths = build.index_first().into_iter();
        paths
            .filter(|path| *path != missing)
            .for_each(|path| build.put(dir.path(), path));
    };
    all_but(build.lazy());
    let mut site = ProgramSite::serve(dir.path());
    site.program
        .wait_for_log(&["waiting for a complete build", file_name(build.lazy())]);
    let answer = site.program.get("/", &[("Accept", "text/html")]);
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains(file_name(build.lazy())),
        "{answer:?}"
    );
    build.put(dir.path(), build.lazy());
    site.expect(&build);
}

#[test]
fn incomplete_build_with_empty_index_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    fs::write(dir.path().join(INDEX), "").unwrap();
    site.program
        .wait_for_log(&["still serving", "no index.html, or an empty one"]);
    site.check(&one);
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn incomplete_build_replaced_by_complete_one_publishes_that() {
    check(|build| build.entry().to_owned(), || vec![Build::new(3)]);
}

#[test]
fn incomplete_build_reverted_does_not_notify() {
    check(
        |build| build.entry().to_owned(),
        || vec![Build::new(1), Build::new(3)],
    );
}

#[test]
fn incomplete_after_elapsed_publishes_with_a_warning() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=1s"]);
    site.expect(&one);
    let two = two.clone().without(two.lazy());
    two.put_all(dir.path());
    site.program.wait_for_log(&["missing files:", lazy(&two)]);
    let line = site
        .program
        .wait_for_log(&["WARN", "published an incomplete build"]);
    assert!(line.contains(lazy(&two)), "{line}");
    site.expect(&two);
    site.check_chunks(&one);
}

#[test]
fn incomplete_build_lacking_same_files_as_current_does_not_wait() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let gone = "<script src=\"/gone.js\"></script>";
    let page = |build: &Build, more: &str| {
        let page = [build.file(INDEX), more.as_bytes()].concat();
        build.clone().with(INDEX, page)
    };
    let one = page(&Build::new(1), gone);
    one.put_all(dir.path());
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=1s"]);
    site.expect(&one);
    let late = "published an incomplete build";
    assert_eq!(site.count(late), 1);
    let lacking = site.count("missing files:");
    for version in 2..5 {
        let build = page(&Build::new(version), gone);
        build.put_all(dir.path());
        site.expect(&build);
    }
    assert_eq!(
        (site.count(late), site.count("missing files:")),
        (1, lacking)
    );
    // Only the newly missing file is waited for and logged.
    let build = page(
        &Build::new(5),
        &format!("{gone}<script src=\"/new.js\"></script>"),
    );
    build.put_all(dir.path());
    let line = site
        .program
        .wait_for_log(&["still serving", "missing files: /new.js"]);
    assert!(!line.contains("gone.js"), "{line}");
    site.expect(&build);
    assert_eq!(site.count(late), 2);
}

#[test]
fn start_up_incomplete_but_old_tree_is_published() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    let build = build.clone().without(build.lazy());
    build.put_all(dir.path());
    wait_until_still(&dir, Duration::from_secs(2));
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=2s"]);
    site.expect(&build);
    site.program
        .wait_for_log(&["WARN", "published an incomplete build", lazy(&build)]);
    assert_eq!(site.count("waiting for a complete build"), 0);
}

#[test]
fn start_up_incomplete_recently_copied_tree_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    let half = build.clone().without(build.lazy());
    let source = half.source();
    // With the modification times of the source, which are years old.
    crate::deploys::run(
        "cp",
        [
            "-a".as_ref(),
            source.path().join(".").as_os_str(),
            dir.path().as_ref(),
        ],
    );
    let modified = fs::metadata(dir.path().join(INDEX))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(modified, build.modified());
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=20s"]);
    site.program
        .wait_for_log(&["waiting for a complete build", lazy(&build)]);
    build.put(dir.path(), build.lazy());
    site.expect(&build);
}

/// A recent deletion is visible only in the change time of the directory.
#[test]
fn start_up_tree_with_recent_deletion_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    build.put_all(dir.path());
    wait_until_still(&dir, Duration::from_secs(5));
    let start = Instant::now();
    fs::remove_file(dir.path().join(build.lazy())).unwrap();
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=5s"]);
    wait_until("a scan", || {
        let scans = site.count("waiting for") + site.count("published");
        (scans > 0).then_some(())
    });
    if start.elapsed() > Duration::from_secs(4) {
        return report_skipped("the machine slept");
    }
    site.program
        .wait_for_log(&["waiting for a complete build", lazy(&build)]);
    build.put(dir.path(), build.lazy());
    site.expect(&build);
    assert_eq!(site.count("published an incomplete build"), 0);
}

#[test]
fn incomplete_build_still_changing_waits() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve_with(dir.path(), &["--incomplete-after=3s"]);
    site.expect(&one);
    two.clone().without(two.lazy()).put_all(dir.path());
    let start = Instant::now();
    let mut last = start;
    let mut longest = Duration::ZERO;
    for n in 0.. {
        if last.duration_since(start) > Duration::from_secs(5) {
            break;
        }
        fs::write(dir.path().join("progress.txt"), n.to_string()).unwrap();
        longest = longest.max(last.elapsed());
        last = Instant::now();
        pause();
    }
    two.put(dir.path(), two.lazy());
    longest = longest.max(last.elapsed());
    if longest > Duration::from_secs(2) {
        return report_skipped("the machine slept");
    }
    site.expect(&two);
    assert_eq!(site.count("published an incomplete build"), 0);
}

/// Deploys a build without one of its files over another one, which must stay served completely until the file is
/// there, or until the builds `instead` are deployed.
#[track_caller]
fn check(missing: impl Fn(&Build) -> String, instead: impl Fn() -> Vec<Build>) {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    let missing = missing(&two);
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    let others = two.index_first();
    let others = others.iter().filter(|path| **path != missing);
    others.for_each(|path| two.put(dir.path(), path));
    site.program.wait_for_log(&[
        "still serving the last release",
        "missing files:",
        file_name(&missing),
    ]);
    site.check(&one);
    let instead = instead();
    if instead.is_empty() {
        two.put(dir.path(), &missing);
        site.expect(&two);
        return site.check_chunks(&one);
    }
    for build in instead {
        let before = site.count("reachable content unchanged");
        build.put_all(dir.path());
        if build == one {
            let count = || site.count("reachable content unchanged");
            wait_until("a scan of the old build", || {
                (count() > before).then_some(())
            });
        } else {
            site.expect(&build);
        }
    }
}

/// Waits until nothing in the directory has changed for `time`.
fn wait_until_still(dir: &TempDir, time: Duration) {
    let newest = newest_change(dir.path());
    while newest.elapsed().unwrap_or_default() <= time {
        thread::sleep(Duration::from_millis(20));
    }
}

fn newest_change(dir: &std::path::Path) -> SystemTime {
    use std::os::unix::fs::MetadataExt as _;
    let changed = |place: &std::path::Path| {
        let metadata = fs::metadata(place).unwrap();
        let nanos = u32::try_from(metadata.ctime_nsec()).unwrap();
        let since = Duration::new(u64::try_from(metadata.ctime()).unwrap(), nanos);
        SystemTime::UNIX_EPOCH + since
    };
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = entries.map(|place| {
        if place.is_dir() {
            newest_change(&place)
        } else {
            changed(&place)
        }
    });
    below.chain([changed(dir)]).max().unwrap()
}

fn lazy(build: &Build) -> &str {
    file_name(build.lazy())
}

fn starting(build: &Build, start: &str, end: &str) -> String {
    let mut paths = build.files().map(|(path, _)| path);
    let path = paths.find(|path| path.starts_with(start) && path.ends_with(end));
    path.unwrap().to_owned()
}

/// Of a reference in a script only the file name is known.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}
