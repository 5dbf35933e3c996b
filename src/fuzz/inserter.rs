use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;

use crate::fuzz::input::line;
use crate::fuzz::input::pieces;
use crate::html::inserter::Extent;
use crate::html::inserter::InsertOutcome;
use crate::html::inserter::Inserter;
use crate::html::inserter::Output;
use crate::html::inserter::insert_tag;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;

/// Insertion: the output is the page with the script tag inserted once, or the page unchanged; and it does not depend on
/// how the page is cut.
///
/// The first line is the sizes of the pieces, the rest is the page.
///
/// # Panics
///
/// If the property does not hold.
pub fn inserter(data: &[u8]) {
    let (cuts, page) = line(data);
    let whole = Inserted::new(page, [page].into_iter(), Some(TAG));
    let cut = Inserted::new(page, pieces(page, cuts), Some(TAG));
    let small = Inserted::new(page, page.chunks(1), Some(TAG));
    assert_eq!(whole.out, cut.out);
    assert_eq!(whole.out, small.out);
    let at_once = insert_tag(page, Box::new(|_, _| Some(Bytes::from_static(TAG))));
    let injected = (whole.outcome == InsertOutcome::Inserted).then_some(&whole.out[..]);
    assert_eq!(at_once.as_deref(), injected);
    let declined = Inserted::new(page, pieces(page, cuts), None);
    assert_eq!(declined.out, page);
    let is_page = whole.outcome == InsertOutcome::Inserted;
    assert_eq!(declined.outcome == InsertOutcome::Declined, is_page);
    if is_page {
        assert_is_read(&whole.out);
    }
}

struct Inserted {
    out: Vec<u8>,
    outcome: InsertOutcome,
}

impl Inserted {
    fn new<'a>(
        page: &[u8],
        pieces: impl Iterator<Item = &'a [u8]>,
        tag: Option<&'static [u8]>,
    ) -> Self {
        let requested: TagRequest = Arc::default();
        let keep = Arc::clone(&requested);
        let mut inserter = Inserter::new(Box::new(move |head, extent| {
            let mut requested = keep.lock().unwrap_or_else(PoisonError::into_inner);
            *requested = Some((head.to_vec(), extent));
            tag.map(Bytes::from_static)
        }));
        let mut out = Vec::new();
        for piece in pieces {
            let was = inserter.outcome();
            let ready = inserter.write(Bytes::copy_from_slice(piece));
            if was != InsertOutcome::Searching {
                assert_eq!(
                    ready.first, piece,
                    "everything passes once the position is known"
                );
            }
            add(&mut out, &ready);
        }
        add(&mut out, &inserter.end());
        let outcome = inserter.outcome();
        let requested = requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (outcome, requested) {
            (InsertOutcome::Searching, _) => panic!("the page has ended"),
            (InsertOutcome::NoInsertionPoint, None) => assert_eq!(out, page),
            (InsertOutcome::Declined, Some(_)) if tag.is_none() => assert_eq!(out, page),
            (InsertOutcome::Inserted, Some((head, extent))) => {
                let tag = tag.unwrap_or_default();
                let is_position = |position: usize| page[position..].starts_with(&head);
                let position =
                    positions_of(tag, &out, page).find(|&position| is_position(position));
                let behind = &page[position.expect("nothing but the tag is added")..];
                let ends = head.trim_ascii_end().to_ascii_lowercase();
                let is_whole = head == *behind || ends.ends_with(b"</html>");
                assert!(extent == Extent::Beginning || is_whole);
            }
            (outcome, requested) => panic!("{outcome:?}, and requested a tag: {requested:?}"),
        }
        Self { out, outcome }
    }
}

/// The head of the page, and its extent, when the inserter requested the tag.
type TagRequest = Arc<Mutex<Option<(Vec<u8>, Extent)>>>;

fn add(out: &mut Vec<u8>, ready: &Output) {
    out.extend_from_slice(&ready.first);
    out.extend_from_slice(&ready.rest);
}

/// The possible positions of the tag, if `out` is `page` with it: several if an equal tag is next to it.
fn positions_of(tag: &[u8], out: &[u8], page: &[u8]) -> impl Iterator<Item = usize> {
    let same = out.iter().zip(page).take_while(|(one, other)| one == other);
    (0..=same.count()).filter(move |&position| {
        let behind = out[position..].strip_prefix(tag);
        behind.is_some_and(|behind| behind == &page[position..])
    })
}

/// Asserts that a parser of the page finds the tag: it is not in a comment, an attribute or text.
fn assert_is_read(out: &[u8]) {
    let home = PageLocation {
        path: "/",
        host: None,
    };
    // It may change the host of all URLs.
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
