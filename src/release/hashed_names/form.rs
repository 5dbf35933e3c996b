//! What the hashes in the names of a folder have in common.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::release::hashed_names::token::Alphabet;
use crate::release::hashed_names::token::Place;
use crate::release::hashed_names::token::Token;
use crate::release::hashed_names::token::best_token;
use crate::release::hashed_names::token::noise_in;
use crate::release::hashed_names::token::stem;
use crate::release::hashed_names::token::tokens;
use crate::release::hashed_names::word::Look;
use crate::release::hashed_names::word::is_date;
use crate::release::hashed_names::word::is_number;
use crate::release::hashed_names::word::is_worded;
use crate::release::hashed_names::word::look;

/// What the hashes in the names of a folder have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    length: usize,
    alphabet: Alphabet,
    places: Places,
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places([bool; 3]);

impl Form {
    /// The form that at least half of `names` share, if at least `enough` of them prove it.
    pub(crate) fn shared(names: &[&str], enough: usize) -> Option<Self> {
        // The same name with another extension says nothing new.
        let names: BTreeMap<&str, &str> = names.iter().map(|name| (stem(name), *name)).collect();
        let lengths: BTreeSet<usize> = names
            .values()
            .copied()
            .flat_map(noise_in)
            .map(str::len)
            .collect();
        let mut best: Option<(usize, Self)> = None;
        for length in lengths {
            let tokens = names.values().filter_map(|name| best_token(name, length));
            let tokens: Vec<(Look, Token<'_>)> = tokens.collect();
            let random = tokens.iter().filter(|(look, _)| *look == Look::Random);
            let random = random.count();
            let is_most = random * 2 >= tokens.len() && random * 2 >= names.len();
            if random < enough || !is_most {
                continue;
            }
            let form = Self::of(length, &tokens);
            // `index-Bx3fK2Qa.js` also ends in the longer token `index-Bx3fK2Qa`; the shortest comes first.
            if (random >= FEW || form.is_common()) && best.is_none_or(|(most, _)| random > most) {
                best = Some((random, form));
            }
        }
        best.map(|(_, form)| form)
    }

    fn of(length: usize, tokens: &[(Look, Token<'_>)]) -> Self {
        let alphabets = [Alphabet::Hex, Alphabet::Base32, Alphabet::Lower];
        let nearly_all = |alphabet: &Alphabet| {
            let within = tokens.iter().filter(|(_, token)| alphabet.has(token.text));
            within.count() * 10 >= tokens.len() * 9
        };
        let at = |place| {
            let there = tokens.iter().filter(|(_, token)| token.place == place);
            there.count() * 20 >= tokens.len()
        };
        Self {
            length,
            alphabet: alphabets
                .into_iter()
                .find(nearly_all)
                .unwrap_or(Alphabet::Any),
            places: Places([Place::Whole, Place::Dotted, Place::Dashed].map(at)),
        }
    }

    /// True for what build tools do unless told otherwise, and hardly anybody else.
    fn is_common(self) -> bool {
        match self.alphabet {
            Alphabet::Hex => self.length >= 8,
            Alphabet::Base32 | Alphabet::Any => self.length == 8,
            Alphabet::Lower => self.length == 8 && !self.places.has(Place::Whole),
        }
    }

    /// True if `name` has a token of this form that can't be a word of the same length. In a folder that is pure,
    /// hardly anything is a word.
    pub(crate) fn fits(self, name: &str, is_pure: bool) -> bool {
        self.fitting(name).any(|token| {
            let usual = self.places.has(token.place);
            match self.alphabet {
                // A hash may well be a number.
                Alphabet::Hex => (usual || !is_number(token.text)) && !is_date(token.text),
                Alphabet::Base32 => true,
                Alphabet::Lower if is_pure && usual => true,
                Alphabet::Any if is_pure && usual && !Alphabet::Lower.has(token.text) => true,
                Alphabet::Lower | Alphabet::Any => {
                    look(token.text) == Look::Random || (usual && !is_worded(token.text))
                }
            }
        })
    }

    /// True if `name` has a token of this form that is noise, whatever stands beside it.
    pub(crate) fn is_proven_by(self, name: &str) -> bool {
        self.fitting(name)
            .any(|token| self.places.has(token.place) && look(token.text) == Look::Random)
    }

    pub(crate) fn fitting(self, name: &str) -> impl Iterator<Item = Token<'_>> {
        tokens(name)
            .filter(move |token| token.text.len() == self.length && self.alphabet.has(token.text))
    }
}

impl Places {
    fn has(self, place: Place) -> bool {
        self.0[place as usize]
    }
}

// A name or two like `setPrototypeOf` or `decode-data-html` are found in any folder.
const FEW: usize = 3;
