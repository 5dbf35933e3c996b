//! Which responses get the script; all others pass unchanged.

use super::*;

const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

#[tokio::test]
async fn eligible_page_gets_tag_and_keeps_other_headers() {
    for (status, content_type) in [
        (200, "text/html"),
        (200, "text/html; charset=utf-8"),
        (200, "Text/HTML;charset=\"UTF-8\""),
        (200, "text/html; charset=windows-1252"),
        (200, "text/html; charset=shift_jis"),
        (400, "text/html"),
        (404, "text/html"),
        (500, "text/html"),
        (503, "text/html"),
    ] {
        let fields = [
            ("content-type", content_type),
            ("content-length", "75"),
            ("cache-control", "no-cache"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("retry-after", "5"),
            ("content-encoding", "identity"),
        ];
        let answer = answer(status, &fields, page().as_bytes());
        let reply = read_through(NAVIGATION, answer).await;
        assert_eq!(reply.status, status);
        let tag = tag_between(reply.text(), PAGE.0, PAGE.1);
        assert!(tag.contains(" data-release=\"r1\" data-built=\"1700000000000\""));
        assert_eq!(reply.field("content-type"), content_type);
        assert_eq!(reply.field("content-length"), "");
        assert_eq!(reply.field("cache-control"), "no-cache");
        assert_eq!(reply.field("retry-after"), "5");
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }
}

#[tokio::test]
async fn insertion_point_is_where_a_parser_finds_the_head() {
    for (before, after) in [
        PAGE,
        (
            "<!doctype html><!-- <head> -->\n<html data-x='<head>'><head>",
            "<script>'<head>'</script>",
        ),
        ("<!doctype html>", "<title>No head</title><p>x"),
        ("<!doctype html><html>", "<body>No head either"),
        ("<!doctype html>\n", "only text"),
        (
            "\u{feff}<!DOCTYPE html><HEAD>",
            "<title>With a mark</title>",
        ),
        ("<!doctype html>", "<template><head></head></template>"),
        ("<!doctype html>", "<svg><title><head></title></svg>"),
    ] {
        let page = format!("{before}{after}");
        let answer = answer(200, &[HTML], page.as_bytes());
        let reply = read_through(NAVIGATION, answer).await;
        tag_between(reply.text(), before, after);
    }
}

#[tokio::test]
async fn page_in_other_charset_keeps_its_bytes() {
    let page = b"<!doctype html><head><meta charset=gbk><title>\xc4\xe3\xba\xc3\xff\x80</title>";
    let answer = answer(200, &[("content-type", "text/html; charset=gbk")], page);
    let reply = read_through(NAVIGATION, answer).await;
    let start = memchr::memmem::find(&reply.body, b"<script").unwrap();
    assert_eq!(&reply.body[..start], b"<!doctype html><head>");
    let rest = &page[start..];
    assert!(reply.body.ends_with(rest));
    assert!(reply.body.len() < page.len() + 200);
}

/// Asserts that the layer does not change the response.
async fn assert_untouched(status: u16, fields: &[(&str, &str)], body: &[u8]) {
    let bare = Reply::read(answer(status, fields, body)).await;
    for request in [&[][..], NAVIGATION] {
        let reply = read_through(request, answer(status, fields, body)).await;
        assert_eq!(reply.status, bare.status);
        assert_eq!(reply.headers, bare.headers, "{status} {fields:?}");
        assert_eq!(reply.body, bare.body, "{status} {fields:?}");
    }
}

#[tokio::test]
async fn non_page_response_is_unchanged() {
    let page = page();
    let page = page.as_bytes();
    let all = [
        ("etag", "\"x\""),
        ("last-modified", "Sun, 22 Nov 2026 12:00:00 GMT"),
        ("accept-ranges", "bytes"),
        ("content-length", "75"),
    ];
    for fields in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/json")],
        &[("content-type", "application/xhtml+xml")],
        &[("content-type", "image/svg+xml")],
        &[("content-type", "text/html-like")],
        &[("content-type", "text/vnd.turbo-stream.html")],
        &[("content-type", "text/html; charset=utf-16le")],
        &[("content-type", "text/html; charset=UTF-16")],
        &[("content-type", "text/html; charset=iso-2022-jp")],
        &[HTML, ("content-encoding", "compress")],
        &[HTML, ("content-encoding", "gzip, br")],
        &[HTML, ("content-encoding", "gzip, identity")],
        &[
            HTML,
            ("content-encoding", "br"),
            ("content-encoding", "gzip"),
        ],
        &[HTML, ("content-disposition", "attachment")],
        &[HTML, ("content-disposition", "Attachment; filename=a.html")],
        &[HTML, ("cache-control", "max-age=60, no-transform")],
        &[HTML, ("content-range", "bytes 0-74/75")],
    ] {
        assert_untouched(200, &[fields, &all].concat(), page).await;
    }
    for status in [201, 203, 206, 301, 302, 307] {
        assert_untouched(status, &[&[HTML], &all[..]].concat(), page).await;
    }
    for status in [204, 304] {
        assert_untouched(status, &[&[HTML], &all[..3]].concat(), b"").await;
    }
}

