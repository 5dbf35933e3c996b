//! Which changes of the directory make a new release, and which do not notify.

use std::fs;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::deploys::build::Build;
use crate::deploys::build::INDEX;
use crate::deploys::build::Random;
use crate::deploys::build::empty;
use crate::deploys::build::set_modified;
use crate::deploys::harness::InProcessSite;
use crate::deploys::harness::ReleaseEvent;
use crate::deploys::harness::SiteUnderTest as _;
use crate::deploys::harness::tag;
use crate::support::events::Block;
use crate::support::wait_until;

#[test]
fn unreachable_file_change_is_served_without_notice() {
    let (dir, build, mut site) = settled();
    let robots = dir.path().join("robots.txt");
    for content in ["User-agent: *", "User-agent: none"] {
        fs::write(&robots, content).unwrap();
        wait_until("the file", || {
            site.is_served("robots.txt", content.as_bytes())
                .then_some(())
        });
    }
    fs::remove_file(&robots).unwrap();
    wait_until("the file to go", || {
        (site.get("/robots.txt").0 == 404).then_some(())
    });
    site.expect_no_other_release(dir.path(), &build);
}

#[test]
fn chunk_deployed_before_page_is_served_without_notice() {
    let (dir, _, mut site) = settled();
    let two = Build::new(2);
    let mut order: Vec<_> = two.index_last();
    order.pop();
    for path in order {
        two.put(dir.path(), path);
        let bytes = two.file(path);
        wait_until(path, || site.is_served(path, bytes).then_some(()));
    }
    two.put(dir.path(), INDEX);
    site.expect(&two);
}

#[test]
fn stale_chunks_deleted_does_not_notify() {
    let (dir, one, mut site) = settled();
    let two = Build::new(2);
    two.put_all(dir.path());
    site.expect(&two);
    for (path, _) in one.chunks() {
        if two.chunks().all(|(kept, _)| kept != path) {
            fs::remove_file(dir.path().join(path)).unwrap();
        }
    }
    wait_until("the chunks to go", || {
        let release = site.site().current().unwrap();
        let gone = release.get(&format!("/{}", one.lazy())).is_none();
        gone.then_some(())
    });
    // They are served from the retained release.
    site.check_chunks(&one);
    site.expect_no_other_release(dir.path(), &two);
}

/// One in a hundred hashes of Vite, and one in ten of webpack's eight digits, looks like a word or a number.
#[test]
fn retained_chunk_is_served_whatever_its_hash_looks_like() {
    let odd = ["szefystz", "bqxoNbon", "gkf-2fl-", "psbiin46"];
    let odd = odd.map(|hash| format!("assets/Odd-{hash}.js"));
    check_retained(&Build::new(1), &odd);
    let page = "<!doctype html><script src=\"/js/main.8e2f0b3a.js\"></script>";
    let webpack = Build::new(1)
        .with(INDEX, page)
        .with("js/main.8e2f0b3a.js", "1")
        .with("js/453.a1f0e9b2.chunk.js", "1")
        .with("js/120.0c9d8e7f.chunk.js", "1");
    let odd = ["28340912", "2731fdae", "e7223754"];
    let odd = odd.map(|hash| format!("js/787.{hash}.chunk.js"));
    check_retained(&webpack, &odd);
}

