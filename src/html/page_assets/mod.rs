//! The fingerprint of a page: the set of what it loads and runs, by which two builds are told apart.
//!
//! Two answers with the same page differ in nonces, tokens and times. So what counts is a set of elements, and what
//! is seen to change by itself is taken out of it.

mod reader;

use std::collections::BTreeSet;

use crate::digest::Digest;
pub(crate) use crate::html::page_assets::reader::Found;
pub(crate) use crate::html::page_assets::reader::Location;
pub(crate) use crate::html::page_assets::reader::Reader;

/// What one answer with a page loads and runs: sets, so that order and repetition make no difference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Elements {
    /// The local scripts and style sheets.
    files: BTreeSet<File>,
    /// The queries that they are loaded with, each behind the path.
    queries: BTreeSet<(Box<str>, Box<str>)>,
    /// The scripts in the page itself.
    inline: BTreeSet<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct File {
    path: Box<str>,
    /// The hashes of its `integrity`, in order; empty without one.
    integrity: Box<str>,
}

/// What the answers with one page have in common.
///
/// As soon as one of the scripts in the page was seen to change by itself, none of them counts: a token does not keep
/// its place, and a build that changes nothing else is rare. Queries are left out file by file: what comes with a
/// random one is as a rule not what the build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Print {
    elements: Elements,
    volatile: Volatile,
}

/// What changes by itself, and so does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Volatile {
    /// The paths of files with such a query.
    queries: BTreeSet<Box<str>>,
    inline: bool,
}

/// How far two prints are of one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// Nothing that counts differs.
    Same,
    /// Only scripts in the page itself differ.
    ButInline,
    /// The files are the same, their queries are not.
    ButQueries,
    /// The files differ.
    Other,
}

impl Elements {
    /// True for a page without scripts and style sheets, of which nothing can be told.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.inline.is_empty()
    }

    /// True if the files, but for the hashes in their names, could be those of another build of `other`.
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        !self.files.is_empty() && self.shapes() == other.shapes()
    }

    fn shapes(&self) -> Vec<(&str, &str)> {
        let mut shapes: Vec<_> = self.files.iter().map(|file| shape(&file.path)).collect();
        shapes.sort_unstable();
        shapes
    }
}

impl Print {
    /// What is known from one answer: all of it could be there to stay.
    pub(crate) fn of(elements: Elements) -> Self {
        Self {
            elements,
            volatile: Volatile::default(),
        }
    }

    /// The print of a page that has these elements, if the same changes by itself there as here.
    pub(crate) fn another(&self, elements: Elements) -> Self {
        Self {
            elements,
            volatile: self.volatile.clone(),
        }
        .without_volatile()
    }

    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// True if nothing is left in it that could turn out to change by itself.
    pub(crate) fn is_sure(&self) -> bool {
        self.elements.queries.is_empty() && self.elements.inline.is_empty()
    }

    /// Compares what counts in both.
    pub(crate) fn likeness(&self, other: &Self) -> Likeness {
        let counts = |(path, _): &&(Box<str>, Box<str>)| {
            !self.volatile.queries.contains(path) && !other.volatile.queries.contains(path)
        };
        let queries = |print: &'_ Self| -> Vec<(Box<str>, Box<str>)> {
            let queries = print.elements.queries.iter().filter(counts);
            queries.cloned().collect()
        };
        if self.elements.files != other.elements.files {
            Likeness::Other
        } else if self.elements.queries != other.elements.queries && queries(self) != queries(other)
        {
            Likeness::ButQueries
        } else if self.volatile.inline
            || other.volatile.inline
            || self.elements.inline == other.elements.inline
        {
            Likeness::Same
        } else {
            Likeness::ButInline
        }
    }

    /// True if a page of which only the beginning is known could be this one: the files are all here.
    pub(crate) fn may_begin(&self, start: &Elements) -> bool {
        let query = |query: &(Box<str>, Box<str>)| {
            self.volatile.queries.contains(&query.0) || self.elements.queries.contains(query)
        };
        start.files.is_subset(&self.elements.files) && start.queries.iter().all(query)
    }

    /// What both have in common, where they have the same files: what differs changes by itself.
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        if self.elements.files != other.elements.files {
            return None;
        }
        let changing = self
            .elements
            .queries
            .symmetric_difference(&other.elements.queries);
        let changing = changing.map(|(path, _)| path.clone());
        let known = self.volatile.queries.union(&other.volatile.queries);
        let volatile = Volatile {
            queries: known.cloned().chain(changing).collect(),
            inline: self.volatile.inline
                || other.volatile.inline
                || self.elements.inline != other.elements.inline,
        };
        let joined = Self {
            elements: self.elements.clone(),
            volatile,
        };
        Some(joined.without_volatile())
    }

    /// Stands for all that counts; the same on every machine.
    pub(crate) fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        // Length first, so that nothing can lend bytes to its neighbour.
        let mut add = |kind: u8, parts: [&[u8]; 2]| {
            bytes.push(kind);
            for part in parts {
                bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        };
        for File { path, integrity } in &self.elements.files {
            add(b'f', [path.as_bytes(), integrity.as_bytes()]);
        }
        for (path, query) in &self.elements.queries {
            add(b'q', [path.as_bytes(), query.as_bytes()]);
        }
        for script in &self.elements.inline {
            add(b'i', [script.base64().as_bytes(), b""]);
        }
        Digest::of(&bytes)
    }

    fn without_volatile(mut self) -> Self {
        let Self { elements, volatile } = &mut self;
        elements
            .queries
            .retain(|(path, _)| !volatile.queries.contains(path));
        if volatile.inline {
            elements.inline.clear();
        }
        self
    }
}

/// A path without what could be a hash in the name: `/assets/index`, `js` for `/assets/index-Ab12.js`. The whole path
/// where nothing could.
fn shape(path: &str) -> (&str, &str) {
    let start = path.rfind('/').map_or(0, |slash| slash + 1);
    let (Some(end), Some(mark)) = (path.rfind('.'), path[start..].find(['-', '.'])) else {
        return (path, "");
    };
    let mark = start + mark;
    let rest = path.get(mark + 1..end).unwrap_or_default();
    let is_hash = rest.bytes().any(|b| b.is_ascii_digit()) || rest.len() >= SHORTEST_HASH;
    if is_hash {
        (&path[..mark], &path[end + 1..])
    } else {
        (path, "")
    }
}

// A shorter one without a digit is a word: `index-old.js`, `vendor.min.js`.
const SHORTEST_HASH: usize = 6;

#[cfg(test)]
mod tests;
