//! The composition of services into the server that the program runs.

pub(crate) mod lifecycle;
pub(crate) mod router;
pub(crate) mod serving;
