use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const HOME: Location<'_> = Location {
    path: "/docs/",
    host: Some("example.org"),
};

fn elements(page: &str) -> Elements {
    Reader::read(page.as_bytes()).unwrap().at(HOME)
}

fn print(page: &str) -> Print {
    Print::of(elements(page))
}

fn files(page: &str) -> Vec<String> {
    let files = elements(page).files;
    files.iter().map(|file| file.path.to_string()).collect()
}

#[test]
fn what_is_loaded_from_the_site_counts() {
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
fn a_base_moves_what_is_relative() {
    assert_eq!(
        files("<base href=/app/><script src=a.js></script>"),
        ["/app/a.js"]
    );
    let own = "<base href=https://example.org/app/><script src=a.js></script>";
    assert_eq!(files(own), ["/app/a.js"]);
    assert!(files("<base href=https://cdn.example/><script src=a.js></script>").is_empty());
}

#[test]
fn only_scripts_that_run_count_and_maps_of_imports() {
    let count = |page: &str| elements(page).inline.len();
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
fn what_makes_no_difference() {
    let page = r#"<html><head><script nonce=a src="/a.js" integrity="sha256-x sha256-y"></script>
        <link rel=stylesheet href=/b.css><meta name=csrf content=1></head><body>12:00</body>"#;
    let same = r#"<html><head><link href=' /b.css
        ' rel='stylesheet'><script integrity="sha256-y  sha256-x" src=/a.js nonce=b></script>
        <script src=/a.js integrity="sha256-x sha256-y"></script>
        <meta name=csrf content=2></head><body>12:01</body>"#;
    assert_eq!(elements(page), elements(same));
    assert_eq!(print(page).digest(), print(same).digest());
}

#[test]
fn prints_are_alike_as_far_as_what_counts_is() {
    let base = print("<script src=/a.js?v=1></script><script>1</script>");
    for (page, expected) in [
        (
            "<script>1</script><script src='/a.js?v=1'></script>",
            Likeness::Same,
        ),
        (
            "<script src=/a.js?v=1></script><script>2</script>",
            Likeness::ButInline,
        ),
        ("<script src=/a.js?v=1></script>", Likeness::ButInline),
        (
            "<script src=/a.js?v=2></script><script>1</script>",
            Likeness::ButQueries,
        ),
        (
            "<script src=/a.js></script><script>2</script>",
            Likeness::ButQueries,
        ),
        (
            "<script src=/b.js?v=1></script><script>1</script>",
            Likeness::Other,
        ),
        (
            "<script src=/a.js?v=1 integrity=x></script><script>1</script>",
            Likeness::Other,
        ),
    ] {
        let other = print(page);
        assert_eq!(base.likeness(&other), expected, "{page}");
        assert_eq!(other.likeness(&base), expected, "{page}");
        let is_same = base.digest() == other.digest();
        assert_eq!(is_same, expected == Likeness::Same, "{page}");
    }
}

#[test]
fn what_changes_by_itself_is_left_out() {
    let page = |token: u8, query: u8, version: u8| {
        format!(
            "<script src=/a.js?r={query}></script><script src=/b.js?v={version}></script><script>{token}</script>"
        )
    };
    let first = print(&page(1, 1, 1));
    assert!(!first.is_sure());
    let common = first.joined(&print(&page(2, 2, 1))).unwrap();
    assert_eq!(common.likeness(&print(&page(3, 3, 1))), Likeness::Same);
    assert_eq!(
        common.likeness(&print(&page(3, 3, 2))),
        Likeness::ButQueries
    );
    let other = print(&page(8, 8, 1)).joined(&print(&page(9, 9, 1)));
    assert_eq!(
        common.digest(),
        other.unwrap().digest(),
        "in another process"
    );
    let predicted = common.another(elements(&page(5, 5, 2)));
    let known = print(&page(6, 6, 2)).joined(&print(&page(7, 7, 2)));
    assert_eq!(predicted.digest(), known.unwrap().digest());
    assert!(
        first
            .joined(&print("<script src=/c.js></script>"))
            .is_none()
    );
}

#[test]
fn a_page_may_begin_with_what_it_has() {
    let page = print("<script src=/a.js></script><script src=/b.js?v=1></script>");
    for (start, expected) in [
        ("<script src=/a.js></script><script>1</script>", true),
        ("<script src=/b.js?v=1></script>", true),
        ("<script src=/b.js?v=2></script>", false),
        ("<script src=/c.js></script>", false),
    ] {
        assert_eq!(page.may_begin(&elements(start)), expected, "{start}");
    }
}

#[test]
fn another_build_has_the_same_shape() {
    let page = |script: &str| {
        elements(&format!(
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
    assert!(!elements("").has_shape_of(&elements("")));
}

#[test]
fn a_page_of_any_size_is_read_in_bounded_memory() {
    let text = vec![b'x'; 64 * 1024];
    let mut reader = Reader::new();
    reader.write(b"<!doctype html><script src=/a.js></script><script>");
    for _ in 0..64 {
        reader.write(&text);
    }
    reader.write(b"</script>");
    let read = reader.end().unwrap().at(HOME);
    assert_eq!((read.files.len(), read.inline.len()), (1, 1));
    let picture = format!(
        "<img src='data:{}'><script src=/a.js></script>",
        "x".repeat(4 << 20)
    );
    assert_eq!(elements(&picture).files.len(), 1);
    let mut reader = Reader::new();
    reader.write(b"<script src='");
    for _ in 0..300 {
        reader.write(&text);
    }
    assert!(reader.end().is_none(), "a tag that never ends");
}

/// What a page could be made of: markup that may say the same thing in several ways.
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
    fn any_chunking_gives_the_same_elements(
        parts in proptest::collection::vec(part(), 0..10),
        bytes in proptest::collection::vec(0x40_u8.., 0..20),
        sizes in proptest::collection::vec(1_usize..30, 1..6),
    ) {
        let script = [b"<script>", &bytes[..], b"</script>"].concat();
        let page = [parts.concat().as_bytes(), &script].concat();
        let (mut reader, mut rest) = (Reader::new(), &page[..]);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            reader.write(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let whole = Reader::read(&page).unwrap().at(HOME);
        prop_assert_eq!(reader.end().unwrap().at(HOME), whole);
    }

    #[test]
    fn order_and_repetition_make_no_difference(
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
        prop_assert_eq!(elements(&page), elements(&turned));
        let other = page.replacen(".js", "-1.js", 1);
        prop_assert_ne!(elements(&page), elements(&other));
    }

    #[test]
    fn any_bytes_are_read(page in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(found) = Reader::read(&page) {
            found.at(HOME);
        }
    }
}
