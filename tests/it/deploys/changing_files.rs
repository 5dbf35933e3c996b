//! Files that change constantly, or while they are read or sent.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::FILM;
use crate::deploys::build::set_modified;
use crate::deploys::harness::DEBOUNCE;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::ProgramSite;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::harness::watch_without_rescans;
use crate::deploys::os;
use crate::deploys::process::Process;
use crate::deploys::report_skipped;
use crate::deploys::run;
use crate::support::put_bytes;
use crate::support::wait_until;

#[test]
fn sibling_file_written_constantly_does_not_delay_deploys() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let dir = top.path().join("dist");
    let first = Build::new(1);
    first.put_all(&dir);
    let mut site = InProcessSite::watch_natively(&dir);
    site.expect(&first);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::write(top.path().join("access.log"), "GET /\n").unwrap();
                fs::write(top.path().join("tmp"), "").unwrap();
                fs::rename(top.path().join("tmp"), top.path().join("cache")).unwrap();
            }
        });
        // Ends the thread even if an assertion fails.
        let _stop = SetOnDrop(&stop);
        for version in 2..6 {
            let build = Build::new(version);
            build.put_all(&dir);
            site.expect(&build);
        }
    });
}

/// Each of these pages is complete in itself. Only the debounce interval makes them one deploy.
#[test]
fn debounce_pages_written_one_by_one_are_one_deploy() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let debounce = Duration::from_secs(1);
    let mut site = InProcessSite::new(watch_without_rescans(dir.path()).debounce(debounce));
    for version in 0..2 {
        let mut build = Build::new(version);
        for n in 0..30 {
            let page = format!("<!doctype html><p>{version}</p>").repeat(100);
            build = build.with(&format!("docs/{n:02}.html"), page);
        }
        let mut longest = Duration::ZERO;
        let mut last = Instant::now();
        for path in build.index_first() {
            put_bytes(dir.path(), path, b"");
            let mut file = File::create(dir.path().join(path)).unwrap();
            // Written in pieces, so that the page is incomplete for a while.
            for piece in build.file(path).chunks(1500) {
                file.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(5));
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        }
        if longest > debounce / 2 {
            return report_skipped("the machine slept");
        }
        site.expect(&build);
    }
}

#[test]
fn deploy_during_scan_is_published_whole_or_not_at_all() {
    let top = TempDir::with_prefix("tidings-").unwrap();
    let at = |name: &str| top.path().join(name);
    let first = Build::new(1);
    first.put_all(&at("dist"));
    let mut site = InProcessSite::watch_natively(&at("dist"));
    site.expect(&first);
    for version in [2, 4, 6] {
        let (large, next) = (Build::new(version), Build::new(version + 1));
        large.put_all(&at("dist.new"));
        // Large enough for reading to take a while, and first in order.
        for name in ["0.bin", "1.bin"] {
            let file = File::create(at("dist.new").join(name)).unwrap();
            file.set_len(SLOW).unwrap();
        }
        next.put_all(&at("dist.next"));
        fs::rename(at("dist"), at("dist.old")).unwrap();
        fs::rename(at("dist.new"), at("dist")).unwrap();
        wait_until("the large files to be read", || {
            let is_read = Process::this().has_open(&at("dist/0.bin"));
            let is_over = site.site().current()?.get("/0.bin").is_some();
            (is_read || is_over).then_some(())
        });
        let was_over = site.site().current().unwrap().get("/0.bin").is_some();
        fs::rename(at("dist"), at("dist.large")).unwrap();
        fs::rename(at("dist.next"), at("dist")).unwrap();
        if was_over {
            site.expect(&large);
        }
        site.expect(&next);
        fs::remove_dir_all(at("dist.old")).unwrap();
        fs::remove_dir_all(at("dist.large")).unwrap();
    }
}

#[test]
fn file_replaced_by_fifo_during_scan_does_not_block() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let (one, two) = (Build::new(1), Build::new(2));
    one.put_all(dir.path());
    let mut site = ProgramSite::serve(dir.path());
    site.expect(&one);
    let threads = thread::available_parallelism().unwrap().get();
    for n in 0..threads {
        let file = File::create(dir.path().join(format!("{n:03}.bin"))).unwrap();
        file.set_len(SLOW).unwrap();
    }
    let (last, pipe) = (dir.path().join("zz.txt"), dir.path().join("pipe"));
    fs::write(&last, "a file").unwrap();
    run("mkfifo", [os(&pipe)]);
    let process = Process::with_argument(dir.path());
    wait_until("the large files to be read", || {
        let large = dir.path().join("000.bin");
        process.has_open(&large).then_some(())
    });
    fs::rename(&pipe, &last).unwrap();
    two.put_all(dir.path());
    site.expect(&two);
}

#[test]
fn large_file_touched_chmodded_or_linked_is_still_served() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    build.put_all(dir.path());
    let film = dir.path().join(build.film());
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&build);
    site.stop_watching();
    site.check_file(build.film(), build.file(build.film()));
    fs::set_permissions(&film, PermissionsExt::from_mode(0o600)).unwrap();
    site.check_file(build.film(), build.file(build.film()));
    set_modified(&film, SystemTime::now());
    site.check_file(build.film(), build.file(build.film()));
    fs::hard_link(&film, dir.path().join("link.mp4")).unwrap();
    fs::remove_file(&film).unwrap();
    site.check_file(build.film(), build.file(build.film()));
}

#[test]
fn large_file_overwritten_repeatedly_is_never_served_mixed() {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    build.put_all(dir.path());
    let place = dir.path().join("film.mp4");
    let versions = [vec![b'a'; FILM * 8], vec![b'b'; FILM * 8]];
    fs::write(&place, &versions[0]).unwrap();
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&build);
    let stop = AtomicBool::new(false);
    let mut whole = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..400 {
                if n % 40 == 0 {
                    // Time to read and send it.
                    thread::sleep(DEBOUNCE * 5);
                }
                let mut file = File::options().write(true).open(&place).unwrap();
                for piece in versions[n % 2].chunks(64 * 1024) {
                    file.write_all(piece).unwrap();
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            match site.try_get("/film.mp4") {
                Some((200, body)) => {
                    assert!(
                        versions.contains(&body),
                        "half of one and half of the other"
                    );
                    whole += 1;
                }
                // No response is better than a mixed one.
                Some((503, _)) | None => {}
                Some((status, _)) => panic!("{status}"),
            }
        }
    });
    assert!(whole > 0);
    wait_until("the last one", || {
        site.is_served("film.mp4", &versions[1]).then_some(())
    });
    site.expect_no_other_release(dir.path(), &build);
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

// Takes most of a second to read. The file is sparse.
const SLOW: u64 = 200 * 1024 * 1024;
