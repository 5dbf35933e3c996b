//! Pages that the origin sends in a content coding.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use proptest::collection::vec;
use proptest::prelude::*;
use tidings::Body;
use tidings::PageCounts;

use super::*;
use crate::support::bodies::Step;
use crate::support::coding::Decoder;
use crate::support::coding::codings;
use crate::support::coding::decode;
use crate::support::coding::encode;
use crate::support::coding::encode_pieces;

const HTML: (&str, &str) = ("content-type", "text/html");

/// A response with a coded page, in frames of `size`.
fn coded(
    coding: &str,
    fields: &[(&str, &str)],
    body: &[u8],
    size: usize,
) -> Response<ScriptedBody> {
    let fields = [&[HTML, ("content-encoding", coding)], fields].concat();
    answer(200, &fields, b"").map(|_| ScriptedBody::trickle(body, size))
}

/// The headers of a navigation with this `Accept-Encoding`.
fn accepting(accept: &str) -> Vec<(&str, &str)> {
    [NAVIGATION, &[("accept-encoding", accept)]].concat()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Reads frames until the body is pending or has ended; true if it has ended.
fn take(body: &mut Body, mut each: impl FnMut(&[u8])) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match Pin::new(&mut *body).poll_frame(&mut cx) {
            Poll::Ready(Some(frame)) => each(&frame.unwrap().into_data().unwrap()),
            Poll::Ready(None) => return true,
            Poll::Pending => return false,
        }
    }
}

#[tokio::test]
async fn coded_page_gets_tag_and_keeps_its_coding() {
    for coding in codings() {
        let body = encode(coding, &page());
        for size in [1, 7, 1000] {
            let length = body.len().to_string();
            let fields = [("etag", "\"v1\""), ("content-length", &length)];
            let answer = coded(coding, &fields, &body, size);
            let reply = read_through(&accepting(coding), answer).await;
            assert_eq!(reply.field("content-encoding"), coding);
            assert_eq!(reply.field("content-length"), "");
            let etag = reply.field("etag");
            assert!(etag.starts_with("\"v1-tidings-"), "{etag}");
            assert!(etag.ends_with(&format!("-{coding}\"")), "{etag}");
            let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
            assert_eq!(vary[1], "accept-encoding");
            tag_between(text(&decode(coding, &reply.body)), PAGE.0, PAGE.1);
        }
    }
}

#[tokio::test]
async fn coded_page_unaccepted_coding_is_sent_as_identity() {
    for coding in codings() {
        let body = encode(coding, &page());
        let refused = format!("{coding};q=0, *");
        for accept in [
            &[][..],
            &[("accept-encoding", "")],
            &[("accept-encoding", "identity")],
            &[("accept-encoding", "identity;q=0")],
            &[("accept-encoding", &refused)],
        ] {
            let answer = coded(coding, &[("etag", "\"v1\"")], &body, 7);
            let reply = read_through(&[NAVIGATION, accept].concat(), answer).await;
            assert_eq!(reply.field("content-encoding"), "", "{accept:?}");
            assert!(!reply.field("etag").contains(coding));
            assert_eq!(reply.headers.get_all("vary").iter().count(), 2);
            tag_between(reply.text(), PAGE.0, PAGE.1);
        }
    }
}

#[tokio::test]
async fn content_encoding_identity_or_empty_is_treated_as_none() {
    for field in ["identity", ""] {
        let answer = coded(field, &[], page().as_bytes(), 7);
        let reply = read_through(&accepting("gzip"), answer).await;
        assert_eq!(reply.field("content-encoding"), field);
        tag_between(reply.text(), PAGE.0, PAGE.1);
    }
    let body = encode("gzip", &page());
    let reply = read_through(&accepting("gzip"), coded("X-GZip", &[], &body, 7)).await;
    assert_eq!(reply.field("content-encoding"), "gzip");
    tag_between(text(&decode("gzip", &reply.body)), PAGE.0, PAGE.1);
}

#[tokio::test]
async fn gzip_with_several_members_and_padding_is_decoded() {
    let page = page();
    let (head, tail) = page.split_at(20);
    let mut body = [encode("gzip", head), encode("gzip", tail)].concat();
    for _ in 0..2 {
        for size in [1, 10, 1000] {
            let reply = read_through(&accepting(""), coded("gzip", &[], &body, size)).await;
            tag_between(reply.text(), PAGE.0, PAGE.1);
        }
        // Padding, as some encoders append it.
        body.extend_from_slice(&[0; 100]);
    }
}

