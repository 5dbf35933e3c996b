//! HTTP as specified by the standards, one module for each concern.

pub(crate) mod accept_encoding;
pub(crate) mod body;
pub(crate) mod cache_control;
pub(crate) mod client_tls;
pub(crate) mod coding;
pub(crate) mod conditional;
pub(crate) mod context;
pub(crate) mod dates;
pub(crate) mod etag;
pub(crate) mod fetch_metadata;
pub(crate) mod forwarded;
pub(crate) mod hop_by_hop;
pub(crate) mod list;
pub(crate) mod media_type;
pub(crate) mod networks;
pub(crate) mod original_headers;
pub(crate) mod path;
pub(crate) mod prefix;
pub(crate) mod range;
pub(crate) mod reply;
pub(crate) mod uri;
pub(crate) mod via;
