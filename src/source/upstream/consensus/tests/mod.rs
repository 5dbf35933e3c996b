//! Consensus by simulated polls.

mod decisions;
mod rolling_deploy;
mod simulation;
