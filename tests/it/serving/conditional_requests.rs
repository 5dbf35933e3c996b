//! Conditional requests.

use super::*;

const SCRIPT_PATH: &str = "/assets/index-BfX2k3Qa.js";

/// Fields of the 200 that a 304 repeats (RFC 9110, section 15.4.5). It has no others.
const OF_A_304: &[&str] = &[
    "cache-control",
    "etag",
    "last-modified",
    "vary",
    "x-content-type-options",
];

#[track_caller]
fn assert_not_modified(reply: &Reply, full: &Reply) {
    assert_eq!(reply.status, 304, "{reply:?}");
    assert_eq!(reply.body, "");
    let of_full = lines(&full.headers).into_iter();
    let expected: Vec<_> = of_full
        .filter(|line| OF_A_304.contains(&line.split_once(": ").unwrap().0))
        .collect();
    assert_eq!(lines(&reply.headers), expected);
    assert_ne!(reply.field("etag"), "");
    assert_ne!(reply.field("cache-control"), "");
}

#[track_caller]
fn assert_whole(reply: &Reply, full: &Reply) {
    assert_eq!(reply.status, 200);
    assert_eq!(lines(&reply.headers), lines(&full.headers));
    assert_eq!(reply.body, full.body);
}

#[tokio::test]
async fn if_none_match_current_tag_returns_304() {
    let long = "p { color: red }\n".repeat(200);
    let files = [SITE, &[("style.css", &long)]].concat();
    let served = DirectorySite::new(&files).await;
    for (path, accept) in [
        ("/", ""),
        ("/about", ""),
        ("/some/route", ""),
        (SCRIPT_PATH, ""),
        ("/robots.txt", ""),
        ("/style.css", ""),
        ("/style.css", "gzip"),
        ("/style.css", "br"),
    ] {
        let base = [NAVIGATION, &[("accept-encoding", accept)]].concat();
        let full = served.get(path, &base).await;
        let etag = full.field("etag").to_owned();
        assert!(etag.starts_with('"') && etag.len() > 10, "{etag}");
        for condition in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            format!("W/\"x,\" ,  W/{etag},\"y\""),
            "*".to_owned(),
        ] {
            for method in ["GET", "HEAD"] {
                let fields = [&base[..], &[("if-none-match", &condition)]].concat();
                let reply = served.request(method, path, &fields).await;
                assert_not_modified(&reply, &full);
            }
        }
        for condition in ["\"x\"", "W/\"x\"", "x", "", &etag[1..]] {
            let fields = [&base[..], &[("if-none-match", condition)]].concat();
            assert_whole(&served.get(path, &fields).await, &full);
        }
    }
}

#[tokio::test]
async fn etag_differs_by_content_coding() {
    let long = "p { color: red }\n".repeat(200);
    let served = DirectorySite::new(&[("index.html", INDEX), ("a.css", &long), SITE[3]]).await;
    let form = |accept| {
        let served = &served;
        async move { served.get("/a.css", &[("accept-encoding", accept)]).await }
    };
    let (plain, gzip, br) = (form("").await, form("gzip").await, form("br").await);
    let tags = [&plain, &gzip, &br].map(|reply| reply.field("etag").to_owned());
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    let fields = [("accept-encoding", "br"), ("if-none-match", &tags[1])];
    assert_whole(&served.get("/a.css", &fields).await, &br);
    let list = tags.join(", ");
    let fields = [("accept-encoding", "gzip"), ("if-none-match", &list)];
    assert_not_modified(&served.get("/a.css", &fields).await, &gzip);
}

#[tokio::test]
async fn etag_depends_on_bytes_only() {
    let (one, two) = (
        DirectorySite::new(SITE).await,
        DirectorySite::new(SITE).await,
    );
    for path in [SCRIPT_PATH, "/robots.txt"] {
        let tags = [one.get(path, &[]).await, two.get(path, &[]).await];
        assert_eq!(tags[0].field("etag"), tags[1].field("etag"));
    }
    // Same size and modification time, other bytes.
    let modified = |served: &DirectorySite| {
        let metadata = std::fs::metadata(served.path().join("robots.txt")).unwrap();
        metadata.modified().unwrap()
    };
    let before = one.get("/robots.txt", &[]).await;
    let time = modified(&one);
    let other = ROBOTS.replace('*', "x");
    one.change_without_notice(
        |dir| {
            crate::support::put(dir, &[("robots.txt", &other)]);
            let file = std::fs::File::options()
                .append(true)
                .open(dir.join("robots.txt"));
            file.unwrap().set_modified(time).unwrap();
        },
        |release| {
            let asset = release.get("/robots.txt").unwrap().asset();
            *asset.plain().etag() != *before.field("etag")
        },
    )
    .await;
    assert_eq!(modified(&one), time);
    let etag = before.field("etag");
    let date = before.field("last-modified");
    let fields = [("if-none-match", etag), ("if-modified-since", date)];
    let after = one.get("/robots.txt", &fields).await;
    assert_eq!(after.status, 200);
    assert_eq!(after.text(), other);
}

#[tokio::test]
async fn if_modified_since_applies_without_etag_and_to_files_only() {
    let served = DirectorySite::new(SITE).await;
    let full = served.get("/robots.txt", &[]).await;
    let date = full.field("last-modified");
    assert!(date.ends_with(" GMT"), "{date}");
    let etag = full.field("etag");
    let same = [("if-modified-since", date)];
    assert_not_modified(&served.get("/robots.txt", &same).await, &full);
    for fields in [
        // After a rollback the file is older than the client's copy.
        [("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")].as_slice(),
        &[("if-modified-since", "yesterday")],
        &[("if-modified-since", date), ("if-none-match", "\"x\"")],
    ] {
        assert_whole(&served.get("/robots.txt", fields).await, &full);
    }
    let both = [("if-modified-since", "x"), ("if-none-match", etag)];
    assert_not_modified(&served.get("/robots.txt", &both).await, &full);
    // A page changes with the release, whatever its file's modification time is.
    for path in ["/", "/about", "/docs/", "/route"] {
        assert_eq!(
            served.get(path, NAVIGATION).await.field("last-modified"),
            ""
        );
    }
}

#[tokio::test]
async fn if_match_or_if_unmodified_since_failed_returns_412() {
    let served = DirectorySite::new(SITE).await;
    let full = served.get("/robots.txt", &[]).await;
    let (etag, date) = (full.field("etag"), full.field("last-modified"));
    for fields in [
        &[("if-match", etag)][..],
        &[("if-match", "*")],
        &[("if-unmodified-since", date)],
        &[("if-match", etag), ("if-unmodified-since", "x")],
    ] {
        assert_whole(&served.get("/robots.txt", fields).await, &full);
    }
    let weak = format!("W/{etag}");
    for fields in [
        &[("if-match", "\"x\"")][..],
        &[("if-match", &weak)],
        &[("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT")],
        &[("if-match", "\"x\""), ("if-none-match", etag)],
    ] {
        let reply = served.get("/robots.txt", fields).await;
        assert_plain(&reply, 412, "412 Precondition Failed\n");
    }
}

#[tokio::test]
async fn redirects_and_errors_have_no_validator() {
    let served = DirectorySite::new(SITE).await;
    for (path, status) in [("/docs", 308), ("/none", 404), ("/%00", 400)] {
        for fields in [&[("if-none-match", "*")][..], &[("range", "bytes=0-1")]] {
            let reply = served.get(path, fields).await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.field("etag"), "");
            assert_ne!(reply.body, "");
        }
    }
}
