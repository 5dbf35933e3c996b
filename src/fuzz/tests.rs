use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Bytes that are likely to be valid input, or close to it.
fn bytes(words: &'static [&'static str]) -> impl Strategy<Value = Seed> {
    let word = select(words).prop_map(|word| word.as_bytes().to_vec());
    let chunk = prop_oneof![
        8 => word,
        1 => Just(b"\n".to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(chunk, 0..24).prop_map(|chunks| Seed(chunks.concat()))
}

/// Bytes with the `Debug` output of a byte string literal.
struct Seed(Vec<u8>);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inserter_any_page_holds(page in bytes(&[
        "a\n", "<!doctype html>", "<html>", "<head>", "</head>", "<body a='b'>", "<title>", "</title>", "<!--", "-->",
        "<script>", "</script>", "<template>", "<svg>", "<![CDATA[", "]]>", "x", " ", "\u{feff}", "漢", "</html>",
        "<script src=\"/tidings-tag.js\"></script>", "<select>", "<plaintext>", "<base href=/x/>",
    ])) {
        super::inserter(&page.0);
    }

    #[test]
    fn page_fingerprint_any_page_holds(page in bytes(&[
        "a\nQc\n", "s/a.js\n", "s/a.js?v=1\n", "mb.js\n", "c/c.css?v=2#x\n", "p/a-Ab12.js\n", "i1 < 2\n", "i\n", "b/app/\n",
        "shttps://example.org/x.js\n", "s//other.example/x.js\n", "x\n", "<script src=/a.js>", "</script>", "<base href=b>",
        "<link rel=stylesheet href=/c.css>", "<script>1", "<!--", "-->", "&amp;", "漢",
    ])) {
        super::page_fingerprint(&page.0);
    }

    #[test]
    fn request_headers_any_request_holds(head in bytes(&[
        "10.1.2.3 1.1 /x\n", "::1 2 http://site.example:80/\n", "192.0.2.7 1.0 /\n", "Connection: ", "Upgrade: ",
        "X-Mine: ", "x-mine", "Host: site.example\n", "Via: ", "1.1 a", "TE: trailers\n", "X-Forwarded-For: ",
        "X-Forwarded-Proto: ", "X-Forwarded-Host: ", "Forwarded: ", "for=1.1.1.1", "for=\"[::1]\";proto=https", "\"", "\\",
        ",", ";", "1.1.1.1", "close", "upgrade", "websocket", "h2c", "cookie", "Cookie: a=b\n", "\t", "\u{e9}", "host", "\n",
        "Accept-Encoding: ", "gzip;q=0.5", "br;q=0", "*;q=1", "identity",
    ])) {
        super::request_headers(&head.0);
    }

    #[test]
    fn addresses_any_text_holds(lines in bytes(&[
        "/api/x?y=z\n", "/api", "/", "=", "http://127.0.0.1:9000", "https://", "unix:", "/run/app.sock", "unix:///", ",strip",
        ",", "\n", "[::1]:80", "localhost", ":", "@", "?", "#", "%2f", "..", "json:/v.json#a.b", "header:X-Version", "etag",
        "scripts", "~", "10.0.0.0/8", "private", "keep",
    ])) {
        super::addresses(&lines.0);
    }

    #[test]
    fn entity_tags_any_conditions_hold(lines in bytes(&[
        "\"x\"\n", "W/\"x\"\n", "\"x\"", "W/", "\"", ", ", ",", "*", "*\n", "\"x-tidings-0123456789ab\"", "-tidings-", "-gzip",
        "\"x-tidings-0123456789ab-br\"", "\"x-tidings-r0\"", "-tidings\"", "gzip, br;q=0", "x", "\n", " ", "\u{e9}",
    ])) {
        super::entity_tags(&lines.0);
    }

    #[test]
    fn codings_any_body_holds(coded in (select(&["br", "deflate", "gzip", "zstd"][..]), bytes(&[
        "a\n", "\u{1}\u{40}\n", "\n", "xxxxxxxxxxxxxxxx", "<!doctype html>", "\u{1f}", "\0", "x\u{9c}",
    ]))) {
        let (coding, bytes) = coded;
        super::codings(&[coding.as_bytes(), b"\n", &bytes.0].concat());
    }
}
