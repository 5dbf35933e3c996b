//! Files that are not held in memory.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use http_body_util::BodyExt as _;
use tidings::Content;
use tidings::Site;

use super::*;
use crate::support::coding::encode;
use crate::support::noise;
use crate::support::put_bytes;
use crate::support::site_dir;
use crate::support::within;

const VIDEO: &str = "/video.mp4";

/// Long enough to be sent in several frames.
fn video(seed: u64) -> Vec<u8> {
    noise(seed, 1_000_003)
}

/// A site with a file above the limit, whose directory is no longer watched.
async fn unwatched() -> DirectorySite {
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "video.mp4", &video(1));
    let mut served =
        DirectorySite::with(dir, Site::new(), |watch| watch.max_memory_file(1000)).await;
    served.stop_watching().await;
    let release = served.site.current().unwrap();
    assert!(matches!(
        release.get(VIDEO).unwrap().asset().plain().content(),
        Content::File(_)
    ));
    served
}

/// Writes other bytes into the same file, which keeps its size and modification time.
fn overwrite(dir: &Path) {
    let place = dir.join("video.mp4");
    let modified = fs::metadata(&place).unwrap().modified().unwrap();
    let mut file = File::options().write(true).open(&place).unwrap();
    file.write_all(&video(2)).unwrap();
    file.set_modified(modified).unwrap();
}

async fn assert_served(served: &DirectorySite) {
    let bytes = video(1);
    let full = served.get(VIDEO, &[]).await;
    assert_eq!(full.status, 200);
    assert!(full.body == bytes);
    assert_eq!(full.field("content-length"), bytes.len().to_string());
    assert_eq!(full.field("content-type"), "video/mp4");
    let last = bytes.len() - 1;
    for (range, first, last) in [
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=262143-262144".to_owned(), 262_143, 262_144),
        ("bytes=100000-900000".to_owned(), 100_000, 900_000),
        ("bytes=-7".to_owned(), last - 6, last),
        (format!("bytes={last}-"), last, last),
    ] {
        let part = served.get(VIDEO, &[("range", &range)]).await;
        assert_eq!(part.status, 206);
        let expected = format!("bytes {first}-{last}/{}", bytes.len());
        assert_eq!(part.field("content-range"), expected);
        assert!(part.body == bytes[first..=last], "{range}");
    }
    let head = served.request("HEAD", VIDEO, &[]).await;
    assert_eq!(lines(&head.headers), lines(&full.headers));
    assert_eq!(head.body, "");
    let fields = [("if-none-match", full.field("etag"))];
    assert_eq!(served.get(VIDEO, &fields).await.status, 304);
}

#[tokio::test]
async fn large_file_is_served_whole_and_by_range() {
    assert_served(&unwatched().await).await;
}

#[tokio::test]
async fn large_file_deleted_renamed_or_linked_is_still_served() {
    for change in [
        |place: &Path| fs::remove_file(place).unwrap(),
        |place: &Path| fs::rename(place, place.with_extension("old")).unwrap(),
        |place: &Path| fs::hard_link(place, place.with_extension("copy")).unwrap(),
        |place: &Path| fs::remove_dir_all(place.parent().unwrap()).unwrap(),
    ] {
        let served = unwatched().await;
        change(&served.path().join("video.mp4"));
        assert_served(&served).await;
    }
}

#[tokio::test]
async fn large_file_replaced_serves_old_bytes_until_published() {
    let served = unwatched().await;
    let place = served.path().join("video.mp4");
    put_bytes(served.path(), "new.mp4", &video(2));
    fs::rename(served.path().join("new.mp4"), place).unwrap();
    assert_served(&served).await;
}

#[tokio::test]
async fn large_file_overwritten_in_place_returns_503() {
    for change in [
        |dir: &Path| overwrite(dir),
        |dir: &Path| put_bytes(dir, "video.mp4", b"short"),
        |dir: &Path| put_bytes(dir, "video.mp4", &[video(1), video(2)].concat()),
    ] {
        let served = unwatched().await;
        let before = served.get(VIDEO, &[]).await;
        change(served.path());
        for (method, fields) in [
            ("GET", &[][..]),
            ("GET", &[("range", "bytes=0-3")]),
            ("HEAD", &[]),
        ] {
            let reply = served.request(method, VIDEO, fields).await;
            assert_plain(
                &reply,
                503,
                "503 Service Unavailable: the file is being replaced\n",
            );
            assert_eq!(reply.field("retry-after"), "1", "{method}");
        }
        // Files in memory are not affected.
        assert_page(&served.get("/", NAVIGATION).await, INDEX);
        let fields = [("if-none-match", before.field("etag"))];
        let reply = served.get(VIDEO, &fields).await;
        assert_eq!(reply.status, 304, "the client has all of the old bytes");
    }
}

