//! The middleware: inserts the client script into the pages of any service, and serves the reserved paths.

pub(crate) mod eligibility;
pub(crate) mod if_match;
pub(crate) mod inject_body;
pub(crate) mod layer;
pub(crate) mod page;
pub(crate) mod page_etag;
pub(crate) mod page_metrics;
pub(crate) mod page_release;
pub(crate) mod recoding;
pub(crate) mod service;
