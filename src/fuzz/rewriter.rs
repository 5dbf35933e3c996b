use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;

use crate::fuzz::line;
use crate::fuzz::pieces;
use crate::html::inserter::Extent;
use crate::html::inserter::InsertOutcome;
use crate::html::inserter::Inserter;
use crate::html::inserter::Output;
use crate::html::inserter::insert_tag;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;

/// A page in pieces: what goes out is the page with the tag put in once, or the page; the same however it is cut.
///
/// The first line says how it is cut, the rest is the page.
///
/// # Panics
///
/// If it is not so.
pub fn rewriter(data: &[u8]) {
    let (cuts, page) = line(data);
    let whole = Rewritten::of(page, [page].into_iter(), Some(TAG));
    let cut = Rewritten::of(page, pieces(page, cuts), Some(TAG));
    let small = Rewritten::of(page, page.chunks(1), Some(TAG));
    assert_eq!(whole.out, cut.out);
    assert_eq!(whole.out, small.out);
    let at_once = insert_tag(page, Box::new(|_, _| Some(Bytes::from_static(TAG))));
    let injected = (whole.outcome == InsertOutcome::Inserted).then_some(&whole.out[..]);
    assert_eq!(at_once.as_deref(), injected);
    let declined = Rewritten::of(page, pieces(page, cuts), None);
    assert_eq!(declined.out, page);
    let is_page = whole.outcome == InsertOutcome::Inserted;
    assert_eq!(declined.outcome == InsertOutcome::Declined, is_page);
    if is_page {
        assert_is_read(&whole.out);
    }
}

struct Rewritten {
    out: Vec<u8>,
    outcome: InsertOutcome,
}

impl Rewritten {
    fn of<'a>(
        page: &[u8],
        pieces: impl Iterator<Item = &'a [u8]>,
        tag: Option<&'static [u8]>,
    ) -> Self {
        let asked: Asked = Arc::default();
        let keep = Arc::clone(&asked);
        let mut rewriter = Inserter::new(Box::new(move |head, extent| {
            let mut asked = keep.lock().unwrap_or_else(PoisonError::into_inner);
            *asked = Some((head.to_vec(), extent));
            tag.map(Bytes::from_static)
        }));
        let mut out = Vec::new();
        for piece in pieces {
            let was = rewriter.outcome();
            let ready = rewriter.write(Bytes::copy_from_slice(piece));
            if was != InsertOutcome::Searching {
                assert_eq!(ready.first, piece, "all passes once the place is known");
            }
            add(&mut out, &ready);
        }
        add(&mut out, &rewriter.end());
        let outcome = rewriter.outcome();
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (outcome, asked) {
            (InsertOutcome::Searching, _) => panic!("the page has ended"),
            (InsertOutcome::NoInsertionPoint, None) => assert_eq!(out, page),
            (InsertOutcome::Declined, Some(_)) if tag.is_none() => assert_eq!(out, page),
            (InsertOutcome::Inserted, Some((head, extent))) => {
                let tag = tag.unwrap_or_default();
                let is_place = |place: usize| page[place..].starts_with(&head);
                let place = places_of(tag, &out, page).find(|&place| is_place(place));
                let behind = &page[place.expect("nothing but the tag is added")..];
                let ends = head.trim_ascii_end().to_ascii_lowercase();
                let is_whole = head == *behind || ends.ends_with(b"</html>");
                assert!(extent == Extent::Beginning || is_whole);
            }
            (outcome, asked) => panic!("{outcome:?}, and was asked for a tag: {asked:?}"),
        }
        Self { out, outcome }
    }
}

/// What a rewriter knew when it asked for the tag.
type Asked = Arc<Mutex<Option<(Vec<u8>, Extent)>>>;

fn add(out: &mut Vec<u8>, ready: &Output) {
    out.extend_from_slice(&ready.first);
    out.extend_from_slice(&ready.rest);
}

/// Where the tag may be, if `out` is `page` with it: in several places if there is another beside it.
fn places_of(tag: &[u8], out: &[u8], page: &[u8]) -> impl Iterator<Item = usize> {
    let same = out.iter().zip(page).take_while(|(one, other)| one == other);
    (0..=same.count()).filter(move |&place| {
        let behind = out[place..].strip_prefix(tag);
        behind.is_some_and(|behind| behind == &page[place..])
    })
}

/// The tag is not in a comment, an attribute or a text: whoever parses the page finds it.
fn assert_is_read(out: &[u8]) {
    let home = PageLocation {
        path: "/",
        host: None,
    };
    // It says on what host everything is.
    if out
        .windows(5)
        .any(|window| window.eq_ignore_ascii_case(b"<base"))
    {
        return;
    }
    let read = |page| PageReader::parse(page).map(|found| found.resolve_at(home));
    if let Some((page, tag)) = read(out).zip(read(TAG)) {
        assert!(!tag.is_empty() && PageFingerprint::new(page).may_start_with(&tag));
    }
}

const TAG: &[u8] = b"<script src=\"/tidings-tag.js\"></script>";
