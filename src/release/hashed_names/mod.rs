//! Tells file names that carry a hash of the content from names that don't.
//!
//! A single name is not enough: `item-WZQT-SKE.js` was made by a build tool, `some-document.js` by a person, and
//! `chunk-30115207.js` could be either's. So all names of a folder are evaluated together: build tools give the scripts
//! and styles of a folder hashes of one length and alphabet in one position, and most of those hashes look random.
//! Where that is so, the others need not.

mod hash_format;
mod hash_patterns;
mod randomness;
mod token;

pub(crate) use crate::release::hashed_names::hash_patterns::HashPatterns;
pub(crate) use crate::release::hashed_names::token::ambiguous_tokens;
pub(crate) use crate::release::hashed_names::token::random_tokens;

#[cfg(test)]
mod tests;
