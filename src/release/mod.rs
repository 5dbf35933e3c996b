//! The model of a release: plain data, immutable once published.

pub(crate) mod asset;
pub(crate) mod diff;
pub(crate) mod entry;
pub(crate) mod file_stamp;
pub(crate) mod fingerprint;
pub(crate) mod hashed_names;
pub(crate) mod id;
pub(crate) mod manifest;
pub(crate) mod metadata;
pub(crate) mod open_file;
pub(crate) mod policy;
pub(crate) mod release;
pub(crate) mod representation;
pub(crate) mod variant;

pub use crate::release::asset::Asset;
pub(crate) use crate::release::asset::PAGE_SUFFIX;
pub use crate::release::entry::Entry;
pub(crate) use crate::release::entry::RequestFilter;
pub use crate::release::id::ReleaseId;
pub use crate::release::manifest::Manifest;
pub(crate) use crate::release::metadata::ReleaseMetadata;
pub use crate::release::open_file::OpenFile;
pub use crate::release::policy::Policy;
pub use crate::release::release::Release;
pub use crate::release::representation::Content;
pub use crate::release::representation::Representation;
