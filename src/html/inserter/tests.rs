//! Pages and fragments in pieces of any size.

use proptest::collection::vec;
use proptest::prelude::*;

use bytes::Bytes;

use crate::html::inserter::inserter::Extent;
use crate::html::inserter::inserter::InsertOutcome;
use crate::html::inserter::inserter::Inserter;
use crate::html::inserter::inserter::MAX_COPIED;
use crate::html::inserter::inserter::MAX_HELD;
use crate::html::inserter::inserter::Output;

const TAG: &str = "<T>";

fn insert(page: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut inserter = Inserter::new(Box::new(|_, _| Some(TAG.into())));
    let mut out = Vec::new();
    let (mut rest, mut sizes) = (page, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes
            .next()
            .map_or(rest.len(), |&size| size.clamp(1, rest.len()));
        let (piece, after) = rest.split_at(size);
        send(&mut out, &inserter.write(Bytes::copy_from_slice(piece)));
        rest = after;
    }
    send(&mut out, &inserter.end());
    out
}

fn send(out: &mut Vec<u8>, output: &Output) {
    out.extend_from_slice(&output.first);
    out.extend_from_slice(&output.rest);
}

/// `|` in `expected` is the insertion point; without one the page passes unchanged.
#[track_caller]
fn check(expected: &str) {
    let page = expected.replace('|', "");
    let expected = expected.replace('|', TAG);
    for size in 1..=page.len().max(1) {
        let out = insert(page.as_bytes(), &[size]);
        assert_eq!(
            String::from_utf8_lossy(&out),
            expected,
            "in pieces of {size}"
        );
    }
}

#[test]
fn page_with_a_head_gets_the_tag_first_in_it() {
    check(
        "<!doctype html><html><head>|<meta charset=utf-8><title>x</title></head><body>y</body></html>",
    );
    check("<!DOCTYPE html>\n<!-- c -->\n<HTML lang=en>\n<HEAD data-x='>'>|\n<title>x</title>");
    check("\u{feff}<!doctype html><head>|</head>");
    check("<head/>|<title>x</title>");
}

#[test]
fn page_without_head_or_body_gets_the_tag() {
    check("<!doctype html>|<title>x</title><p>y");
    check("<!doctype html><html>|<body>y");
    check("<html>|<p>y");
    check("|<body>y");
    check("<!doctype html>\n|hello");
    check("<html>|</html>");
    check("<!doctype html>|");
    check("<html><!-- x --> |<frameset></frameset></html>");
}

#[test]
fn markup_in_comments_scripts_and_attributes_is_no_insertion_point() {
    check("<!doctype html><!-- <head> --><html data-x='<head>'>|<svg><head></svg>");
    check("<!doctype html>|<script>'<head>'</script><head></head>");
    check("<!doctype html>|<template><head></head></template>");
    check("<!doctype html>|<link href='data:image/svg+xml,<head>'>");
}

#[test]
fn page_that_is_truncated_gets_the_tag_before_unfinished_markup() {
    check("<!doctype html>|<!-- x");
    check("<!doctype html><!-- x --> |<p title='");
    check("<html>|</html");
    check("<!doctype html");
}

#[test]
fn fragment_passes_unchanged() {
    check("");
    check("x");
    check("  ");
    check("<tr><td>x</td></tr>");
    check("<title>x</title><p>y");
    check("{\"html\":\"<head></head>\"}");
    check("text <html><head></head></html>");
    check("<template><html><head></head></html></template>");
    check("<!-- just a comment -->");
}

#[test]
fn page_in_utf_16_passes_unchanged() {
    for mark in [[0xff, 0xfe], [0xfe, 0xff]] {
        let page = [&mark[..], b"<!doctype html><head>"].concat();
        for size in 1..page.len() {
            assert_eq!(insert(&page, &[size]), page);
        }
    }
}

