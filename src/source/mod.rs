//! A source notices that something may have changed, looks, and publishes.

pub(crate) mod directory;
pub(crate) mod upstream;

pub use crate::source::upstream::fingerprint::Fingerprint;
pub use crate::source::upstream::fingerprint::JsonField;
