//! `Forwarded` (RFC 7239) and `X-Forwarded-*`: what a trusted proxy in front sent, and what upstreams get.

mod forwarded_headers;
mod syntax;

pub(crate) use crate::http::forwarded::forwarded_headers::ForwardedHeaders;
