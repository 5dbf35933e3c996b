//! The composition of services into the server that the program runs.

pub(crate) mod bound_server;
mod boxed_service;
pub(crate) mod lifecycle;
pub(crate) mod router;
mod stack;
