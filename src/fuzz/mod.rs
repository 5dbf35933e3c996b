//! Properties that hold for any bytes, of everything that reads untrusted input.
//!
//! Each function takes arbitrary bytes and panics if its property does not hold. `tests/fuzz` runs them under cargo-fuzz,
//! the unit tests under proptest. The bytes are read as plain text as far as possible, so that seeds can be written by
//! hand; the format is in the documentation of each function.

mod addresses;
mod codings;
mod entity_tags;
mod input;
mod inserter;
mod page_fingerprint;
mod request_headers;
#[cfg(test)]
mod tests;

pub use crate::fuzz::addresses::addresses;
pub use crate::fuzz::codings::codings;
pub use crate::fuzz::entity_tags::entity_tags;
pub use crate::fuzz::inserter::inserter;
pub use crate::fuzz::page_fingerprint::page_fingerprint;
pub use crate::fuzz::request_headers::request_headers;
