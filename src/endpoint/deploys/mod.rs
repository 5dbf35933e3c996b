//! The webhook: `deploys`, a reserved path on which deploys are announced and listed.

pub(crate) mod credentials;
pub(crate) mod handler;
pub(crate) mod outcome;
pub(crate) mod payload;
pub(crate) mod read_body;
pub(crate) mod refusal;
pub(crate) mod replay_guard;
pub(crate) mod secret;
