//! `Cache-Control`, and which files stay servable after a deploy.

use std::fs;

use tidings::Site;

use super::*;
use crate::support::coding::decode;
use crate::support::put;
use crate::support::site_dir;
use crate::support::wait_until_async;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const OLD: &str = "/assets/index-BfX2k3Qa.js";

/// The next build of `SITE`: another script, and no about page.
const NEXT: &[(&str, &str)] = &[
    ("index.html", NEXT_INDEX),
    ("docs/index.html", DOCS),
    ("assets/index-Dk2_x9Zb.js", "console.log('bye')\n"),
    ("robots.txt", ROBOTS),
];

const NEXT_INDEX: &str = "<!doctype html><title>Home</title>\
    <script type=module src=/assets/index-Dk2_x9Zb.js></script>\n";

const THIRD: &[(&str, &str)] = &[
    (
        "index.html",
        "<!doctype html><script src=/x-q8Zk2_Fa.js></script>",
    ),
    ("x-q8Zk2_Fa.js", "3"),
];

#[tokio::test]
async fn cache_control_only_hashed_names_are_immutable() {
    let files = [
        ("assets/index-BfX2k3Qa.js.map", "{}"),
        ("assets/About-tn0RQdqM.css", "p{}"),
        ("assets/logo-8bK_zQ3d.svg", "<svg/>"),
        ("assets/team-overview.png", "x"),
        ("some-document.js", "1"),
        ("404.html", ABOUT),
    ];
    let served = DirectorySite::new(&[SITE, &files].concat()).await;
    for (path, fields, expected) in [
        ("/", NAVIGATION, "no-cache"),
        ("/", &[], "no-cache"),
        ("/about", NAVIGATION, "no-cache"),
        ("/assets/index-BfX2k3Qa.js", &[], IMMUTABLE),
        ("/assets/index-BfX2k3Qa.js.map", &[], IMMUTABLE),
        ("/assets/About-tn0RQdqM.css", &[], IMMUTABLE),
        ("/assets/logo-8bK_zQ3d.svg", &[], IMMUTABLE),
        ("/assets/team-overview.png", &[], "no-cache"),
        ("/some-document.js", &[], "no-cache"),
        ("/robots.txt", &[], "no-cache"),
        ("/docs", &[], "no-cache"),
        ("/assets/index-00000000.js", &[], "no-store"),
        ("/assets/index-00000000.js", NAVIGATION, "no-store"),
        ("/%00", &[], "no-store"),
    ] {
        let reply = served.get(path, fields).await;
        assert_eq!(reply.field("cache-control"), expected, "{path}");
    }
    for (path, fields) in [
        (OLD, [("range", "bytes=0-1")]),
        (OLD, [("if-none-match", "*")]),
    ] {
        let reply = served.get(path, &fields).await;
        assert!(matches!(reply.status, 206 | 304));
        assert_eq!(reply.field("cache-control"), IMMUTABLE);
    }
    let reply = served.get(OLD, &[("range", "bytes=999-")]).await;
    assert_eq!(reply.field("cache-control"), "no-store");
}

#[tokio::test]
async fn retained_release_hashed_chunk_is_served() {
    let long = "export const a = 1;\n".repeat(100);
    let chunk = ("assets/About-C0gX_-9k.js", long.as_str());
    let files = [SITE, &[chunk, ("style.css", "p{}")]].concat();
    let served = DirectorySite::new(&files).await;
    let before = served.get(OLD, &[]).await;
    served.replace(NEXT).await;
    let after = served.get(OLD, &[]).await;
    assert_eq!(after.status, 200);
    assert_eq!(after.text(), SCRIPT);
    assert_eq!(after.field("cache-control"), IMMUTABLE);
    assert_eq!(lines(&after.headers), lines(&before.headers));
    // Conditional requests, ranges and codings work as for any other file.
    let etag = after.field("etag");
    let known = served.get(OLD, &[("if-none-match", etag)]).await;
    assert_eq!(known.status, 304);
    let part = served.get(OLD, &[("range", "bytes=0-6")]).await;
    assert_eq!(part.text(), "console");
    let fields = [("accept-encoding", "br")];
    let small = served.get("/assets/About-C0gX_-9k.js", &fields).await;
    assert_eq!(decode("br", &small.body), long.as_bytes());
    // Without a hash in the name, the old bytes may be wrong.
    let reply = served.get("/style.css", &[]).await;
    assert_plain(&reply, 404, "404 Not Found\n");
}

