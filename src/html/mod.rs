//! HTML: finding a place in a page, writing to it, and reading what it loads.

pub(crate) mod inserter;
pub(crate) mod insertion_point;
pub(crate) mod meta_policies;
pub(crate) mod page_assets;
pub(crate) mod references;
