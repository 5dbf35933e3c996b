//! What must hold for any bytes, of all that reads the bytes of strangers.
//!
//! Each function takes arbitrary bytes and panics if something does not hold. `tests/fuzz` runs them under cargo-fuzz,
//! the tests below under proptest. What the bytes mean is plain text, as far as it can be, so that a seed is written by
//! hand: see each.

mod addresses;
mod codings;
mod entity_tags;
mod fields;
mod fingerprint;
mod rewriter;

pub use crate::fuzz::addresses::addresses;
pub use crate::fuzz::codings::codings;
pub use crate::fuzz::entity_tags::entity_tags;
pub use crate::fuzz::fields::fields;
pub use crate::fuzz::fingerprint::fingerprint;
pub use crate::fuzz::rewriter::rewriter;

/// What stands before the first line break, and what behind it.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|&b| b == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

/// As a line, in text.
fn text_line(data: &[u8]) -> (&str, &[u8]) {
    let (line, rest) = line(data);
    (std::str::from_utf8(line).unwrap_or(""), rest)
}

/// The bytes in pieces of sizes that `cuts` give one after the other, again and again; in one piece if there are none.
fn pieces<'a>(bytes: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = cuts.iter().cycle();
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = sizes
            .next()
            .map_or(rest.len(), |cut| usize::from(cut % LONGEST_PIECE) + 1);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        Some(piece)
    })
}

// Most that can go wrong at a cut goes wrong within a few bytes of one.
const LONGEST_PIECE: u8 = 64;

#[cfg(test)]
mod tests;
