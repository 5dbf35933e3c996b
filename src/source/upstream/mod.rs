//! Upstreams as a source of releases.

pub(crate) mod consensus;
pub(crate) mod fingerprint;
pub(crate) mod observer;
pub(crate) mod page_fetch;
pub(crate) mod poll_upstream;
pub(crate) mod poller;
pub(crate) mod redirect;
