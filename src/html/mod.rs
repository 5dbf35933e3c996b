//! HTML: where the script is inserted into a page, and which files and policies a page has.

pub(crate) mod inserter;
pub(crate) mod insertion_point;
pub(crate) mod meta_policies;
pub(crate) mod page_assets;
pub(crate) mod parser_settings;
pub(crate) mod references;
