use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const HOME: PageLocation<'_> = PageLocation {
    path: "/docs/",
    host: Some("example.org"),
};

fn assets(page: &str) -> PageAssets {
    PageReader::parse(page.as_bytes()).unwrap().resolve_at(HOME)
}

fn fingerprint(page: &str) -> PageFingerprint {
    PageFingerprint::new(assets(page))
}

fn files(page: &str) -> Vec<String> {
    let files = assets(page).files;
    files.iter().map(|file| file.path.to_string()).collect()
}

#[test]
fn page_assets_are_local_scripts_and_style_sheets() {
    let page = r#"<!doctype html><link rel=icon href=/favicon.ico>
        <link rel="modulepreload" crossorigin href="/assets/vendor.js?x=1#y">
        <link rel="preload STYLESHEET" href=style.css><link rel=preload as=script href=early.js>
        <link rel=preload as=font href=a.woff2><link rel=prefetch href=later.js>
        <script type=module src=../assets/app.js></script><script type=text/plain src=data.js></script>
        <script src="https://cdn.example/x.js"></script><script src=//cdn.example/y.js></script>
        <script src="HTTPS://Example.org/own.js"></script><script src="data:text/javascript,1"></script>
        <!-- <script src="/commented.js"></script> --><script>"<script src='/string.js'>"</script>"#;
    let expected = [
        "/assets/app.js",
        "/assets/vendor.js",
        "/docs/data.js",
        "/docs/early.js",
        "/docs/style.css",
        "/own.js",
    ];
    assert_eq!(files(page), expected);
}

#[test]
fn page_assets_with_a_base_are_relative_to_it() {
    assert_eq!(
        files("<base href=/app/><script src=a.js></script>"),
        ["/app/a.js"]
    );
    let own = "<base href=https://example.org/app/><script src=a.js></script>";
    assert_eq!(files(own), ["/app/a.js"]);
    assert!(files("<base href=https://cdn.example/><script src=a.js></script>").is_empty());
}

#[test]
fn inline_scripts_that_are_not_executed_are_ignored() {
    let count = |page: &str| assets(page).inline_scripts.len();
    for kind in [
        "",
        "type",
        "type=module",
        "type='text/javascript'",
        "type=importmap",
    ] {
        assert_eq!(count(&format!("<script {kind}>1</script>")), 1, "{kind}");
    }
    for kind in [
        "application/json",
        "application/ld+json",
        "speculationrules",
        "text/template",
    ] {
        assert_eq!(
            count(&format!("<script type={kind}>1</script>")),
            0,
            "{kind}"
        );
    }
    assert_eq!(count("<script></script><script src=a.js>1</script>"), 0);
    assert_eq!(
        count("<script>1</script><script>1</script><script>2</script>"),
        2
    );
}

#[test]
fn page_assets_in_another_order_with_other_nonces_are_equal() {
    let page = r#"<html><head><script nonce=a src="/a.js" integrity="sha256-x sha256-y"></script>
        <link rel=stylesheet href=/b.css><meta name=csrf content=1></head><body>12:00</body>"#;
    let same = r#"<html><head><link href=' /b.css
        ' rel='stylesheet'><script integrity="sha256-y  sha256-x" src=/a.js nonce=b></script>
        <script src=/a.js integrity="sha256-x sha256-y"></script>
        <meta name=csrf content=2></head><body>12:01</body>"#;
    assert_eq!(assets(page), assets(same));
    assert_eq!(fingerprint(page).digest(), fingerprint(same).digest());
}

#[test]
fn fingerprint_difference_is_the_greatest() {
    let base = fingerprint("<script src=/a.js?v=1></script><script>1</script>");
    for (page, expected) in [
        (
            "<script>1</script><script src='/a.js?v=1'></script>",
            Difference::None,
        ),
        (
            "<script src=/a.js?v=1></script><script>2</script>",
            Difference::InlineScripts,
        ),
        ("<script src=/a.js?v=1></script>", Difference::InlineScripts),
        (
            "<script src=/a.js?v=2></script><script>1</script>",
            Difference::Queries,
        ),
        (
            "<script src=/a.js></script><script>2</script>",
            Difference::Queries,
        ),
        (
            "<script src=/b.js?v=1></script><script>1</script>",
            Difference::Files,
        ),
        (
            "<script src=/a.js?v=1 integrity=x></script><script>1</script>",
            Difference::Files,
        ),
    ] {
        let other = fingerprint(page);
        assert_eq!(base.difference(&other), expected, "{page}");
        assert_eq!(other.difference(&base), expected, "{page}");
        let is_same = base.digest() == other.digest();
        assert_eq!(is_same, expected == Difference::None, "{page}");
    }
}

#[test]
fn fingerprint_merged_with_another_ignores_what_differs() {
    let page = |token: u8, query: u8, version: u8| {
        format!(
            "<script src=/a.js?r={query}></script><script src=/b.js?v={version}></script><script>{token}</script>"
        )
    };
    let first = fingerprint(&page(1, 1, 1));
    assert!(!first.is_stable());
    let common = first.merged_with(&fingerprint(&page(2, 2, 1))).unwrap();
    assert_eq!(
        common.difference(&fingerprint(&page(3, 3, 1))),
        Difference::None
    );
    assert_eq!(
        common.difference(&fingerprint(&page(3, 3, 2))),
        Difference::Queries
    );
    let other = fingerprint(&page(8, 8, 1)).merged_with(&fingerprint(&page(9, 9, 1)));
    assert_eq!(
        common.digest(),
        other.unwrap().digest(),
        "in another process"
    );
    let predicted = common.with_assets(assets(&page(5, 5, 2)));
    let known = fingerprint(&page(6, 6, 2)).merged_with(&fingerprint(&page(7, 7, 2)));
    assert_eq!(predicted.digest(), known.unwrap().digest());
    assert!(
        first
            .merged_with(&fingerprint("<script src=/c.js></script>"))
            .is_none()
    );
}

