//! The server: accepts connections, serves HTTP on them, and drains them when it shuts down.

mod connection;
mod connection_service;
pub(crate) mod host_check;
mod protocol_detection;
#[expect(clippy::module_inception, reason = "the main type of a folder")]
mod server;

pub use crate::server::server::DEFAULT_DRAIN;
pub use crate::server::server::DEFAULT_HEAD_TIMEOUT;
pub use crate::server::server::Server;
