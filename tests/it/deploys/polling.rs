//! Deploys without native file system events, or with missing ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tidings::WatchMode;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::set_modified;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::ProgramSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::harness::watch_without_rescans;
use crate::deploys::report_skipped;
use crate::support::program::Program;
use crate::support::program::serve;

#[test]
fn watch_poll_detects_change_with_same_size_and_mtime() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let place = dir.path().join(INDEX);
    set_modified(&place, one.modified());
    let mut site = polled(dir.path());
    site.expect(&one);
    for build in [&two, &one, &two] {
        build.put_all(dir.path());
        set_modified(&place, one.modified());
        site.expect(build);
    }
}

#[test]
fn watch_poll_detects_symlink_retargeted_and_back() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&top.path().join("1"));
    two.put_all(&top.path().join("2"));
    let current = top.path().join("current");
    symlink("1", &current).unwrap();
    let mut site = polled(&current);
    site.expect(&one);
    for (target, build) in [("2", &two), ("1", &one), ("2", &two)] {
        let next = top.path().join("next");
        symlink(target, &next).unwrap();
        fs::rename(&next, &current).unwrap();
        site.expect(build);
    }
}

#[test]
fn watch_poll_detects_directory_created_removed_recreated() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("app/dist");
    let (one, two) = (Build::new(1), Build::new(2));
    let mut site = polled(&dir);
    one.put_all(&dir);
    site.expect(&one);
    fs::remove_dir_all(top.path().join("app")).unwrap();
    site.check(&one);
    two.put_all(&dir);
    site.expect(&two);
}

#[test]
fn rescan_detects_change_without_fs_event() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let at = |name: &str| top.path().join(name);
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(&at("srv/app/dist"));
    two.put_all(&at("srv.new/app/dist"));
    let watch =
        watch_without_rescans(&at("srv/app/dist")).rescan_interval(Duration::from_millis(200));
    let mut site = InProcessSite::new(watch);
    site.expect(&one);
    fs::rename(at("srv"), at("srv.old")).unwrap();
    fs::rename(at("srv.new"), at("srv")).unwrap();
    site.expect(&two);
    // Later changes are detected as well.
    one.put_all(&at("srv/app/dist"));
    site.expect(&one);
}

#[test]
fn inotify_watches_unavailable_warns_and_polls() {
    check_limit("max_inotify_watches", 0, None);
}

#[test]
fn inotify_instances_unavailable_warns_and_polls() {
    check_limit("max_inotify_instances", 0, None);
}

#[test]
fn inotify_watches_exhausted_warns_and_polls() {
    // One each for the parent of the site, the site, and its assets.
    check_limit("max_inotify_watches", 3, Some("more/index.html"));
}

/// Serves a site in a process with a limit of the kernel. It must warn, at the latest when `extra_page` exceeds
/// the limit, and still detect deploys.
#[track_caller]
fn check_limit(name: &str, limit: u32, extra_page: Option<&str>) {
    let Some(mut command) = limited(name, limit) else {
        return report_skipped("no user namespaces here");
    };
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let (one, mut two) = (Build::new(1), Build::new(2));
    one.put_all(&dir);
    let bare = serve(&dir);
    command.arg(bare.get_program()).args(bare.get_args());
    // Without events, it rescans five times as often.
    command.args([
        "--debounce=25ms",
        "--incomplete-after=1h",
        "--rescan-interval=500ms",
    ]);
    let mut site = ProgramSite::new(Program::start(&mut command));
    site.expect(&one);
    if let Some(extra_page) = extra_page {
        assert_eq!(site.count("polling instead"), 0);
        let page = "<!doctype html><p>one folder more</p>";
        let more = one.clone().with(extra_page, page);
        two = two.with(extra_page, page);
        more.put(&dir, extra_page);
        site.expect(&more);
    }
    site.program.wait_for_log(&["WARN", "polling instead"]);
    two.put_all(&dir);
    site.expect(&two);
    fs::remove_dir_all(&dir).unwrap();
    one.put_all(&dir);
    site.expect(&one);
    assert_eq!(site.count("polling instead"), 1);
}

/// A shell in a user namespace that runs its arguments under this limit. `None` where the system has no such
/// namespaces or limits.
fn limited(name: &str, limit: u32) -> Option<Command> {
    let limit = format!("echo {limit} >/proc/sys/user/{name} && exec \"$@\"");
    let command = || {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "sh", "-c", &limit, "sh"]);
        command
    };
    let works = command().arg("true").status();
    works.is_ok_and(|status| status.success()).then(command)
}

fn polled(dir: &Path) -> InProcessSite {
    let poll = Duration::from_millis(500);
    InProcessSite::new(
        watch_without_rescans(dir)
            .watch_mode(WatchMode::Poll)
            .rescan_interval(poll),
    )
}