#[test]
fn fingerprint_may_start_with_its_own_assets() {
    let page = fingerprint("<script src=/a.js></script><script src=/b.js?v=1></script>");
    for (start, expected) in [
        ("<script src=/a.js></script><script>1</script>", true),
        ("<script src=/b.js?v=1></script>", true),
        ("<script src=/b.js?v=2></script>", false),
        ("<script src=/c.js></script>", false),
    ] {
        assert_eq!(page.may_start_with(&assets(start)), expected, "{start}");
    }
}

#[test]
fn page_assets_of_another_build_have_the_same_shape() {
    let page = |script: &str| {
        assets(&format!(
            "<script src={script}></script><link rel=stylesheet href=/m.css>"
        ))
    };
    let own = page("/assets/index-Ab12.js");
    for (script, expected) in [
        ("/assets/index-Cd34.js", true),
        ("/assets/index-BxKqPwZr.js", true),
        ("/assets/index.8e2f0b3a.js", true),
        ("/assets/main-Cd34.js", false),
        ("/other/index-Cd34.js", false),
        ("/assets/index-Cd34.mjs", false),
        ("/assets/index-old.js", false),
    ] {
        assert_eq!(page(script).has_shape_of(&own), expected, "{script}");
    }
    assert!(!assets("").has_shape_of(&assets("")));
}

#[test]
fn page_reader_of_a_large_page_needs_bounded_memory() {
    let text = vec![b'x'; 64 * 1024];
    let mut reader = PageReader::new();
    reader.write(b"<!doctype html><script src=/a.js></script><script>");
    for _ in 0..64 {
        reader.write(&text);
    }
    reader.write(b"</script>");
    let read = reader.end().unwrap().resolve_at(HOME);
    assert_eq!((read.files.len(), read.inline_scripts.len()), (1, 1));
    let picture = format!(
        "<img src='data:{}'><script src=/a.js></script>",
        "x".repeat(4 << 20)
    );
    assert_eq!(assets(&picture).files.len(), 1);
    let mut reader = PageReader::new();
    reader.write(b"<script src='");
    for _ in 0..300 {
        reader.write(&text);
    }
    assert!(reader.end().is_none(), "a tag that never ends");
}

/// A part of a page: equivalent markup in several forms.
fn part() -> impl Strategy<Value = String> {
    let name = "[a-c]{1,2}";
    prop_oneof![
        (name, "[0-9]{0,3}", any::<bool>()).prop_map(|(name, nonce, is_first)| {
            let (src, nonce) = (format!("src='/{name}.js'"), format!("nonce={nonce}n"));
            let attributes = if is_first { [src, nonce] } else { [nonce, src] };
            format!("<script {}></script>", attributes.join("  "))
        }),
        (name, "[ \n]{0,3}").prop_map(|(name, blank)| {
            format!("<link href=\"{blank}{name}.css{blank}\" rel=stylesheet>")
        }),
        "[a-z漢é<>/ ]{0,8}".prop_map(|text| format!("<script>{text}</script>")),
        "[a-z漢é ]{0,8}",
        Just("<!-- x -->".to_owned()),
        Just("<svg><style>".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn page_reader_with_any_chunks_finds_the_same_assets(
        parts in proptest::collection::vec(part(), 0..10),
        bytes in proptest::collection::vec(0x40_u8.., 0..20),
        sizes in proptest::collection::vec(1_usize..30, 1..6),
    ) {
        let script = [b"<script>", &bytes[..], b"</script>"].concat();
        let page = [parts.concat().as_bytes(), &script].concat();
        let (mut reader, mut rest) = (PageReader::new(), &page[..]);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            reader.write(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let whole = PageReader::parse(&page).unwrap().resolve_at(HOME);
        prop_assert_eq!(reader.end().unwrap().resolve_at(HOME), whole);
    }

    #[test]
    fn page_assets_in_any_order_are_equal(
        names in proptest::collection::vec("[a-d]{1,3}", 1..8),
        again in any::<Index>(),
        turn in any::<Index>(),
    ) {
        let script = |name: &String| format!("<script src=/{name}.js></script>");
        let page: String = names.iter().map(script).collect();
        let mut turned = names.clone();
        turned.rotate_left(turn.index(names.len()));
        turned.push(names[again.index(names.len())].clone());
        let turned: String = turned.iter().map(script).collect();
        prop_assert_eq!(assets(&page), assets(&turned));
        let other = page.replacen(".js", "-1.js", 1);
        prop_assert_ne!(assets(&page), assets(&other));
    }

    #[test]
    fn page_reader_with_any_bytes_does_not_panic(page in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(page) = PageReader::parse(&page) {
            page.resolve_at(HOME);
        }
    }
}
