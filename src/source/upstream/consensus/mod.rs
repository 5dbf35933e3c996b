//! The decision when what upstreams show is a new release, and when it is only being rolled out.

mod consensus;

pub(crate) use crate::source::upstream::consensus::consensus::Consensus;
pub(crate) use crate::source::upstream::consensus::consensus::PollDecision;

#[cfg(test)]
mod tests;
