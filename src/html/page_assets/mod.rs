//! The scripts and style sheets of a page, by which two builds of an upstream are told apart.

mod assets;
mod fingerprint;
mod reader;

pub(crate) use crate::html::page_assets::assets::PageAssets;
pub(crate) use crate::html::page_assets::fingerprint::Difference;
pub(crate) use crate::html::page_assets::fingerprint::PageFingerprint;
pub(crate) use crate::html::page_assets::reader::PageLocation;
pub(crate) use crate::html::page_assets::reader::PageReader;
pub(crate) use crate::html::page_assets::reader::ParsedPage;

#[cfg(test)]
mod tests;
