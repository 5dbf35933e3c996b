//! The client of the webhook.

pub(crate) mod announcement;
pub(crate) mod response;
pub(crate) mod target;
