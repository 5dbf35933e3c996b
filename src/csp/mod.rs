//! Content Security Policy (CSP3, <https://www.w3.org/TR/CSP3/>): whether the client script may run in a page, and what
//! its tag needs for that.
//!
//! Where several policies apply, each of them has to allow it. A policy is never relaxed unless the operator asks for it
//! ([`Csp::Amend`](mode::Csp::Amend)), and then by the hash of one script only.

pub(crate) mod checker;
pub(crate) mod directive;
pub(crate) mod evaluation;
pub(crate) mod mode;
pub(crate) mod page_origin;
pub(crate) mod policy;
pub(crate) mod script_permission;
pub(crate) mod source_list;
#[cfg(test)]
mod tests;
pub(crate) mod violation;
