//! The composition of services into the server that the program runs.

pub(crate) mod route;
pub(crate) mod router;
