use std::fmt::Write as _;

use crate::fuzz::line;
use crate::fuzz::pieces;
use crate::html::page_assets::Difference;
use crate::html::page_assets::PageAssets;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;

/// A page: what it loads and runs is the same however it comes, in what order it is, and whatever else changes with
/// each answer.
///
/// The first line says how the page is cut, the second how it is shuffled. The rest is taken for a page as it is, and
/// then line by line for elements: `s` and a URL for a script, `m` for a module, `c` for a style sheet, `p` for a preload,
/// `i` and a text for a script in the page.
///
/// # Panics
///
/// If it is not so.
pub fn fingerprint(data: &[u8]) {
    let (cuts, rest) = line(data);
    let (shuffle, page) = line(rest);
    let raw = read(page, cuts);
    compare(raw.as_ref(), page);
    let lines = String::from_utf8_lossy(page);
    let lines: Vec<&str> = lines.lines().take(MOST_ELEMENTS).collect();
    let base = lines.iter().find_map(|line| line.strip_prefix('b'));
    let one = write(base, lines.iter().copied(), "a");
    let elements = read(one.as_bytes(), cuts);
    let other = write(base, shuffled(&lines, shuffle), "b");
    let others = read(other.as_bytes(), cuts);
    assert_eq!(elements, others, "{one}\n{other}");
    compare(elements.as_ref(), other.as_bytes());
    if let Some((elements, raw)) = elements.zip(raw) {
        relate(&PageFingerprint::new(elements), &PageFingerprint::new(raw));
    }
}

/// Reads a page in pieces, and as a whole.
fn read(page: &[u8], cuts: &[u8]) -> Option<PageAssets> {
    let mut reader = PageReader::new();
    for piece in pieces(page, cuts) {
        reader.write(piece);
    }
    let elements = reader.end().map(|found| found.resolve_at(HOME));
    let whole = PageReader::parse(page).map(|found| found.resolve_at(HOME));
    assert_eq!(elements, whole, "by {cuts:?}");
    elements
}

/// Compares a page with its beginnings.
fn compare(elements: Option<&PageAssets>, page: &[u8]) {
    let Some(elements) = elements else { return };
    let print = PageFingerprint::new(elements.clone());
    assert_eq!(print.difference(&print), Difference::None);
    // A base that comes late changes what is before it.
    let has_base = page
        .windows(5)
        .any(|window| window.eq_ignore_ascii_case(b"<base"));
    if has_base && !page.starts_with(b"<base") {
        return;
    }
    for end in [page.len() / 3, page.len() / 2, page.len()] {
        let start = PageReader::parse(&page[..end]).map(|found| found.resolve_at(HOME));
        assert!(
            start.is_none_or(|start| print.may_start_with(&start)),
            "{end}"
        );
    }
}

/// Compares two prints of whatever pages.
fn relate(one: &PageFingerprint, other: &PageFingerprint) {
    let likeness = one.difference(other);
    assert_eq!(likeness, other.difference(one));
    let is_same = one.digest() == other.digest();
    assert_eq!(is_same, likeness == Difference::None);
    let (ones, others) = (one.assets(), other.assets());
    assert_eq!(ones.has_shape_of(others), others.has_shape_of(ones));
    let joined = one.merged_with(other);
    assert_eq!(joined.is_some(), likeness != Difference::Files);
    let Some(joined) = joined else { return };
    for print in [one, other] {
        assert_eq!(joined.difference(print), Difference::None);
        let predicted = joined.with_assets(print.assets().clone());
        assert_eq!(predicted.digest(), joined.digest());
    }
    let reversed = other.merged_with(one);
    assert_eq!(
        reversed.map(|joined| joined.digest()),
        Some(joined.digest())
    );
}

/// A page with these elements, and with what has another value in each answer.
fn write<'a>(base: Option<&str>, lines: impl Iterator<Item = &'a str>, token: &str) -> String {
    let mut page = String::new();
    if let Some(base) = base {
        _ = write!(page, "<base href=\"{}\">", value(base));
    }
    _ = write!(page, "<meta name=csrf content={token}>");
    for line in lines {
        let mut chars = line.chars();
        let kind = chars.next();
        let url = value(chars.as_str());
        let (first, last) = match token {
            "a" => (format!("nonce={token} "), String::new()),
            _ => (String::new(), format!("\n nonce='{token}' data-x=\">\"")),
        };
        _ = match kind {
            Some('s') => write!(page, "<script {first}src=\"{url}\"{last}></script>"),
            Some('m') => write!(
                page,
                "<script {first}type=module src=\"{url}\"{last}>{token}</script>"
            ),
            Some('c') => write!(page, "<link {first}rel=stylesheet href=\"{url}\"{last}>"),
            Some('p') => write!(
                page,
                "<link {first}as=script rel=preload href=\"{url}\"{last}>"
            ),
            Some('i') => write!(
                page,
                "<script {first}{last}>{}</script>",
                chars.as_str().replace('<', "")
            ),
            _ => write!(page, "<!-- {token} --><p id={token}>{token}</p>"),
        };
    }
    page
}

/// As it may stand in quotes.
fn value(text: &str) -> String {
    text.replace('"', "")
}

/// The lines in another order, and some of them twice.
fn shuffled<'a>(lines: &[&'a str], shuffle: &[u8]) -> impl Iterator<Item = &'a str> {
    let mut lines = lines.to_vec();
    for (at, &b) in shuffle.iter().enumerate().take(lines.len()) {
        let other = usize::from(b) % lines.len();
        lines.swap(at, other);
        if b.is_ascii_uppercase() {
            lines.push(lines[at]);
        }
    }
    lines.into_iter()
}

const HOME: PageLocation<'_> = PageLocation {
    path: "/docs/",
    host: Some("example.org"),
};

// Enough for every kind of them, several times.
const MOST_ELEMENTS: usize = 32;
