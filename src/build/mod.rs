//! From a directory to a release: what is read, how it is named, and what is prepared to be served.

pub(crate) mod immutability;
pub(crate) mod name_index;
pub(crate) mod parallel;
pub(crate) mod prepared;
pub(crate) mod reachability;
pub(crate) mod service_workers;
pub(crate) mod snapshot;
pub(crate) mod tree;
pub(crate) mod variants;
