//! Injection puts the client script into pages.

pub(crate) mod body;
pub(crate) mod counts;
pub(crate) mod eligible;
pub(crate) mod precondition;
pub(crate) mod stamp;
pub(crate) mod tagger;
pub(crate) mod unaltered;
pub(crate) mod validator;

/// Put into the extensions of a response by an origin that has seen to the script itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlreadyInjected;
