//! Zstandard where it is left out.

use crate::http::coding::Coding;

pub(crate) const CODING: Option<Coding> = None;
