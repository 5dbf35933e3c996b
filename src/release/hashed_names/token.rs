//! The parts of a file name that could be a hash.

use crate::release::hashed_names::randomness::Randomness;
use crate::release::hashed_names::randomness::is_date;
use crate::release::hashed_names::randomness::is_made_of_words;
use crate::release::hashed_names::randomness::randomness;

/// A part of a name that could be a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) position: TokenPosition,
}

/// The position of a token in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenPosition {
    /// `0b1f6c9e8d7a5432.css`
    Whole,
    /// `main.8e2f0b3a.js`
    Dotted,
    /// `index-BfX2k3Qa.js`
    Dashed,
}

/// The alphabets of hashes, from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Hex,
    /// Used by esbuild, and so by Angular.
    Base32,
    /// Base 36, and others without capital letters.
    Lower,
    Any,
}

impl Alphabet {
    pub(crate) fn contains(self, token: &str) -> bool {
        token.bytes().all(|b| match self {
            Self::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32 => matches!(b, b'2'..=b'7' | b'A'..=b'Z'),
            Self::Lower => !b.is_ascii_uppercase(),
            Self::Any => true,
        })
    }
}

/// The most random token of this length in `name`, if any is possibly random.
pub(crate) fn most_random_token(name: &str, length: usize) -> Option<(Randomness, Token<'_>)> {
    tokens(name)
        .filter(|token| token.text.len() == length)
        .map(|token| {
            // A whole name that consists of letters can always be a word.
            let letters = token.text.bytes().all(|b| b.is_ascii_alphabetic());
            match randomness(token.text) {
                Randomness::Certain if letters && token.position == TokenPosition::Whole => {
                    (Randomness::Possible, token)
                }
                randomness => (randomness, token),
            }
        })
        .filter(|(randomness, _)| *randomness >= Randomness::Possible)
        .max_by_key(|(randomness, _)| *randomness)
}

/// The tokens of a name that look random on their own, whatever other names there are.
pub(crate) fn random_tokens(name: &str) -> impl Iterator<Item = &str> {
    let texts = tokens(name).map(|token| token.text);
    texts.filter(|text| randomness(text) == Randomness::Certain)
}

/// The other tokens that could be a hash: hex digits, or a last part that is no word.
pub(crate) fn ambiguous_tokens(name: &str) -> impl Iterator<Item = &str> {
    let ambiguous = tokens(name).filter(|token| {
        let hex = Alphabet::Hex.contains(token.text) && !is_date(token.text);
        let end = token.position != TokenPosition::Whole
            && token.text.len() >= 8
            && !is_made_of_words(token.text);
        (hex || end) && randomness(token.text) != Randomness::Certain
    });
    ambiguous.map(|token| token.text)
}

/// The tokens of a name: each of its dotted parts but the extension, whole, and from every separator to its end.
pub(crate) fn tokens(name: &str) -> impl Iterator<Item = Token<'_>> {
    stem(name)
        .split('.')
        .enumerate()
        .flat_map(|(at, part)| {
            let position = if at == 0 {
                TokenPosition::Whole
            } else {
                TokenPosition::Dotted
            };
            // Next, wasm-bindgen and Astro append more: `0484562807a97172-s.p.woff2`, `app-8e2f0b3a_bg.wasm`,
            // `hero.DTJ77394_1hfRj7.webp`.
            let unmarked = part
                .strip_suffix("-s")
                .or_else(|| Some(part.rsplit_once('_')?.0));
            std::iter::once(part).chain(unmarked).flat_map(move |part| {
                let after = part
                    .char_indices()
                    .filter(|(_, c)| matches!(c, '-' | '_'))
                    .map(|(at, _)| (&part[at + 1..], TokenPosition::Dashed));
                std::iter::once((part, position)).chain(after)
            })
        })
        .map(|(text, position)| Token { text, position })
        .filter(|token| (MIN_LENGTH..=MAX_LENGTH).contains(&token.text.len()))
        .filter(|token| {
            let mut bytes = token.text.bytes();
            bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// The name without its extension.
pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(stem, _)| stem)
}

// Shorter tokens are version numbers and words; SHA-256 in hex (Hugo, Sprockets) is the longest hash in a name.
const MIN_LENGTH: usize = 6;

const MAX_LENGTH: usize = 64;
