//! The reserved paths, `/__tidings/…` by default.

pub(crate) mod deploys;
pub(crate) mod event_stream;
pub(crate) mod jitter;
pub(crate) mod release_json;
pub(crate) mod reserved_paths;
pub(crate) mod response;
pub(crate) mod scripts;
pub(crate) mod stream_limit;