#[track_caller]
fn check_retained(build: &Build, chunks: &[String]) {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let mut one = build.clone();
    for chunk in chunks {
        one = one.with(chunk, "export default 1");
    }
    one.put_all(dir.path());
    let mut site = InProcessSite::watch_natively(dir.path());
    site.next();
    let two = Build::new(2);
    empty(dir.path());
    two.put_all(dir.path());
    site.next();
    let gone = |chunk: &&String| site.get(&format!("/{chunk}")).0 != 200;
    assert_eq!(chunks.iter().filter(gone).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn source_map_change_does_not_notify() {
    let (dir, one, mut site) = settled();
    let map = format!("{}.map", one.entry());
    let place = dir.path().join(&map);
    fs::write(&place, "{}").unwrap();
    wait_until("the map", || site.is_served(&map, b"{}").then_some(()));
    fs::remove_file(&place).unwrap();
    wait_until("the map to go", || {
        (site.get(&format!("/{map}")).0 == 404).then_some(())
    });
    let without = one.clone().without(&map);
    site.expect_no_other_release(dir.path(), &without);
    assert_eq!(without.id(), one.id());
}

#[test]
fn same_build_redeployed_does_not_notify() {
    let (dir, one, mut site) = settled();
    for _ in 0..3 {
        let before = site.site().current();
        empty(dir.path());
        one.put_all(dir.path());
        wait_until("a scan", || {
            let same = Arc::ptr_eq(before.as_ref()?, &site.site().current()?);
            (!same).then_some(())
        });
    }
    site.check(&one);
    site.expect_no_other_release(dir.path(), &one);
}

#[test]
fn newer_mtimes_update_built_without_notice() {
    let (dir, one, mut site) = settled();
    let before = current(&site);
    let time = SystemTime::now() + Duration::from_secs(1000);
    set_modified(&dir.path().join(one.entry()), time);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let built = u64::try_from(since.as_millis()).unwrap();
    let now = wait_until("the new time", || {
        let now = current(&site);
        (now.built == built).then_some(now)
    });
    assert_eq!(now, ReleaseEvent { built, ..before });
    assert_eq!(tag(&site.get("/").1).built, built.to_string());
    site.expect_no_other_release(dir.path(), &one);
}

#[test]
fn built_time_is_mtime_of_newest_reachable_file() {
    let build = Build::new(7);
    let source = build.source();
    let newest = build.modified() + Duration::from_millis(1234);
    set_modified(&source.path().join(build.film()), newest);
    let map = format!("{}.map", build.entry());
    set_modified(&source.path().join(map), newest + Duration::from_secs(9));
    let mut site = InProcessSite::watch_natively(source.path());
    let event = site.expect(&build);
    let since = newest.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(u128::from(event.built), since.as_millis());
}

#[test]
fn release_id_is_independent_of_write_order() {
    let build = Build::new(1);
    let mut random = Random::new(1);
    let mut pages = Vec::new();
    for _ in 0..4 {
        let dir = TempDir::with_prefix("tidings-").unwrap();
        let mut order = build.index_first();
        random.shuffle(&mut order);
        for path in order {
            build.put(dir.path(), path);
        }
        for (path, _) in build.files() {
            set_modified(&dir.path().join(path), build.modified());
        }
        // Unreachable files and earlier releases make no difference.
        fs::write(dir.path().join("notes.txt"), random.below(1000).to_string()).unwrap();
        let mut site = InProcessSite::watch_natively(dir.path());
        let id = site.expect(&build).id;
        let other = Build::new(2);
        other.put_all(dir.path());
        site.expect(&other);
        build.put_all(dir.path());
        for (path, _) in build.files() {
            set_modified(&dir.path().join(path), build.modified());
        }
        assert_eq!(site.expect(&build).id, id);
        wait_until("the times", || {
            (tag(&site.get("/").1).built == millis(build.modified())).then_some(())
        });
        let page = site.reply("/", &[]);
        pages.push((page.field("etag").to_owned(), page.body));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "one page, and one tag for it");
}

#[test]
fn release_id_changes_with_any_reachable_byte_or_path() {
    let build = Build::new(1);
    let id = build.id();
    for (path, bytes) in build.reachable() {
        let other = build.clone().with(path, [bytes, b" "].concat());
        assert_ne!(other.id(), id, "{path}");
    }
    let icon = build.file("favicon.svg").to_vec();
    let moved = build
        .clone()
        .with("icons/favicon.svg", icon)
        .without("favicon.svg");
    assert_ne!(moved.id(), id);
    assert_eq!(build.clone().with("robots.txt", "").id(), id);
}

/// A site that has published version 1.
fn settled() -> (TempDir, Build, InProcessSite) {
    let dir = TempDir::with_prefix("tidings-").unwrap();
    let build = Build::new(1);
    build.put_all(dir.path());
    let mut site = InProcessSite::watch_natively(dir.path());
    site.expect(&build);
    (dir, build, site)
}

/// The current contents of `release.json`.
fn current(site: &InProcessSite) -> ReleaseEvent {
    let reply = site.reply("/__tidings/release.json", &[]);
    ReleaseEvent::parse(&Block {
        id: "0".to_owned(),
        data: reply.text().to_owned(),
        ..Block::default()
    })
}

fn millis(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_millis().to_string()
}
