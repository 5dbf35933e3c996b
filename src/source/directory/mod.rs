//! A directory as a source of releases.

pub(crate) mod debounce;
pub(crate) mod fs_events;
pub(crate) mod scanner;
pub(crate) mod watch_directory;