#[tokio::test]
async fn coded_page_truncated_or_corrupt_aborts_the_body() {
    let long = format!("{}<p>{}", page(), "lorem ipsum ".repeat(10_000));
    for coding in codings() {
        let whole = encode(coding, &long);
        let cut = whole[..whole.len() - 10].to_vec();
        let mut corrupt = whole.clone();
        if coding == "gzip" || coding == "deflate" {
            // The other codings have no checksum.
            corrupt[whole.len() / 2] ^= 1;
        } else {
            corrupt[..50].fill(0xff);
        }
        for body in [cut, corrupt] {
            for accept in [coding, ""] {
                let answer = coded(coding, &[], &body, 1000);
                let response = through(&accepting(accept), answer).await;
                let error = response.into_body().collect().await.expect_err(coding);
                assert!(error.to_string().contains(coding), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn coded_page_origin_error_is_sent_after_the_decoded_part() {
    for coding in codings() {
        let mut pieces = encode_pieces(coding, &[page().as_bytes(), b"more"]);
        pieces.truncate(1);
        let steps = [Step::Data(pieces.remove(0).into()), Step::Error];
        for accept in [coding, ""] {
            let answer = coded(coding, &[], b"", 1).map(|_| ScriptedBody::new(steps.clone()));
            let mut body = through(&accepting(accept), answer).await.into_body();
            let mut decoder = Decoder::new(accept);
            let error = loop {
                match body.frame().await.unwrap() {
                    Ok(frame) => decoder.write(&frame.into_data().unwrap()),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.to_string(), "the origin broke off");
            tag_between(text(&decoder.decoded()), PAGE.0, PAGE.1);
            assert!(body.frame().await.is_none());
        }
    }
}

#[tokio::test]
async fn coded_page_is_flushed_piece_by_piece() {
    let pieces = [PAGE.0, "<title>", "App", "</title><p>", "more", "</html>"];
    let pieces = pieces.map(str::as_bytes);
    for coding in codings() {
        for accept in [coding, ""] {
            let mut steps = Vec::new();
            for piece in encode_pieces(coding, &pieces) {
                steps.extend([Step::Data(piece.into()), Step::Pending]);
                // The encoder is flushed at the first Pending.
                steps.extend((!accept.is_empty()).then_some(Step::Pending));
            }
            let answer = coded(coding, &[], b"", 1).map(|_| ScriptedBody::new(steps));
            let mut body = through(&accepting(accept), answer).await.into_body();
            let mut decoder = Decoder::new(accept);
            let mut sent = Vec::new();
            for piece in pieces {
                sent.extend_from_slice(piece);
                take(&mut body, |data| decoder.write(data));
                let rest = text(&sent[PAGE.0.len()..]);
                tag_between(text(&decoder.decoded()), PAGE.0, rest);
            }
            assert!(take(&mut body, |data| decoder.write(data)));
        }
    }
}

#[tokio::test]
async fn decompression_bomb_is_decoded_only_as_it_is_read() {
    let head = encode("gzip", &page());
    let megabyte = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &vec![0; 1 << 20]).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = [head, megabyte.repeat(200)].concat();
    for accept in ["", "gzip"] {
        let answer = coded("gzip", &[], &bomb, 4096);
        let polls = answer.body().polls();
        let mut body = through(&accepting(accept), answer).await.into_body();
        let mut bytes = 0;
        for _ in 0..3 {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(data.len() <= 16 * 1024, "{}", data.len());
            bytes += data.len();
        }
        assert!(bytes > 0);
        // A body of 870 KB in frames of 4 KB, each after a Pending.
        assert!(polls.load(Ordering::Relaxed) < 60, "{accept}: {polls:?}");
    }
}

#[tokio::test]
async fn coded_page_trailers_are_forwarded() {
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
    for coding in codings() {
        let body = encode(coding, &page());
        for accept in [coding, ""] {
            let steps = [
                Step::Data(body.clone().into()),
                Step::Trailers(trailers.clone()),
            ];
            let answer = coded(coding, &[], b"", 1).map(|_| ScriptedBody::new(steps));
            let response = through(&accepting(accept), answer).await;
            let collected = response.into_body().collect().await.unwrap();
            assert_eq!(collected.trailers(), Some(&trailers));
            tag_between(text(&decode(accept, &collected.to_bytes())), PAGE.0, PAGE.1);
        }
    }
}

#[tokio::test]
async fn unknown_coding_passes_unchanged_and_is_counted() {
    let layer = UpdateNotifierLayer::new(site("r1"));
    let service = service_fn(|request: Request<Empty<Bytes>>| {
        let coding = request.uri().path().trim_start_matches('/').to_owned();
        ready(Ok::<_, Infallible>(coded(
            &coding,
            &[("etag", "\"v1\"")],
            b"\0\x01",
            1,
        )))
    });
    let app = layer.layer(service);
    for (n, coding) in ["compress", "gzip,br", "aes128gcm"].iter().enumerate() {
        let path = format!("/{coding}");
        let reply = Reply::read(send(app.clone(), "GET", &path, &accepting("gzip")).await).await;
        assert_eq!(reply.body, &b"\0\x01"[..]);
        assert_eq!(reply.field("etag"), "\"v1\"");
        assert_eq!(reply.field("vary"), "");
        assert_eq!(layer.page_counts().unsupported_coding(), n as u64 + 1);
    }
    // A fetch would get no script anyway.
    let fetch = [("sec-fetch-dest", "empty")];
    _ = send(app, "GET", "/compress", &fetch).await;
    assert_eq!(layer.page_counts().unsupported_coding(), 3);
    assert_eq!(
        layer.page_counts().injected(),
        PageCounts::default().injected()
    );
}

#[tokio::test]
async fn coded_page_not_eligible_is_unchanged() {
    for coding in codings() {
        let body = encode(coding, &page());
        for (request, fields) in [
            (("sec-fetch-dest", "empty"), &[][..]),
            (("cache-control", "no-transform"), &[]),
            (
                ("sec-fetch-dest", "document"),
                &[("cache-control", "no-transform")],
            ),
        ] {
            let fields = [fields, &[("etag", "\"v1\"")]].concat();
            let reply = read_through(&[request], coded(coding, &fields, &body, 7)).await;
            assert_eq!(reply.body, body);
            assert_eq!(reply.field("content-encoding"), coding);
            assert_eq!(reply.field("etag"), "\"v1\"");
        }
    }
}

/// An origin with a coded page that evaluates conditional requests.
fn origin(
    coding: &'static str,
    etag: &'static str,
) -> impl tower::Service<
    Request<Empty<Bytes>>,
    Response = Response<ScriptedBody>,
    Error = Infallible,
    Future: Send,
> + Clone {
    let body = Arc::new(encode(coding, &page()));
    service_fn(move |request: Request<Empty<Bytes>>| {
        let condition = request.headers().get("if-none-match");
        let known = condition.is_some_and(|field| field.to_str().unwrap().contains(etag));
        ready(Ok::<_, Infallible>(if known {
            answer(304, &[("etag", etag)], b"")
        } else {
            coded(coding, &[("etag", etag)], &body, 7)
        }))
    })
}

#[tokio::test]
async fn coded_page_if_none_match_returns_304() {
    for coding in codings() {
        for etag in ["\"v1\"", "W/\"v1\""] {
            let app = UpdateNotifierLayer::new(site("r1")).layer(origin(coding, etag));
            let page = Reply::read(send(app.clone(), "GET", "/", &accepting(coding)).await).await;
            let marked = page.field("etag").to_owned();
            let again = |condition: String, accept: String| {
                let app = app.clone();
                async move {
                    let mut fields = accepting(&accept);
                    fields.push(("if-none-match", &condition));
                    Reply::read(send(app, "GET", "/", &fields).await).await
                }
            };
            for condition in [marked.clone(), format!("\"a\", {marked}, \"b\"")] {
                let reply = again(condition, coding.to_owned()).await;
                assert_eq!(reply.status, 304);
                assert_eq!(reply.field("etag"), marked);
                let vary = |reply: &Reply| {
                    let fields = reply.headers.get_all("vary").iter();
                    fields.cloned().collect::<Vec<_>>()
                };
                assert_eq!(vary(&reply), vary(&page));
            }
            // The client no longer accepts that coding: another representation with another entity tag.
            let plain = again(marked.clone(), "identity".to_owned()).await;
            assert_eq!(plain.status, 200);
            tag_between(plain.text(), PAGE.0, PAGE.1);
            let unencoded = plain.field("etag").to_owned();
            assert_ne!(unencoded, marked);
            let reply = again(unencoded.clone(), "identity".to_owned()).await;
            assert_eq!(reply.status, 304);
            assert_eq!(reply.field("etag"), unencoded);
        }
    }
}

#[tokio::test]
async fn coded_page_head_has_headers_of_get() {
    for coding in codings() {
        for accept in [coding, "identity"] {
            let app = UpdateNotifierLayer::new(site("r1")).layer(origin(coding, "\"v1\""));
            let get = Reply::read(send(app.clone(), "GET", "/", &accepting(accept)).await).await;
            let head = Reply::read(send(app, "HEAD", "/", &accepting(accept)).await).await;
            assert_eq!(head.headers, get.headers);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn coded_page_any_chunking_yields_input_plus_tag(
        content in vec("[a-z<>é \n]{0,300}", 0..20),
        sizes in vec(1_usize..400, 1..6),
        pauses in vec(any::<bool>(), 1..6),
        pick in any::<prop::sample::Index>(),
        accepts in any::<bool>(),
    ) {
        let all: Vec<_> = codings().collect();
        let coding = *pick.get(&all);
        let html = format!("{}{}", PAGE.0, content.concat());
        let body = encode(coding, &html);
        let (mut rest, mut steps) = (&body[..], Vec::new());
        for (size, pause) in sizes.iter().cycle().zip(pauses.iter().cycle()) {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            steps.push(Step::Data(Bytes::copy_from_slice(piece)));
            steps.extend(pause.then_some(Step::Pending));
            rest = after;
        }
        let accept = if accepts { coding } else { "" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let reply = runtime.block_on(async {
            let answer = coded(coding, &[], b"", 1).map(|_| ScriptedBody::new(steps));
            read_through(&accepting(accept), answer).await
        });
        let decoded = decode(accept, &reply.body);
        tag_between(text(&decoded), PAGE.0, &content.concat());
    }
}
