//! Byte ranges.

use super::*;
use crate::support::coding::decode;
use crate::support::put_bytes;
use crate::support::site_dir;

const DIGITS: &[u8] = b"0123456789";

/// A site with `/digits.bin` (ten bytes), `/empty.bin`, and `/long.txt`.
async fn served() -> DirectorySite {
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "digits.bin", DIGITS);
    put_bytes(dir.path(), "empty.bin", b"");
    put_bytes(dir.path(), "long.txt", long().as_bytes());
    DirectorySite::from(dir).await
}

fn long() -> String {
    let lines: Vec<_> = (0..1000).map(|n| format!("line {n}\n")).collect();
    lines.concat()
}

#[tokio::test]
async fn range_single_returns_206() {
    let served = served().await;
    let full = served.get("/digits.bin", &[]).await;
    assert_eq!(full.body, DIGITS);
    assert_eq!(full.field("accept-ranges"), "bytes");
    for (range, expected, bytes) in [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=0-4", "bytes 0-4/10", "01234"),
        ("bytes=5-", "bytes 5-9/10", "56789"),
        ("bytes=9-", "bytes 9-9/10", "9"),
        ("bytes=-1", "bytes 9-9/10", "9"),
        ("bytes=-4", "bytes 6-9/10", "6789"),
        ("bytes=-10", "bytes 0-9/10", "0123456789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
        ("bytes=3-99", "bytes 3-9/10", "3456789"),
        ("bytes=3-18446744073709551616", "bytes 3-9/10", "3456789"),
        ("Bytes=1-2", "bytes 1-2/10", "12"),
    ] {
        let part = served.get("/digits.bin", &[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.field("content-range"), expected);
        assert_eq!(part.field("content-length"), bytes.len().to_string());
        assert_eq!(part.text(), bytes);
        for name in ["etag", "content-type", "last-modified", "cache-control"] {
            assert_eq!(part.field(name), full.field(name), "{name}");
        }
    }
}

#[tokio::test]
async fn range_invalid_or_multiple_returns_200() {
    let served = served().await;
    let full = served.get("/digits.bin", &[]).await;
    for range in [
        "bytes=5-2",
        "bytes=0-1,3-4",
        "bytes=0-,-1",
        "bytes=",
        "bytes=-",
        "bytes=x-y",
        "bytes=+1-2",
        "bytes 0-1",
        "lines=0-1",
        "",
    ] {
        let reply = served.get("/digits.bin", &[("range", range)]).await;
        assert_eq!(reply.status, 200, "{range}");
        assert_eq!(lines(&reply.headers), lines(&full.headers));
        assert_eq!(reply.body, DIGITS);
    }
}

#[tokio::test]
async fn range_past_end_returns_416() {
    let served = served().await;
    for (path, range, length) in [
        ("/digits.bin", "bytes=10-", 10),
        ("/digits.bin", "bytes=10-12", 10),
        ("/digits.bin", "bytes=-0", 10),
        ("/digits.bin", "bytes=18446744073709551616-", 10),
        ("/empty.bin", "bytes=0-", 0),
        ("/empty.bin", "bytes=-1", 0),
    ] {
        let reply = served.get(path, &[("range", range)]).await;
        assert_plain(&reply, 416, "416 Range Not Satisfiable\n");
        assert_eq!(reply.field("content-range"), format!("bytes */{length}"));
    }
    assert_eq!(served.get("/empty.bin", &[]).await.body, "");
}

#[tokio::test]
async fn range_of_head_or_error_is_ignored() {
    let served = served().await;
    let fields = [("range", "bytes=0-3")];
    let head = served.request("HEAD", "/digits.bin", &fields).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-length"), "10");
    assert_eq!(head.field("content-range"), "");
    assert_eq!(served.get("/none", &fields).await.status, 404);
    assert_eq!(served.get("/docs", &fields).await.status, 308);
}

#[tokio::test]
async fn if_range_mismatch_returns_200() {
    let served = served().await;
    let full = served.get("/digits.bin", &[]).await;
    let (etag, date) = (full.field("etag"), full.field("last-modified"));
    let weak = format!("W/{etag}");
    for (condition, status) in [
        (etag, 206),
        (date, 206),
        ("\"x\"", 200),
        (&weak, 200),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("x", 200),
    ] {
        let fields = [("range", "bytes=2-3"), ("if-range", condition)];
        let reply = served.get("/digits.bin", &fields).await;
        assert_eq!(reply.status, status, "{condition}");
        let expected = if status == 206 { "23" } else { "0123456789" };
        assert_eq!(reply.text(), expected);
    }
    // If-Range does not match, so an unsatisfiable range is ignored.
    let fields = [("range", "bytes=99-"), ("if-range", "\"x\"")];
    assert_eq!(served.get("/digits.bin", &fields).await.status, 200);
    // If-Range without Range is ignored, and If-None-Match takes precedence over Range.
    let reply = served.get("/digits.bin", &[("if-range", "\"x\"")]).await;
    assert_eq!(reply.status, 200);
    let fields = [("range", "bytes=0-1"), ("if-none-match", etag)];
    assert_eq!(served.get("/digits.bin", &fields).await.status, 304);
}

#[tokio::test]
async fn range_applies_to_the_selected_coding() {
    let served = served().await;
    for coding in ["gzip", "br"] {
        let accept = ("accept-encoding", coding);
        let full = served.get("/long.txt", &[accept]).await;
        assert_eq!(full.field("content-encoding"), coding);
        let (total, half) = (full.body.len(), full.body.len() / 2);
        let mut joined = Vec::new();
        for (first, last) in [(0, half - 1), (half, total - 1)] {
            let range = format!("bytes={first}-{last}");
            let fields = [accept, ("range", &range), ("if-range", full.field("etag"))];
            let part = served.get("/long.txt", &fields).await;
            assert_eq!(part.status, 206);
            let expected = format!("bytes {first}-{last}/{total}");
            assert_eq!(part.field("content-range"), expected);
            for name in ["content-encoding", "etag", "vary", "content-type"] {
                assert_eq!(part.field(name), full.field(name), "{name}");
            }
            joined.extend_from_slice(&part.body);
        }
        assert_eq!(joined, full.body);
        assert_eq!(decode(coding, &joined), long().as_bytes());
        // Past the end of the coded bytes, but not of the text.
        let range = format!("bytes={total}-");
        let reply = served.get("/long.txt", &[accept, ("range", &range)]).await;
        assert_eq!(reply.status, 416);
        let expected = format!("bytes */{total}");
        assert_eq!(reply.field("content-range"), expected);
        // The entity tag is that of another coding: the whole file.
        let fields = [("range", "bytes=1-2"), ("if-range", full.field("etag"))];
        assert_eq!(served.get("/long.txt", &fields).await.status, 200);
    }
}

#[tokio::test]
async fn range_applies_to_the_page_with_script() {
    let served = served().await;
    let full = served.get("/", NAVIGATION).await;
    let fields = [NAVIGATION, &[("range", "bytes=20-99")]].concat();
    let part = served.get("/", &fields).await;
    assert_eq!(part.status, 206);
    assert_eq!(part.body, full.body[20..=99]);
    assert_eq!(part.field("etag"), full.field("etag"));
    assert_eq!(part.field("vary"), full.field("vary"));
    let fields = [("sec-fetch-dest", "empty"), ("range", "bytes=20-99")];
    let part = served.get("/", &fields).await;
    assert_eq!(part.body, INDEX.as_bytes()[20..=99]);
}
