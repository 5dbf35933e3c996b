use std::fmt::Write as _;

use crate::fuzz::input::line;
use crate::fuzz::input::pieces;
use crate::html::page_assets::Difference;
use crate::html::page_assets::PageAssets;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;

/// Page fingerprints: they depend neither on how a page is cut, nor on the order of its elements, nor on what changes with
/// each response, such as nonces.
///
/// The first line is the sizes of the pieces, the second a permutation. The rest is read as a page, and then line by line
/// as elements: `s` and a URL for a script, `m` for a module, `c` for a style sheet, `p` for a preload, `i` and a text for
/// an inline script, `b` and a URL for the base.
///
/// # Panics
///
/// If the property does not hold.
pub fn page_fingerprint(data: &[u8]) {
    let (cuts, rest) = line(data);
    let (shuffle, page) = line(rest);
    let raw = read(page, cuts);
    compare(raw.as_ref(), page);
    let lines = String::from_utf8_lossy(page);
    let lines: Vec<&str> = lines.lines().take(MAX_ELEMENTS).collect();
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

/// Reads a page in pieces, and asserts that it is the same as in one piece.
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

/// Compares a page with its prefixes.
fn compare(elements: Option<&PageAssets>, page: &[u8]) {
    let Some(elements) = elements else { return };
    let fingerprint = PageFingerprint::new(elements.clone());
    assert_eq!(fingerprint.difference(&fingerprint), Difference::None);
    // A late `<base>` changes the URLs before it.
    let has_base = page
        .windows(5)
        .any(|window| window.eq_ignore_ascii_case(b"<base"));
    if has_base && !page.starts_with(b"<base") {
        return;
    }
    for end in [page.len() / 3, page.len() / 2, page.len()] {
        let start = PageReader::parse(&page[..end]).map(|found| found.resolve_at(HOME));
        assert!(
            start.is_none_or(|start| fingerprint.may_start_with(&start)),
            "{end}"
        );
    }
}

/// Compares the fingerprints of any two pages.
fn relate(one: &PageFingerprint, other: &PageFingerprint) {
    let difference = one.difference(other);
    assert_eq!(difference, other.difference(one));
    let is_same = one.digest() == other.digest();
    assert_eq!(is_same, difference == Difference::None);
    let (ones, others) = (one.assets(), other.assets());
    assert_eq!(ones.has_shape_of(others), others.has_shape_of(ones));
    let merged = one.merged_with(other);
    assert_eq!(merged.is_some(), difference != Difference::Files);
    let Some(merged) = merged else { return };
    for fingerprint in [one, other] {
        assert_eq!(merged.difference(fingerprint), Difference::None);
        let predicted = merged.with_assets(fingerprint.assets().clone());
        assert_eq!(predicted.digest(), merged.digest());
    }
    let reversed = other.merged_with(one);
    assert_eq!(
        reversed.map(|merged| merged.digest()),
        Some(merged.digest())
    );
}

/// A page with these elements, and with values that depend on `token`.
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

/// The text for an attribute value in quotes.
fn value(text: &str) -> String {
    text.replace('"', "")
}

/// The lines in a different order, some of them twice.
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

// Enough for each kind of element several times.
const MAX_ELEMENTS: usize = 32;
