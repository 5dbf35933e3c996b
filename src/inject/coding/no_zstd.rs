//! Zstandard where it is left out.

use crate::inject::coding::Coding;

pub(super) const CODING: Option<Coding> = None;