#[tokio::test]
async fn large_file_overwritten_while_sent_aborts_the_body() {
    for change in [
        |dir: &Path| overwrite(dir),
        |dir: &Path| put_bytes(dir, "video.mp4", b"short"),
    ] {
        let served = unwatched().await;
        let mut body = served.send(VIDEO, &[]).await.into_body();
        let mut sent = Vec::new();
        let first = within("the first piece", body.frame()).await;
        sent.extend_from_slice(&first.unwrap().unwrap().into_data().unwrap());
        change(served.path());
        let error = loop {
            match within("the next piece", body.frame()).await {
                Some(Ok(frame)) => sent.extend_from_slice(&frame.into_data().unwrap()),
                Some(Err(error)) => break error,
                None => panic!("all of it was sent, {} bytes", sent.len()),
            }
        };
        assert!(sent.len() < video(1).len(), "{error}");
        assert!(video(1).starts_with(&sent), "{error}");
    }
}

#[tokio::test]
async fn large_file_overwritten_serves_new_bytes_once_published() {
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "video.mp4", &video(1));
    let served = DirectorySite::with(dir, Site::new(), |watch| watch.max_memory_file(1000)).await;
    overwrite(served.path());
    let deadline = tokio::time::Instant::now() + crate::support::DEADLINE;
    loop {
        let reply = served.get(VIDEO, &[]).await;
        match reply.status {
            503 => assert_eq!(reply.field("retry-after"), "1"),
            _ if reply.body == video(2) => break,
            _ => assert!(reply.body == video(1), "neither the old bytes nor the new"),
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn large_hashed_chunk_is_retained() {
    let large = "/assets/data-C0gX_-9k.js";
    let text = "x".repeat(300_000);
    let files = [SITE, &[(&large[1..], text.as_str())]].concat();
    let set = |watch: tidings::WatchDirectory| watch.max_memory_file(1000);
    let served = DirectorySite::with(site_dir(&files), Site::new(), set).await;
    served.replace(&[("index.html", ABOUT)]).await;
    let reply = served.get(large, &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), text);
    assert!(reply.field("cache-control").ends_with(", immutable"));
}

#[tokio::test]
async fn large_text_has_charset_and_precompressed_copies() {
    let dir = site_dir(SITE);
    let text = "let grün = 'é';\n".repeat(50_000);
    put_bytes(dir.path(), "large.js", text.as_bytes());
    put_bytes(dir.path(), "copied.js", text.as_bytes());
    let copy = encode("br", &text);
    put_bytes(dir.path(), "copied.js.br", &copy);
    let served = DirectorySite::with(dir, Site::new(), |watch| watch.max_memory_file(1000)).await;
    let fields = [("accept-encoding", "br, gzip")];
    let reply = served.get("/large.js", &fields).await;
    assert_eq!(reply.text(), text);
    assert_eq!(reply.field("vary"), "");
    assert_eq!(
        reply.field("content-type"),
        "text/javascript; charset=utf-8"
    );
    let reply = served.get("/copied.js", &fields).await;
    assert_eq!(reply.field("content-encoding"), "br");
    assert_eq!(reply.field("vary"), "accept-encoding");
    assert!(reply.body == copy);
}

#[tokio::test]
async fn memory_limit_exceeded_serves_from_disk() {
    let dir = site_dir(SITE);
    for name in ["a.bin", "b.bin", "c.bin"] {
        put_bytes(dir.path(), name, name.repeat(1000).as_bytes());
    }
    let mut served = DirectorySite::with(dir, Site::new().memory_limit(8000), |watch| watch).await;
    served.stop_watching().await;
    let release = served.site.current().unwrap();
    let in_memory = ["/a.bin", "/b.bin", "/c.bin"].map(|path| {
        let asset = release.get(path).unwrap().asset();
        matches!(asset.plain().content(), Content::Memory(_))
    });
    assert_eq!(in_memory, [true, false, false]);
    for name in ["a.bin", "b.bin", "c.bin"] {
        fs::remove_file(served.path().join(name)).unwrap();
        let reply = served.get(&format!("/{name}"), &[]).await;
        assert_eq!(reply.text(), name.repeat(1000));
    }
}

#[tokio::test]
async fn memory_limit_exceeded_drops_retained_release() {
    let first = format!("/*{}*/", "x".repeat(6000));
    let index = |name: &str| format!("<!doctype html><script src=/assets/{name}></script>");
    let (one, two) = (index("index-BfX2k3Qa.js"), index("index-Dk2_x9Zb.js"));
    let check = async |memory: u64, kept: usize, status: u16| {
        let site = Site::new().memory_limit(memory);
        let files = [
            ("index.html", one.as_str()),
            ("assets/index-BfX2k3Qa.js", &first),
        ];
        let served = DirectorySite::with(site_dir(&files), site, |watch| watch).await;
        let second = format!("/*{}*/", "y".repeat(6000));
        let files = [
            ("index.html", two.as_str()),
            ("assets/index-Dk2_x9Zb.js", &second),
        ];
        served.replace(&files).await;
        assert_eq!(served.site.retained().len(), kept);
        let old = served.get("/assets/index-BfX2k3Qa.js", &[]).await;
        assert_eq!(old.status, status, "{memory} bytes");
        let new = served.get("/assets/index-Dk2_x9Zb.js", &[]).await;
        assert_eq!(new.text(), second);
    };
    check(100_000, 1, 200).await;
    check(10_000, 0, 404).await;
}
