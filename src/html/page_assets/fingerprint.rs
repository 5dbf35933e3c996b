//! The fingerprint of a page: what all responses with it have in common.
//!
//! Two responses with the same page differ in nonces, tokens and times. So only the assets count, without those that
//! were seen to change although the build did not.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::html::page_assets::assets::AssetFile;
use crate::html::page_assets::assets::PageAssets;

/// What the responses with one page have in common.
///
/// As soon as one inline script was seen to change by itself, no inline script counts: a token does not keep its place,
/// and a build that changes nothing else is rare. Queries are left out file by file: a file with a random one is as a
/// rule not made by the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFingerprint {
    assets: PageAssets,
    volatile: Volatile,
}

/// What changes by itself, and so does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Volatile {
    /// The paths of files with such a query.
    queries: BTreeSet<Box<str>>,
    inline_scripts: bool,
}

/// The greatest difference between two fingerprints, from small to large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Nothing that counts differs.
    None,
    /// Only inline scripts differ.
    InlineScripts,
    /// The files are the same, their queries are not.
    Queries,
    /// The files differ.
    Files,
}

impl PageFingerprint {
    /// The fingerprint known from one response, all of which may be stable.
    pub(crate) fn new(assets: PageAssets) -> Self {
        Self {
            assets,
            volatile: Volatile::default(),
        }
    }

    /// The fingerprint of another response with these assets, in which the same changes by itself as in this one.
    pub(crate) fn with_assets(&self, assets: PageAssets) -> Self {
        Self {
            assets,
            volatile: self.volatile.clone(),
        }
        .without_volatile()
    }

    pub(crate) fn assets(&self) -> &PageAssets {
        &self.assets
    }

    /// True if nothing is left in it that could turn out to change by itself.
    pub(crate) fn is_stable(&self) -> bool {
        self.assets.queries.is_empty() && self.assets.inline_scripts.is_empty()
    }

    /// Compares what counts in both.
    pub(crate) fn difference(&self, other: &Self) -> Difference {
        let counts = |(path, _): &&(Box<str>, Box<str>)| {
            !self.volatile.queries.contains(path) && !other.volatile.queries.contains(path)
        };
        let queries = |fingerprint: &'_ Self| -> Vec<(Box<str>, Box<str>)> {
            let queries = fingerprint.assets.queries.iter().filter(counts);
            queries.cloned().collect()
        };
        if self.assets.files != other.assets.files {
            Difference::Files
        } else if self.assets.queries != other.assets.queries && queries(self) != queries(other) {
            Difference::Queries
        } else if self.volatile.inline_scripts
            || other.volatile.inline_scripts
            || self.assets.inline_scripts == other.assets.inline_scripts
        {
            Difference::None
        } else {
            Difference::InlineScripts
        }
    }

    /// True if a page of which only the start is known, with these assets, could be this one.
    pub(crate) fn may_start_with(&self, start: &PageAssets) -> bool {
        let query = |query: &(Box<str>, Box<str>)| {
            self.volatile.queries.contains(&query.0) || self.assets.queries.contains(query)
        };
        start.files.is_subset(&self.assets.files) && start.queries.iter().all(query)
    }

    /// What both have in common, where they have the same files: everything else changes by itself.
    pub(crate) fn merged_with(&self, other: &Self) -> Option<Self> {
        if self.assets.files != other.assets.files {
            return None;
        }
        let changing = self
            .assets
            .queries
            .symmetric_difference(&other.assets.queries);
        let changing = changing.map(|(path, _)| path.clone());
        let known = self.volatile.queries.union(&other.volatile.queries);
        let volatile = Volatile {
            queries: known.cloned().chain(changing).collect(),
            inline_scripts: self.volatile.inline_scripts
                || other.volatile.inline_scripts
                || self.assets.inline_scripts != other.assets.inline_scripts,
        };
        let merged = Self {
            assets: self.assets.clone(),
            volatile,
        };
        Some(merged.without_volatile())
    }

    /// A digest of everything that counts, the same on every machine.
    pub(crate) fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        // Length first, so that no part can be taken for the start of the next.
        let mut add = |kind: u8, parts: [&[u8]; 2]| {
            bytes.push(kind);
            for part in parts {
                bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        };
        for AssetFile { path, integrity } in &self.assets.files {
            add(b'f', [path.as_bytes(), integrity.as_bytes()]);
        }
        for (path, query) in &self.assets.queries {
            add(b'q', [path.as_bytes(), query.as_bytes()]);
        }
        for script in &self.assets.inline_scripts {
            add(b'i', [script.base64().as_bytes(), b""]);
        }
        Digest::new(&bytes)
    }

    fn without_volatile(mut self) -> Self {
        let Self { assets, volatile } = &mut self;
        assets
            .queries
            .retain(|(path, _)| !volatile.queries.contains(path));
        if volatile.inline_scripts {
            assets.inline_scripts.clear();
        }
        self
    }
}