#[tokio::test]
async fn retained_release_pages_are_not_served() {
    let hashed = ("assets/page-WZQT-SKE.html", ABOUT);
    let served = DirectorySite::new(&[SITE, &[hashed]].concat()).await;
    served.replace(NEXT).await;
    for path in ["/about", "/about.html", "/assets/page-WZQT-SKE.html"] {
        assert_plain(&served.get(path, &[]).await, 404, "404 Not Found\n");
        assert_page(&served.get(path, NAVIGATION).await, NEXT_INDEX);
    }
    assert_page(&served.get("/", NAVIGATION).await, NEXT_INDEX);
}

#[tokio::test]
async fn retained_releases_beyond_limit_return_404() {
    let check = async |keep: usize, after_one: u16, after_two: u16| {
        let site = Site::new().retain_releases(keep);
        let served = DirectorySite::with(site_dir(SITE), site, |watch| watch).await;
        served.replace(NEXT).await;
        let status = served.get(OLD, &[]).await.status;
        assert_eq!(status, after_one, "after one deploy, keep {keep}");
        served.replace(THIRD).await;
        let status = served.get(OLD, &[]).await.status;
        assert_eq!(status, after_two, "after two deploys, keep {keep}");
    };
    check(0, 404, 404).await;
    check(1, 200, 404).await;
    check(2, 200, 200).await;
}

#[tokio::test]
async fn hashed_name_with_changed_bytes_is_not_immutable() {
    let served = DirectorySite::new(SITE).await;
    assert_eq!(served.get(OLD, &[]).await.field("cache-control"), IMMUTABLE);
    let changed = [SITE, &[(&OLD[1..], "console.log('other')\n")]].concat();
    served.replace(&changed).await;
    let reply = served.get(OLD, &[]).await;
    assert_eq!(reply.text(), "console.log('other')\n");
    assert_eq!(reply.field("cache-control"), "no-cache");
    // Not even when the first bytes return: some clients have cached the others by now.
    served.replace(SITE).await;
    let reply = served.get(OLD, &[]).await;
    assert_eq!(reply.text(), SCRIPT);
    assert_eq!(reply.field("cache-control"), "no-cache");
}

#[tokio::test]
async fn hashed_name_once_changed_is_not_immutable_when_retained() {
    let served = DirectorySite::new(SITE).await;
    let changed = [SITE, &[(&OLD[1..], "console.log('other')\n")]].concat();
    served.replace(&changed).await;
    served.replace(NEXT).await;
    let reply = served.get(OLD, &[]).await;
    // Most requests for old files come from tabs of the previous release.
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), "console.log('other')\n");
    assert_eq!(reply.field("cache-control"), "no-cache");
}

#[tokio::test]
async fn unreachable_file_change_does_not_notify() {
    let served = DirectorySite::new(SITE).await;
    served
        .change_without_notice(
            |dir| fs::remove_file(dir.join("robots.txt")).unwrap(),
            |release| release.get("/robots.txt").is_none(),
        )
        .await;
    let reply = served.get("/robots.txt", &[]).await;
    assert_plain(&reply, 404, "404 Not Found\n");
    served
        .change_without_notice(
            |dir| put(dir, &[("humans.txt", "us\n")]),
            |release| release.get("/humans.txt").is_some(),
        )
        .await;
    assert_eq!(served.get("/humans.txt", &[]).await.text(), "us\n");
}

#[tokio::test]
async fn directory_removed_release_stays_served() {
    let served = DirectorySite::new(SITE).await;
    let before = served.get("/", NAVIGATION).await;
    fs::remove_dir_all(served.path()).unwrap();
    // Events of the file system are pending; the next complete build shows that they were processed.
    let reply = served.get("/", NAVIGATION).await;
    assert_eq!(lines(&reply.headers), lines(&before.headers));
    put(served.path(), NEXT);
    wait_until_async("the next build", || {
        served
            .site
            .current()
            .filter(|release| release.get("/about.html").is_none())
    })
    .await;
    assert_page(&served.get("/", NAVIGATION).await, NEXT_INDEX);
    assert_eq!(served.get(OLD, &[]).await.text(), SCRIPT);
}
