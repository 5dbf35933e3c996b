//! Inserts the script's tag into a page that streams by.

mod held_bytes;
mod inserter;

pub(crate) use crate::html::inserter::inserter::ChooseTag;
pub(crate) use crate::html::inserter::inserter::Extent;
pub(crate) use crate::html::inserter::inserter::InsertOutcome;
pub(crate) use crate::html::inserter::inserter::Inserter;
#[cfg(any(fuzzing, test))]
pub(crate) use crate::html::inserter::inserter::Output;
pub(crate) use crate::html::inserter::inserter::insert_tag;

#[cfg(test)]
mod tests;
