//! Content coding negotiation by `Accept-Encoding`, and precompressed copies.

use super::*;
use crate::support::coding::decode;
use crate::support::coding::encode;
use crate::support::put_bytes;
use crate::support::site_dir;

fn script() -> String {
    let lines: Vec<_> = (0..300).map(|n| format!("let x{n} = {n};\n")).collect();
    lines.concat()
}

fn long_page() -> String {
    let items: Vec<_> = (0..200).map(|n| format!("<li>item {n}</li>\n")).collect();
    let items = items.concat();
    format!("<!doctype html><title>Long</title><ul>\n{items}</ul>\n")
}

#[tokio::test]
async fn accept_encoding_weights_select_the_coding() {
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "app.js", script().as_bytes());
    put_bytes(dir.path(), "long.html", long_page().as_bytes());
    let served = DirectorySite::from(dir).await;
    for (accept, expected) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.8,gzip;q=0.8", "br"),
        ("gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *", "br"),
        ("identity, gzip;q=0.5", ""),
        ("gzip;q=0, br;q=0", ""),
        ("gzip;q=0, *;q=0", ""),
        ("*;q=0", ""),
        ("deflate, zstd", ""),
        ("identity;q=0", ""),
        ("gzip;q=nonsense", ""),
        ("", ""),
    ] {
        for path in ["/app.js", "/long"] {
            let plain = served.get(path, &[]).await;
            let reply = served.get(path, &[("accept-encoding", accept)]).await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.field("content-encoding"), expected, "{accept:?}");
            assert_eq!(decode(expected, &reply.body), plain.body);
            assert_eq!(reply.field("content-length"), reply.body.len().to_string());
            assert_eq!(reply.field("content-type"), plain.field("content-type"));
            // The identity variant has Vary as well.
            assert!(reply.field("vary").starts_with("accept-encoding"));
            assert_eq!(reply.field("vary"), plain.field("vary"));
            assert_eq!(expected.is_empty(), reply.body == plain.body);
        }
    }
    let plain = served.get("/app.js", &[]).await;
    assert_eq!(plain.body, script());
}

#[tokio::test]
async fn accept_encoding_small_or_compressed_files_stay_identity() {
    let dir = site_dir(SITE);
    let text = "a".repeat(5000);
    put_bytes(dir.path(), "photo.png", text.as_bytes());
    put_bytes(dir.path(), "small.txt", &text.as_bytes()[..1023]);
    put_bytes(dir.path(), "large.txt", &text.as_bytes()[..1024]);
    let served = DirectorySite::from(dir).await;
    for path in ["/photo.png", "/small.txt", "/robots.txt"] {
        let reply = served.get(path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(reply.field("content-encoding"), "", "{path}");
        assert_eq!(reply.field("vary"), "", "{path}");
    }
    let reply = served.get("/large.txt", &[("accept-encoding", "br")]).await;
    assert_eq!(reply.field("content-encoding"), "br");
    assert_eq!(reply.field("vary"), "accept-encoding");
}

#[tokio::test]
async fn precompressed_copies_are_served() {
    let dir = site_dir(SITE);
    let text = script();
    let small = "let small = 1;\n";
    for (name, text) in [("app.js", text.as_str()), ("small.js", small)] {
        put_bytes(dir.path(), name, text.as_bytes());
        put_bytes(dir.path(), &format!("{name}.br"), &encode("br", text));
        put_bytes(dir.path(), &format!("{name}.gz"), &encode("gzip", text));
    }
    let served = DirectorySite::from(dir).await;
    for (path, text) in [("/app.js", text.as_str()), ("/small.js", small)] {
        for coding in ["br", "gzip"] {
            let reply = served.get(path, &[("accept-encoding", coding)]).await;
            assert_eq!(reply.field("content-encoding"), coding, "{path}");
            assert_eq!(reply.body, encode(coding, text), "{path}");
            assert_eq!(
                reply.field("content-type"),
                "text/javascript; charset=utf-8"
            );
        }
        let reply = served.get(path, &[]).await;
        assert_eq!(reply.field("vary"), "accept-encoding");
        assert_eq!(reply.text(), text);
    }
    // Under its own name a copy is an ordinary file.
    let copy = served
        .get("/app.js.gz", &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(copy.field("content-encoding"), "");
    assert_eq!(copy.field("content-type"), "application/gzip");
    assert_eq!(copy.body, encode("gzip", &text));
}

#[tokio::test]
async fn precompressed_copy_with_other_content_is_ignored() {
    let dir = site_dir(SITE);
    let text = script();
    let (other, half) = (text.replace("x0", "y0"), &text[..text.len() / 2]);
    let more = format!("{text}more");
    let copies = [
        ("other", encode("br", &other), encode("gzip", &other)),
        ("half", encode("br", half), encode("gzip", half)),
        ("more", encode("br", &more), encode("gzip", &more)),
        ("empty", encode("br", ""), encode("gzip", "")),
        ("nothing", Vec::new(), Vec::new()),
        (
            "cut",
            encode("br", &text)[..50].to_vec(),
            encode("gzip", &text)[..50].to_vec(),
        ),
        ("noise", b"this is no brotli".to_vec(), b"nor gzip".to_vec()),
    ];
    for (name, br, gzip) in &copies {
        put_bytes(dir.path(), &format!("{name}.js"), text.as_bytes());
        put_bytes(dir.path(), &format!("{name}.js.br"), br);
        put_bytes(dir.path(), &format!("{name}.js.gz"), gzip);
    }
    put_bytes(dir.path(), "small.js", b"let small = 1;\n");
    put_bytes(dir.path(), "small.js.br", b"this is not brotli");
    let served = DirectorySite::from(dir).await;
    for coding in ["br", "gzip"] {
        for (name, ..) in &copies {
            let fields = [("accept-encoding", coding)];
            let reply = served.get(&format!("/{name}.js"), &fields).await;
            assert_eq!(reply.field("content-encoding"), coding);
            assert_eq!(decode(coding, &reply.body), text.as_bytes(), "{name}");
        }
        let reply = served
            .get("/small.js", &[("accept-encoding", coding)])
            .await;
        assert_eq!(reply.field("content-encoding"), "");
        assert_eq!(reply.text(), "let small = 1;\n");
    }
}

#[tokio::test]
async fn precompressed_copy_stale_is_ignored() {
    let dir = site_dir(SITE);
    let (old, new) = (script(), script().replace("x0", "y0"));
    put_bytes(dir.path(), "app.js", old.as_bytes());
    put_bytes(dir.path(), "app.js.br", &encode("br", &old));
    let served = DirectorySite::from(dir).await;
    let reply = served.get("/app.js", &[("accept-encoding", "br")]).await;
    assert_eq!(reply.body, encode("br", &old));
    served
        .change_without_notice(
            |dir| put_bytes(dir, "app.js", new.as_bytes()),
            |release| {
                let asset = release.get("/app.js").unwrap().asset();
                *asset.plain().length() == new.len().to_string()
                    && asset.plain().etag() != reply.field("etag")
                    && is_new(asset, &new)
            },
        )
        .await;
    let reply = served.get("/app.js", &[("accept-encoding", "br")]).await;
    assert_eq!(decode("br", &reply.body), new.as_bytes());
}

fn is_new(asset: &tidings::Asset, text: &str) -> bool {
    match asset.plain().content() {
        tidings::Content::Memory(bytes) => bytes == text.as_bytes(),
        tidings::Content::File(file) => panic!("{file:?}"),
    }
}
