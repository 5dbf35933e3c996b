//! Finding the place for the tag in a page that comes in pieces.

use std::mem;

use bytes::Bytes;
use bytes::BytesMut;

use crate::html::insertion_point::Parser;
use crate::html::insertion_point::Verdict;

/// Puts a tag first into the head of a page, and passes everything else byte for byte.
///
/// The place is found by parsing: behind the start tag of the head, or, where the page leaves that out, before
/// the first tag or text that is not `<html>`. What shows neither a doctype nor an `<html>`, `<head>` or
/// `<body>` by then is no page but a fragment, and passes untouched; so does a page whose place is not found
/// within its first [`MOST_HELD`] bytes. They are held until then; what follows is neither held nor parsed.
pub(crate) struct Rewriter {
    state: State,
    choose: Option<Box<Choose>>,
    extent: Extent,
    outcome: Outcome,
}

/// Gives the tag for a page of which this is known behind the tag's place, and whether that is all of it; `None` if it
/// is to have none. The tag must be ASCII.
pub(crate) type Choose = dyn FnOnce(&[u8], Extent) -> Option<Bytes> + Send + Sync;

/// How much of a page is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// The beginning, as far as it has come.
    Beginning,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The place has not been found yet.
    Searching,
    /// The tag is in.
    Injected,
    /// It passed as it came: there is no place for a tag.
    Passed,
    /// It passed as it came: it was not to have a tag.
    Declined,
}

/// What can be sent on, in this order; each may be empty.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub(crate) first: Bytes,
    pub(crate) rest: Bytes,
}

enum State {
    Searching {
        held: Held,
        parser: Option<Box<Parser>>,
    },
    Done,
}

impl Rewriter {
    /// A rewriter that puts in what `choose` gives.
    pub(crate) fn new(choose: Box<Choose>) -> Self {
        Self {
            state: State::Searching {
                held: Held::One(Bytes::new()),
                parser: None,
            },
            choose: Some(choose),
            extent: Extent::Beginning,
            outcome: Outcome::Searching,
        }
    }

    /// Nothing comes after the next piece.
    pub(crate) fn expect_end(&mut self) {
        self.extent = Extent::Whole;
    }

    /// Takes the next piece of the page, and gives what can be sent on by now.
    pub(crate) fn write(&mut self, piece: Bytes) -> Ready {
        let State::Searching { held, parser } = &mut self.state else {
            return piece.into();
        };
        let parsed = held.add(piece);
        let held = held.as_slice();
        if held.len() < LONGEST_MARK {
            return Ready::default();
        }
        let verdict = match parser {
            _ if parsed >= MOST_HELD => Some(Verdict::Pass),
            None if is_utf_16(held) => Some(Verdict::Pass),
            None => parser.insert(Box::new(Parser::new(MOST_HELD))).parse(held),
            Some(parser) => parser.parse(&held[parsed..]),
        };
        match verdict {
            Some(verdict) => self.conclude(verdict),
            None => Ready::default(),
        }
    }

    /// Ends the page, and gives what is left of it.
    pub(crate) fn end(&mut self) -> Ready {
        self.expect_end();
        let verdict = match &mut self.state {
            State::Searching { parser, .. } => match parser.take() {
                Some(parser) => parser.end(),
                // Too short to be a page.
                None => Verdict::Pass,
            },
            State::Done => return Ready::default(),
        };
        self.conclude(verdict)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn conclude(&mut self, verdict: Verdict) -> Ready {
        let State::Searching { held, .. } = mem::replace(&mut self.state, State::Done) else {
            return Ready::default();
        };
        let held = held.freeze();
        let place = verdict.place(&held).filter(|place| *place <= held.len());
        let Some((place, choose)) = place.zip(self.choose.take()) else {
            self.outcome = Outcome::Passed;
            return held.into();
        };
        let extent = if ends_page(&held[place..]) {
            Extent::Whole
        } else {
            self.extent
        };
        let Some(tag) = choose(&held[place..], extent) else {
            self.outcome = Outcome::Declined;
            return held.into();
        };
        self.outcome = Outcome::Injected;
        let copied = if held.len() <= MOST_COPIED {
            held.len()
        } else {
            place
        };
        let mut first = BytesMut::with_capacity(copied + tag.len());
        first.extend_from_slice(&held[..place]);
        first.extend_from_slice(&tag);
        first.extend_from_slice(&held[place..copied]);
        Ready {
            first: first.freeze(),
            rest: held.slice(copied..),
        }
    }
}

impl From<Bytes> for Ready {
    fn from(first: Bytes) -> Self {
        Self {
            first,
            rest: Bytes::new(),
        }
    }
}

/// The beginning of a page: copied only if it comes in more than one piece.
enum Held {
    One(Bytes),
    More(BytesMut),
}

impl Held {
    /// Gives the number of bytes that were there before.
    fn add(&mut self, piece: Bytes) -> usize {
        let before = self.as_slice().len();
        match self {
            Self::One(first) if before == 0 => *first = piece,
            Self::One(first) => {
                let mut all = BytesMut::from(mem::take(first));
                all.extend_from_slice(&piece);
                *self = Self::More(all);
            }
            Self::More(all) => all.extend_from_slice(&piece),
        }
        before
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::One(first) => first,
            Self::More(all) => all,
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::One(first) => first,
            Self::More(all) => all.freeze(),
        }
    }
}

/// Puts what `choose` gives into a whole page; `None` if it is no page, can't be parsed, or is to have no tag.
pub(crate) fn inject(page: &[u8], choose: Box<Choose>) -> Option<Bytes> {
    let mut rewriter = Rewriter::new(choose);
    let mut out = BytesMut::new();
    rewriter.expect_end();
    for ready in [rewriter.write(Bytes::copy_from_slice(page)), rewriter.end()] {
        out.extend_from_slice(&ready.first);
        out.extend_from_slice(&ready.rest);
    }
    (rewriter.outcome() == Outcome::Injected).then(|| out.freeze())
}

/// True if a page ends here by its own account.
fn ends_page(page: &[u8]) -> bool {
    let page = page.trim_ascii_end();
    let end = page.len().saturating_sub(END.len());
    page[end..].eq_ignore_ascii_case(END)
}

/// True if a byte order mark says UTF-16, whose tags are not ASCII.
fn is_utf_16(start: &[u8]) -> bool {
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff")
}

// Only what comes before the place is held. A licence in a comment may stand there, a megabyte hardly.
const MOST_HELD: usize = 128 * 1024;

// To copy this much costs less than to send another frame.
const MOST_COPIED: usize = 4 * 1024;

const END: &[u8] = b"</html>";

// The byte order marks of UTF-16.
const LONGEST_MARK: usize = 2;

#[cfg(test)]
mod tests;
