//! Serves the files of the current release and of the retained releases.

pub(crate) mod fallback;
pub(crate) mod file_body;
pub(crate) mod reply;
pub(crate) mod respond;
pub(crate) mod static_files;
