//! What a release changed, against an older one.

use crate::release::Release;

/// The paths that differ between two releases, each list sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes<'a> {
    pub(crate) added: Vec<&'a str>,
    pub(crate) changed: Vec<&'a str>,
    pub(crate) removed: Vec<&'a str>,
}

impl<'a> Changes<'a> {
    /// What is in `new` and not, or not the same, in `old`, and the other way round.
    /// `None` for releases whose files are not known, or if they are more than `most`.
    pub(crate) fn between(old: &'a Release, new: &'a Release, most: usize) -> Option<Self> {
        if old.is_empty() || new.is_empty() {
            return None;
        }
        let mut changes = Self::default();
        for (path, entry) in &new.files {
            match old.get(path) {
                None => changes.added.push(path),
                Some(before) if before.asset.digest() != entry.asset.digest() => {
                    changes.changed.push(path);
                }
                Some(_) => {}
            }
        }
        let removed = old.paths().filter(|path| new.get(path).is_none());
        changes.removed.extend(removed);
        let lists = [
            &mut changes.added,
            &mut changes.changed,
            &mut changes.removed,
        ];
        let all: usize = lists.iter().map(|list| list.len()).sum();
        for list in lists {
            list.sort_unstable();
        }
        (all <= most).then_some(changes)
    }
}