#[test]
fn page_in_another_encoding_keeps_its_bytes() {
    let page = b"<!doctype html><head><meta charset=latin1><title>\xe9\x80\xff</title>";
    let expected = b"<!doctype html><head><T><meta charset=latin1><title>\xe9\x80\xff</title>";
    assert_eq!(insert(page, &[7]), expected);
}

#[test]
fn page_with_a_late_insertion_point_passes_unchanged() {
    let page = format!("<!doctype html><!--{}--><head>", "x".repeat(2 * MAX_HELD));
    let out = insert(page.as_bytes(), &[16 * 1024]);
    assert!(out == page.as_bytes());
    let page = format!("<!doctype html><p title='{}'>", "x".repeat(2 * MAX_HELD));
    assert!(insert(page.as_bytes(), &[16 * 1024]) == page.as_bytes());
}

#[test]
fn piece_after_the_insertion_point_is_not_copied() {
    let page = format!("<!doctype html><head>{}", "x".repeat(MAX_COPIED));
    let page = Bytes::from(page);
    let mut inserter = Inserter::new(Box::new(|_, _| Some(TAG.into())));
    let output = inserter.write(page.clone());
    assert_eq!(output.first, "<!doctype html><head><T>");
    assert_eq!(output.rest, page[21..]);
    assert_eq!(output.rest.as_ptr(), page[21..].as_ptr());
}

#[test]
fn end_tag_after_the_insertion_point_ends_the_page() {
    for (page, expected) in [
        ("<head><p>x</html>\n", Extent::Whole),
        ("<head><p>x</html>y", Extent::Beginning),
        ("<head x</html>", Extent::Beginning),
    ] {
        let choose_tag = move |_: &[u8], extent| {
            assert_eq!(extent, expected, "{page}");
            None
        };
        let mut inserter = Inserter::new(Box::new(choose_tag));
        inserter.write(Bytes::from_static(page.as_bytes()));
        assert_eq!(inserter.outcome(), InsertOutcome::Declined);
    }
}

#[test]
fn ambiguous_markup_after_the_insertion_point_is_not_parsed() {
    check("<!doctype html><head>|</head><select><xmp></xmp><title></title></select>");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn output_without_the_tag_is_the_input_for_any_chunks(
        parts in vec(
            prop_oneof![
                Just("<!doctype html>".to_owned()),
                Just("<html>".to_owned()),
                Just("<head>".to_owned()),
                Just("</head>".to_owned()),
                Just("<body class='a'>".to_owned()),
                Just("<script>if (a<b) '<head>'</script>".to_owned()),
                Just("<template><head></template>".to_owned()),
                Just("<!-- <head> -->".to_owned()),
                Just("<svg><title>".to_owned()),
                Just("<select><xmp>".to_owned()),
                Just("<![CDATA[".to_owned()),
                Just("\u{feff}".to_owned()),
                Just("漢\u{16b63}".to_owned()),
                Just("</p>".to_owned()),
                "[ \n]{0,3}",
                "[<>/!a-z\"'= -]{0,12}",
                any::<String>(),
            ],
            0..12,
        ),
        sizes in vec(1_usize..40, 1..8),
    ) {
        let page = parts.concat().replace(TAG, "");
        let whole = insert(page.as_bytes(), &[]);
        let pieces = insert(page.as_bytes(), &sizes);
        prop_assert_eq!(&whole, &pieces);
        let without = String::from_utf8(pieces).unwrap().replacen(TAG, "", 1);
        prop_assert_eq!(without, page);
    }

    #[test]
    fn page_of_any_bytes_passes(page in vec(any::<u8>(), 0..200), sizes in vec(1_usize..40, 1..8)) {
        let out = insert(&page, &sizes);
        let at = out.windows(TAG.len()).position(|window| window == TAG.as_bytes());
        let without = match at {
            Some(at) if out.len() > page.len() => [&out[..at], &out[at + TAG.len()..]].concat(),
            _ => out,
        };
        prop_assert_eq!(without, page);
    }
}
