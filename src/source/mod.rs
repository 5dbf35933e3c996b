//! Sources: what notices that a new release may be there, checks, and publishes it.

pub(crate) mod directory;
pub(crate) mod upstream;

pub use crate::source::upstream::fingerprint::Fingerprint;
pub use crate::source::upstream::fingerprint::JsonField;
