//! `tidings proxy` with other servers: in front of them, behind them, and while they are replaced.

mod announcement;
mod behind_nginx;
mod http_client;
mod large_bodies;
mod nginx;
mod rolling_deploy;
mod script_tag;
mod streaming;
mod upstream_deploy;
mod vite;
mod websockets;
