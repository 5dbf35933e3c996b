//! The format of the hashes in the names of a folder.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::release::hashed_names::randomness::Randomness;
use crate::release::hashed_names::randomness::is_date;
use crate::release::hashed_names::randomness::is_made_of_words;
use crate::release::hashed_names::randomness::is_number;
use crate::release::hashed_names::randomness::randomness;
use crate::release::hashed_names::token::Alphabet;
use crate::release::hashed_names::token::Token;
use crate::release::hashed_names::token::TokenPosition;
use crate::release::hashed_names::token::most_random_token;
use crate::release::hashed_names::token::random_tokens;
use crate::release::hashed_names::token::stem;
use crate::release::hashed_names::token::tokens;

/// The length, alphabet and positions that the hashes in the names of a folder have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashFormat {
    length: usize,
    alphabet: Alphabet,
    positions: PositionSet,
}

/// A set of [`TokenPosition`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PositionSet([bool; 3]);

impl HashFormat {
    /// The format of a token in at least half of `names`, if the token is random in at least `min_random` of them.
    pub(crate) fn shared_by(names: &[&str], min_random: usize) -> Option<Self> {
        // The same name with another extension counts once.
        let names: BTreeMap<&str, &str> = names.iter().map(|name| (stem(name), *name)).collect();
        let lengths: BTreeSet<usize> = names
            .values()
            .copied()
            .flat_map(random_tokens)
            .map(str::len)
            .collect();
        let mut best: Option<(usize, Self)> = None;
        for length in lengths {
            let tokens = names
                .values()
                .filter_map(|name| most_random_token(name, length));
            let tokens: Vec<(Randomness, Token<'_>)> = tokens.collect();
            let random = tokens
                .iter()
                .filter(|(randomness, _)| *randomness == Randomness::Certain);
            let random = random.count();
            let is_most = random * 2 >= tokens.len() && random * 2 >= names.len();
            if random < min_random || !is_most {
                continue;
            }
            let format = Self::from_tokens(length, &tokens);
            // `index-Bx3fK2Qa.js` also ends in the longer token `index-Bx3fK2Qa`; the shortest comes first.
            if (random >= FEW || format.is_common()) && best.is_none_or(|(most, _)| random > most) {
                best = Some((random, format));
            }
        }
        best.map(|(_, format)| format)
    }

    fn from_tokens(length: usize, tokens: &[(Randomness, Token<'_>)]) -> Self {
        let alphabets = [Alphabet::Hex, Alphabet::Base32, Alphabet::Lower];
        let nearly_all = |alphabet: &Alphabet| {
            let within = tokens
                .iter()
                .filter(|(_, token)| alphabet.contains(token.text));
            within.count() * 10 >= tokens.len() * 9
        };
        let at = |position| {
            let there = tokens
                .iter()
                .filter(|(_, token)| token.position == position);
            there.count() * 20 >= tokens.len()
        };
        Self {
            length,
            alphabet: alphabets
                .into_iter()
                .find(nearly_all)
                .unwrap_or(Alphabet::Any),
            positions: PositionSet(
                [
                    TokenPosition::Whole,
                    TokenPosition::Dotted,
                    TokenPosition::Dashed,
                ]
                .map(at),
            ),
        }
    }

    /// True for the default formats of build tools, which are rare elsewhere.
    fn is_common(self) -> bool {
        match self.alphabet {
            Alphabet::Hex => self.length >= 8,
            Alphabet::Base32 | Alphabet::Any => self.length == 8,
            Alphabet::Lower => self.length == 8 && !self.positions.contains(TokenPosition::Whole),
        }
    }

    /// True if `name` has a token of this format that can't be a word of the same length. In a uniform folder hardly
    /// any token is a word.
    pub(crate) fn matches(self, name: &str, is_uniform: bool) -> bool {
        self.matching_tokens(name).any(|token| {
            let usual = self.positions.contains(token.position);
            match self.alphabet {
                // A hash may consist of digits.
                Alphabet::Hex => (usual || !is_number(token.text)) && !is_date(token.text),
                Alphabet::Base32 => true,
                Alphabet::Lower if is_uniform && usual => true,
                Alphabet::Any if is_uniform && usual && !Alphabet::Lower.contains(token.text) => {
                    true
                }
                Alphabet::Lower | Alphabet::Any => {
                    randomness(token.text) == Randomness::Certain
                        || (usual && !is_made_of_words(token.text))
                }
            }
        })
    }

    /// True if `name` has a random token of this format in a usual position.
    pub(crate) fn matches_random_token(self, name: &str) -> bool {
        self.matching_tokens(name).any(|token| {
            self.positions.contains(token.position) && randomness(token.text) == Randomness::Certain
        })
    }

    pub(crate) fn matching_tokens(self, name: &str) -> impl Iterator<Item = Token<'_>> {
        tokens(name).filter(move |token| {
            token.text.len() == self.length && self.alphabet.contains(token.text)
        })
    }
}

impl PositionSet {
    fn contains(self, position: TokenPosition) -> bool {
        self.0[position as usize]
    }
}

// A name or two like `setPrototypeOf` or `decode-data-html` are found in any folder.
const FEW: usize = 3;
