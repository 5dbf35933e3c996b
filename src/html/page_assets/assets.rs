//! The scripts and style sheets of one response with a page.

use std::collections::BTreeSet;

use crate::digest::Digest;

/// What a page loads and runs, in one response. Sets, since neither order nor repetition makes a difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PageAssets {
    /// The scripts and style sheets of the site itself.
    pub(crate) files: BTreeSet<AssetFile>,
    /// The path and query of each file that is loaded with a query.
    pub(crate) queries: BTreeSet<(Box<str>, Box<str>)>,
    /// The digests of the inline scripts.
    pub(crate) inline_scripts: BTreeSet<Digest>,
}

/// A script or style sheet that a page loads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AssetFile {
    pub(crate) path: Box<str>,
    /// The hashes of its `integrity` attribute, sorted; empty without one.
    pub(crate) integrity: Box<str>,
}

impl PageAssets {
    /// True for a page without scripts and style sheets, which has no distinguishing mark.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.inline_scripts.is_empty()
    }

    /// True if the files are those of `other` but for the hashes in their names: they could be of another build.
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        !self.files.is_empty() && self.shapes() == other.shapes()
    }

    fn shapes(&self) -> Vec<(&str, &str)> {
        let mut shapes: Vec<_> = self.files.iter().map(|file| shape(&file.path)).collect();
        shapes.sort_unstable();
        shapes
    }
}

/// A path without what could be a hash in the name: `/assets/index`, `js` for `/assets/index-Ab12.js`. The whole path
/// if nothing could.
fn shape(path: &str) -> (&str, &str) {
    let start = path.rfind('/').map_or(0, |slash| slash + 1);
    let (Some(end), Some(mark)) = (path.rfind('.'), path[start..].find(['-', '.'])) else {
        return (path, "");
    };
    let mark = start + mark;
    let rest = path.get(mark + 1..end).unwrap_or_default();
    let is_hash = rest.bytes().any(|b| b.is_ascii_digit()) || rest.len() >= MIN_HASH;
    if is_hash {
        (&path[..mark], &path[end + 1..])
    } else {
        (path, "")
    }
}

// A shorter one without a digit is a word: `index-old.js`, `vendor.min.js`.
const MIN_HASH: usize = 6;
