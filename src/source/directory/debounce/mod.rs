//! Debouncing of the changes to a directory.

mod debouncer;

pub(crate) use crate::source::directory::debounce::debouncer::Debouncer;
pub(crate) use crate::source::directory::debounce::debouncer::PublishDecision;
pub(crate) use crate::source::directory::debounce::debouncer::ReadOutcome;
pub(crate) use crate::source::directory::debounce::debouncer::Timing;
pub(crate) use crate::source::directory::debounce::debouncer::TreeScan;

#[cfg(test)]
mod tests;
