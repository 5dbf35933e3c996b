//! The site's directory itself: its path, and what happens while it is missing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::empty;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::ProgramSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::harness::watch_without_rescans;
use crate::deploys::pause;
use crate::deploys::report_skipped;
use crate::deploys::run;
use crate::support::program::Program;
use crate::support::program::serve;
use crate::support::wait_until;

#[test]
fn directory_missing_with_parents_waits() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("srv/app/current/dist");
    let mut site = InProcessSite::watch_natively(&dir);
    wait_until("what is waited for", || {
        let reply = site.reply("/", &[("accept", "text/html")]);
        assert_eq!(reply.status, 503);
        assert!(reply.field("retry-after").parse::<u32>().unwrap() > 0);
        reply
            .text()
            .contains("there is no such directory")
            .then_some(())
    });
    for parent in ["srv", "srv/app", "srv/app/current", "srv/app/current/dist"] {
        pause();
        fs::create_dir(top.path().join(parent)).unwrap();
    }
    wait_until("the empty directory to be seen", || {
        let reply = site.reply("/", &[("accept", "text/html")]);
        reply.text().contains("no index.html").then_some(())
    });
    let build = Build::new(1);
    build.put_all(&dir);
    site.expect(&build);
}

#[test]
fn directory_symlink_dangling_waits_for_target() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let current = top.path().join("current");
    symlink("releases/1", &current).unwrap();
    let mut site = InProcessSite::watch_natively(&current);
    let build = Build::new(1);
    pause();
    build.put_all(&top.path().join("releases/1"));
    site.expect(&build);
}

#[test]
fn directory_removed_keeps_serving_until_it_returns() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&dir);
    let mut site = ProgramSite::serve(&dir);
    site.expect(&one);
    fs::remove_dir_all(&dir).unwrap();
    site.program.wait_for_log(&[
        "still serving the last release",
        "there is no such directory",
    ]);
    site.check(&one);
    // Restoring the same build does not notify; the next build does.
    one.put_all(&dir);
    site.program.wait_for_log(&["reachable content unchanged"]);
    two.put_all(&dir);
    site.expect(&two);
    site.check_chunks(&one);
}

#[test]
fn directory_emptied_keeps_serving_until_refilled() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    empty(dir.path());
    site.program
        .wait_for_log(&["still serving the last release", "no index.html"]);
    site.check(&one);
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn directory_symlink_broken_keeps_serving_until_repaired() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&top.path().join("1"));
    let current = top.path().join("current");
    symlink("1", &current).unwrap();
    let mut site = ProgramSite::serve(&current);
    site.expect(&one);
    fs::remove_file(&current).unwrap();
    symlink("2", &current).unwrap();
    site.program.wait_for_log(&[
        "still serving the last release",
        "there is no such directory",
    ]);
    fs::remove_dir_all(top.path().join("1")).unwrap();
    site.check(&one);
    two.put_all(&top.path().join("2"));
    site.expect(&two);
}

#[test]
fn directory_replaced_by_file_keeps_serving() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&dir);
    let mut site = ProgramSite::serve(&dir);
    site.expect(&one);
    fs::rename(&dir, top.path().join("old")).unwrap();
    fs::write(&dir, "no directory").unwrap();
    site.program
        .wait_for_log(&["still serving the last release", "not a directory"]);
    site.check(&one);
    fs::remove_file(&dir).unwrap();
    two.put_all(&dir);
    site.expect(&two);
}

#[test]
fn directory_relative_path_with_dots_is_resolved() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&top.path().join("app/1/dist"));
    two.put_all(&top.path().join("app/2/dist"));
    fs::create_dir(top.path().join("run")).unwrap();
    let current = top.path().join("app/current");
    symlink("1", &current).unwrap();
    let mut command = serve(Path::new("./../app/current/../current/dist/"));
    command.current_dir(top.path().join("run"));
    command.args(["--debounce=25ms", "--rescan-interval=1h"]);
    let mut site = ProgramSite::new(Program::start(&mut command));
    site.expect(&one);
    run("ln", ["-sfn".as_ref(), "2".as_ref(), current.as_os_str()]);
    site.expect(&two);
}

/// A file system may reuse the inode number of a removed directory for the next one, which is a different directory.
#[test]
fn directory_recreated_with_same_inode_is_watched() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let mut versions = 1..;
    let mut next = || Build::new(versions.next().unwrap());
    let first = next();
    first.put_all(&dir);
    // Long enough for the next directory to appear between two scans. An open file would keep the inode of its
    // directory in use.
    let watch = watch_without_rescans(&dir).debounce(Duration::from_millis(500));
    let mut site = InProcessSite::new(watch.max_memory_file(u64::MAX));
    site.expect(&first);
    let mut reused = 0;
    for _ in 0..3 {
        let beside = TempDir::with_prefix_in("beside-", top.path()).unwrap();
        let inode = inode(&dir);
        fs::write(dir.join("deploying.txt"), "").unwrap();
        pause();
        fs::remove_dir_all(&dir).unwrap();
        if create_with_inode(&dir, inode, beside.path()) {
            reused += 1;
        } else {
            fs::create_dir(&dir).unwrap();
        }
        // The first arrives with the directory; the second is only detected by a watch on it.
        for build in [next(), next()] {
            build.put_all(&dir);
            site.expect(&build);
        }
    }
    if reused == 0 {
        report_skipped("this file system does not reuse inode numbers");
    }
}

fn inode(dir: &Path) -> u64 {
    fs::metadata(dir).unwrap().ino()
}

/// Creates directories in `beside` until one has this inode number, and moves it to `dir`. False if none has it soon.
fn create_with_inode(dir: &Path, wanted: u64, beside: &Path) -> bool {
    let start = Instant::now();
    for n in 0.. {
        if start.elapsed() > Duration::from_millis(250) {
            break;
        }
        let candidate = beside.join(n.to_string());
        fs::create_dir(&candidate).unwrap();
        if inode(&candidate) == wanted {
            fs::rename(&candidate, dir).unwrap();
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

#[test]
fn subdirectory_removed_and_recreated_is_watched() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let mut site = InProcessSite::watch_natively(dir.path());
    for version in 1..12 {
        if version % 3 == 0 {
            fs::remove_dir_all(dir.path().join("assets")).unwrap();
        }
        let build = Build::new(version);
        build.put_all(dir.path());
        site.expect(&build);
    }
}
