//! The difference between two releases.

use serde::Serialize;

use crate::release::release::Release;

/// The paths that differ between two releases, each list sorted.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ReleaseDiff<'a> {
    pub(crate) added: Vec<&'a str>,
    pub(crate) changed: Vec<&'a str>,
    pub(crate) removed: Vec<&'a str>,
}

impl<'a> ReleaseDiff<'a> {
    /// Compares the files of `new` with those of `old`.
    ///
    /// `None` if one of them has no files, or if more than `max_paths` paths differ.
    pub(crate) fn new(old: &'a Release, new: &'a Release, max_paths: usize) -> Option<Self> {
        if old.is_empty() || new.is_empty() {
            return None;
        }
        let mut diff = Self::default();
        for (path, entry) in &new.files {
            match old.get(path) {
                None => diff.added.push(path),
                Some(before) if before.asset.digest() != entry.asset.digest() => {
                    diff.changed.push(path);
                }
                Some(_) => {}
            }
        }
        let removed = old.paths().filter(|path| new.get(path).is_none());
        diff.removed.extend(removed);
        let lists = [&mut diff.added, &mut diff.changed, &mut diff.removed];
        let total: usize = lists.iter().map(|list| list.len()).sum();
        for list in lists {
            list.sort_unstable();
        }
        (total <= max_paths).then_some(diff)
    }
}
