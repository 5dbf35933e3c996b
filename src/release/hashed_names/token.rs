//! Whatever in the name of a file could be a hash.

use crate::release::hashed_names::word::Look;
use crate::release::hashed_names::word::is_date;
use crate::release::hashed_names::word::is_worded;
use crate::release::hashed_names::word::look;

/// A part of a name, and where it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) place: Place,
}

/// Where in a name a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// `0b1f6c9e8d7a5432.css`
    Whole,
    /// `main.8e2f0b3a.js`
    Dotted,
    /// `index-BfX2k3Qa.js`
    Dashed,
}

/// What hashes are written in, from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Hex,
    /// As esbuild does, and Angular with it.
    Base32,
    /// Base 36, and whatever else has no capitals.
    Lower,
    Any,
}

impl Alphabet {
    pub(crate) fn has(self, token: &str) -> bool {
        token.bytes().all(|b| match self {
            Self::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base32 => matches!(b, b'2'..=b'7' | b'A'..=b'Z'),
            Self::Lower => !b.is_ascii_uppercase(),
            Self::Any => true,
        })
    }
}

/// The most random token of this length in `name`.
pub(crate) fn best_token(name: &str, length: usize) -> Option<(Look, Token<'_>)> {
    tokens(name)
        .filter(|token| token.text.len() == length)
        .map(|token| {
            // What is a whole name, and nothing but letters, may always mean something.
            let letters = token.text.bytes().all(|b| b.is_ascii_alphabetic());
            match look(token.text) {
                Look::Random if letters && token.place == Place::Whole => (Look::Possible, token),
                look => (look, token),
            }
        })
        .filter(|(look, _)| *look >= Look::Possible)
        .max_by_key(|(look, _)| *look)
}

/// Whatever in the name of a file looks like noise by itself, whatever its neighbours are called.
pub(crate) fn noise_in(name: &str) -> impl Iterator<Item = &str> {
    let texts = tokens(name).map(|token| token.text);
    texts.filter(|text| look(text) == Look::Random)
}

/// Whatever else in it could be a hash: a number or close to one, or no word at its end.
pub(crate) fn doubtful_in(name: &str) -> impl Iterator<Item = &str> {
    let doubtful = tokens(name).filter(|token| {
        let hex = Alphabet::Hex.has(token.text) && !is_date(token.text);
        let end = token.place != Place::Whole && token.text.len() >= 8 && !is_worded(token.text);
        (hex || end) && look(token.text) != Look::Random
    });
    doubtful.map(|token| token.text)
}

/// Whatever in a name could be a hash: each of its dotted parts but the extension, whole, and from every
/// separator in it to its end.
pub(crate) fn tokens(name: &str) -> impl Iterator<Item = Token<'_>> {
    stem(name)
        .split('.')
        .enumerate()
        .flat_map(|(at, part)| {
            let place = if at == 0 { Place::Whole } else { Place::Dotted };
            // Next, wasm-bindgen and Astro put more behind: `0484562807a97172-s.p.woff2`, `app-8e2f0b3a_bg.wasm`,
            // `hero.DTJ77394_1hfRj7.webp`.
            let unmarked = part
                .strip_suffix("-s")
                .or_else(|| Some(part.rsplit_once('_')?.0));
            std::iter::once(part).chain(unmarked).flat_map(move |part| {
                let after = part
                    .char_indices()
                    .filter(|(_, c)| matches!(c, '-' | '_'))
                    .map(|(at, _)| (&part[at + 1..], Place::Dashed));
                std::iter::once((part, place)).chain(after)
            })
        })
        .map(|(text, place)| Token { text, place })
        .filter(|token| (SHORTEST..=LONGEST).contains(&token.text.len()))
        .filter(|token| {
            let mut bytes = token.text.bytes();
            bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

pub(crate) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(stem, _)| stem)
}

// Shorter tokens are version numbers and words; longer ones than SHA-256 in hex (Hugo, Sprockets) nobody puts
// into a name.
const SHORTEST: usize = 6;

const LONGEST: usize = 64;