#[tokio::test]
async fn html_fragment_is_unchanged() {
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(page().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let long = format!("<!doctype html><!--{}--><head></head>", "x".repeat(300_000));
    for body in [
        &b""[..],
        b"x",
        b"\n",
        b"<tr><td>a row</td></tr>",
        b"<title>just</title><p>a fragment",
        b"{\"html\": \"<!doctype html><head></head>\"}",
        b"plain text <html><head></head></html>",
        b"<!-- a comment -->",
        &utf16,
        long.as_bytes(),
    ] {
        let reply = read_through(NAVIGATION, answer(200, &[HTML], body)).await;
        assert!(reply.body == body, "{:?}", reply.text());
    }
}

#[tokio::test]
async fn page_for_non_navigation_is_unchanged_but_vary() {
    for request in [
        &[("sec-fetch-dest", "empty")][..],
        &[("sec-fetch-dest", "script")],
        &[("sec-fetch-dest", "image")],
        &[("sec-fetch-dest", "embed")],
        &[("hx-request", "true"), ("sec-fetch-dest", "document")],
        &[("turbo-frame", "main")],
        &[("x-requested-with", "XMLHttpRequest")],
        &[("cache-control", "no-transform")],
    ] {
        let fields = [
            HTML,
            ("etag", "\"x\""),
            ("last-modified", "Sun, 22 Nov 2026 12:00:00 GMT"),
            ("content-length", "75"),
            ("accept-ranges", "bytes"),
            ("vary", "cookie"),
        ];
        let mut reply = read_through(request, answer(200, &fields, page().as_bytes())).await;
        assert_eq!(reply.text(), page(), "{request:?}");
        let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
        let expected = "sec-fetch-dest, sec-fetch-mode, upgrade-insecure-requests, hx-request, turbo-frame, x-requested-with, tidings-preflight";
        assert_eq!(vary, ["cookie", expected]);
        reply.headers.insert("vary", "cookie".parse().unwrap());
        let bare = Reply::read(answer(200, &fields, b"")).await;
        assert_eq!(reply.headers, bare.headers);
    }
    for request in [
        &[][..],
        &[("sec-fetch-dest", "document")],
        &[("sec-fetch-dest", "iframe")],
        &[("sec-fetch-dest", "frame")],
        &[("cache-control", "no-cache")],
    ] {
        let reply = read_through(request, answer(200, &[HTML], page().as_bytes())).await;
        tag_between(reply.text(), PAGE.0, PAGE.1);
    }
}

#[tokio::test]
async fn preflight_and_workbox_fetch_get_page_with_tag() {
    for (path, mark) in [
        ("/?x=1", ("tidings-preflight", "1")),
        ("/?__WB_REVISION__=0f3c", ("accept", "*/*")),
    ] {
        let service = service_fn(|_request: Request<Empty<Bytes>>| async {
            Ok::<_, Infallible>(answer(200, &[HTML], page().as_bytes()))
        });
        let app = UpdateNotifierLayer::new(site("r1")).layer(service);
        let fields = [("sec-fetch-dest", "empty"), mark];
        let reply = Reply::read(send(app, "GET", path, &fields).await).await;
        tag_between(reply.text(), PAGE.0, PAGE.1);
    }
}

#[tokio::test]
async fn form_response_gets_tag_options_does_not() {
    for (method, gets_it) in [("POST", true), ("PUT", true), ("OPTIONS", false)] {
        let service = service_fn(|_request: Request<Empty<Bytes>>| async {
            Ok::<_, Infallible>(answer(200, &[HTML], page().as_bytes()))
        });
        let app = UpdateNotifierLayer::new(site("r1")).layer(service);
        let reply = Reply::read(send(app, method, "/", &[]).await).await;
        assert_eq!(reply.text() != page(), gets_it, "{method}");
    }
}

#[tokio::test]
async fn no_release_page_is_unchanged() {
    let fields = [HTML, ("etag", "\"x\""), ("content-length", "75")];
    let service = service_fn(|_request: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(answer(200, &fields, page().as_bytes())))
    });
    let app = UpdateNotifierLayer::new(Site::new()).layer(service);
    let reply = Reply::read(send(app, "GET", "/", NAVIGATION).await).await;
    assert_eq!(reply.text(), page());
    assert_eq!(
        reply.headers,
        Reply::read(answer(200, &fields, b"")).await.headers
    );
}
