//! Media types and charsets.

use super::*;
use crate::support::put_bytes;
use crate::support::site_dir;

#[tokio::test]
async fn content_type_follows_the_extension() {
    let expected = [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.ts", "text/plain; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.xml", "application/xml; charset=utf-8"),
        ("a.xhtml", "application/xhtml+xml; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("site.webmanifest", "application/manifest+json"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.png", "image/png"),
        ("A.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("favicon.ico", "image/x-icon"),
        ("a.woff2", "font/woff2"),
        ("a.mp4", "video/mp4"),
        ("LICENSE", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ];
    let files: Vec<_> = expected.iter().map(|(name, _)| (*name, "x")).collect();
    let served = DirectorySite::new(&[SITE, &files].concat()).await;
    for (name, media_type) in expected {
        let reply = served.get(&format!("/{name}"), &[]).await;
        assert_eq!(reply.field("content-type"), media_type, "{name}");
        assert_eq!(reply.text(), "x");
    }
}

/// The page without the script tag.
fn without_tag(body: &[u8]) -> Vec<u8> {
    let start = memchr::memmem::find(body, b"<script async ").expect("a tag");
    let length = memchr::memmem::find(&body[start..], b"</script>").unwrap() + 9;
    [&body[..start], &body[start + length..]].concat()
}

#[tokio::test]
async fn content_type_of_page_with_meta_charset_has_no_charset() {
    let utf8 = "<!doctype html><meta charset=\"utf-8\"><p>gr\u{fc}n".as_bytes();
    let silent = "<!doctype html><p>gr\u{fc}n".as_bytes();
    let marked = "\u{feff}<!doctype html><p>gr\u{fc}n".as_bytes();
    let latin1 = b"<!doctype html><meta charset=iso-8859-1><p>gr\xfcn";
    let ascii = b"<!doctype html><META CHARSET='windows-1252'><p>green";
    let old = b"<!doctype html><meta http-equiv=content-type content=\"text/html; charset=shift_jis\">\x83\x5c";
    let pages: [(&str, &[u8], &str); 6] = [
        ("utf8", utf8, "text/html; charset=utf-8"),
        ("silent", silent, "text/html; charset=utf-8"),
        ("marked", marked, "text/html; charset=utf-8"),
        ("latin1", latin1, "text/html"),
        ("ascii", ascii, "text/html"),
        ("old", old, "text/html"),
    ];
    let dir = site_dir(SITE);
    for (name, bytes, _) in pages {
        put_bytes(dir.path(), &format!("{name}.html"), bytes);
    }
    let served = DirectorySite::from(dir).await;
    for (name, bytes, media_type) in pages {
        let path = format!("/{name}");
        let page = served.get(&path, NAVIGATION).await;
        assert_eq!(page.field("content-type"), media_type, "{name}");
        assert_eq!(without_tag(&page.body), bytes, "{name}");
        let file = served.get(&path, &[("sec-fetch-dest", "empty")]).await;
        assert_eq!(file.field("content-type"), media_type, "{name}");
        assert_eq!(file.body, bytes, "{name}");
    }
}

#[tokio::test]
async fn page_in_utf_16_is_unchanged() {
    let text = "<!doctype html><head><title>Grün</title></head>";
    let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "little.html", &little);
    put_bytes(dir.path(), "big.html", &big);
    let served = DirectorySite::from(dir).await;
    for (path, bytes) in [("/little", little), ("/big", big)] {
        let page = served.get(path, NAVIGATION).await;
        assert_eq!(page.field("content-type"), "text/html");
        assert_eq!(page.body, bytes);
    }
}

#[tokio::test]
async fn content_type_of_non_utf_8_text_has_no_charset() {
    let dir = site_dir(SITE);
    put_bytes(dir.path(), "old.txt", b"gr\xfcn");
    put_bytes(dir.path(), "old.js", b"alert('gr\xfcn')");
    let served = DirectorySite::from(dir).await;
    let reply = served.get("/old.txt", &[]).await;
    assert_eq!(reply.field("content-type"), "text/plain");
    assert_eq!(reply.body, b"gr\xfcn".as_slice());
    let reply = served.get("/old.js", &[]).await;
    assert_eq!(reply.field("content-type"), "text/javascript");
}
