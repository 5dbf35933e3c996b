//! `tidings proxy` among other servers: in front of them, behind them, and while they are replaced.

mod bulk;
mod ci;
mod deploy;
mod fleet;
mod fronted;
mod live;
mod nginx;
mod sockets;
mod tag;
mod visitor;
mod vite;
