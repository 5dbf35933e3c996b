//! Inserts a tag into a page that comes in pieces.

use std::mem;

use bytes::Bytes;
use bytes::BytesMut;

use crate::html::inserter::held_bytes::HeldBytes;
use crate::html::insertion_point::InsertionPoint;
use crate::html::insertion_point::InsertionPointParser;

/// Inserts a tag at the start of the head of a page, and passes everything else byte for byte.
///
/// The insertion point is found by parsing: after the start tag of the head, or, where the page leaves that out, before
/// the first tag or text that is not `<html>`. Without a doctype, `<html>`, `<head>` or `<body>` until then it is a
/// fragment of a page, which passes unchanged; so does a page whose insertion point is not within its first
/// [`MAX_HELD`] bytes. The bytes before the insertion point are held until it is found; those after it are neither held
/// nor parsed.
pub(crate) struct Inserter {
    state: State,
    choose_tag: Option<Box<ChooseTag>>,
    extent: Extent,
    outcome: InsertOutcome,
}

/// Returns the tag for a page, or `None` if it is to have none. The arguments are the bytes after the insertion point
/// that have come so far, and whether they are all there are. The tag must be ASCII.
pub(crate) type ChooseTag = dyn FnOnce(&[u8], Extent) -> Option<Bytes> + Send + Sync;

/// How much of a page is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// The start, as far as it has come.
    Beginning,
}

/// What an [`Inserter`] did with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InsertOutcome {
    /// The insertion point has not been found yet.
    Searching,
    /// The tag was inserted.
    Inserted,
    /// It passed unchanged: there is no insertion point.
    NoInsertionPoint,
    /// It passed unchanged: it was not to have a tag.
    Declined,
}

/// What can be sent, in this order; each part may be empty.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) first: Bytes,
    pub(crate) rest: Bytes,
}

enum State {
    Searching {
        held: HeldBytes,
        parser: Option<Box<InsertionPointParser>>,
    },
    Done,
}

impl Inserter {
    /// An inserter of the tag that `choose_tag` returns.
    pub(crate) fn new(choose_tag: Box<ChooseTag>) -> Self {
        Self {
            state: State::Searching {
                held: HeldBytes::default(),
                parser: None,
            },
            choose_tag: Some(choose_tag),
            extent: Extent::Beginning,
            outcome: InsertOutcome::Searching,
        }
    }

    /// Announces that the next piece is the last.
    pub(crate) fn expect_end(&mut self) {
        self.extent = Extent::Whole;
    }

    /// Takes the next piece of the page. Returns what can be sent by now.
    pub(crate) fn write(&mut self, piece: Bytes) -> Output {
        let State::Searching { held, parser } = &mut self.state else {
            return piece.into();
        };
        let parsed = held.push(piece);
        let held = held.as_slice();
        if held.len() < MAX_BOM {
            return Output::default();
        }
        let point = match parser {
            _ if parsed >= MAX_HELD => Some(InsertionPoint::None),
            None if is_utf_16(held) => Some(InsertionPoint::None),
            None => parser
                .insert(Box::new(InsertionPointParser::new(MAX_HELD)))
                .parse(held),
            Some(parser) => parser.parse(&held[parsed..]),
        };
        match point {
            Some(point) => self.insert_at(point),
            None => Output::default(),
        }
    }

    /// Ends the page. Returns the rest of it.
    pub(crate) fn end(&mut self) -> Output {
        self.expect_end();
        let point = match &mut self.state {
            State::Searching { parser, .. } => match parser.take() {
                Some(parser) => parser.end(),
                // Too short to be a page.
                None => InsertionPoint::None,
            },
            State::Done => return Output::default(),
        };
        self.insert_at(point)
    }

    pub(crate) fn outcome(&self) -> InsertOutcome {
        self.outcome
    }

    fn insert_at(&mut self, point: InsertionPoint) -> Output {
        let State::Searching { held, .. } = mem::replace(&mut self.state, State::Done) else {
            return Output::default();
        };
        let held = held.freeze();
        let offset = point
            .offset_in(&held)
            .filter(|offset| *offset <= held.len());
        let Some((offset, choose_tag)) = offset.zip(self.choose_tag.take()) else {
            self.outcome = InsertOutcome::NoInsertionPoint;
            return held.into();
        };
        let extent = if is_end_of_page(&held[offset..]) {
            Extent::Whole
        } else {
            self.extent
        };
        let Some(tag) = choose_tag(&held[offset..], extent) else {
            self.outcome = InsertOutcome::Declined;
            return held.into();
        };
        self.outcome = InsertOutcome::Inserted;
        let copied = if held.len() <= MAX_COPIED {
            held.len()
        } else {
            offset
        };
        let mut first = BytesMut::with_capacity(copied + tag.len());
        first.extend_from_slice(&held[..offset]);
        first.extend_from_slice(&tag);
        first.extend_from_slice(&held[offset..copied]);
        Output {
            first: first.freeze(),
            rest: held.slice(copied..),
        }
    }
}

impl From<Bytes> for Output {
    fn from(first: Bytes) -> Self {
        Self {
            first,
            rest: Bytes::new(),
        }
    }
}

/// Inserts the tag that `choose_tag` returns into a whole page. `None` if it is no page, can't be parsed, or is to have
/// no tag.
pub(crate) fn insert_tag(page: &[u8], choose_tag: Box<ChooseTag>) -> Option<Bytes> {
    let mut inserter = Inserter::new(choose_tag);
    let mut out = BytesMut::new();
    inserter.expect_end();
    for output in [inserter.write(Bytes::copy_from_slice(page)), inserter.end()] {
        out.extend_from_slice(&output.first);
        out.extend_from_slice(&output.rest);
    }
    (inserter.outcome() == InsertOutcome::Inserted).then(|| out.freeze())
}

/// True if a page ends here by its own markup.
fn is_end_of_page(page: &[u8]) -> bool {
    let page = page.trim_ascii_end();
    let end = page.len().saturating_sub(END.len());
    page[end..].eq_ignore_ascii_case(END)
}

/// True for a byte order mark of UTF-16, in which tags are not ASCII.
fn is_utf_16(start: &[u8]) -> bool {
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff")
}

// Only what comes before the insertion point is held. A licence in a comment may be there, but hardly a megabyte.
pub(crate) const MAX_HELD: usize = 128 * 1024;

// To copy this much costs less than to send another frame.
pub(crate) const MAX_COPIED: usize = 4 * 1024;

const END: &[u8] = b"</html>";

// The byte order marks of UTF-16 have two bytes.
const MAX_BOM: usize = 2;
