//! The pipeline from a directory to a release: read, find what is reachable, insert the script, compress.

pub(crate) mod immutability;
pub(crate) mod metadata_file;
pub(crate) mod name_index;
pub(crate) mod not_ready;
pub(crate) mod parallel;
pub(crate) mod prepared;
pub(crate) mod reachability;
pub(crate) mod service_workers;
pub(crate) mod snapshot;
pub(crate) mod tree;
pub(crate) mod utf8;
pub(crate) mod variants;
