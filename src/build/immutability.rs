//! Which files may be sent as immutable.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::digest::Digest;

/// The files that were sent as immutable, with their digests. Browsers do not request such a file again.
#[derive(Debug, Default)]
pub(crate) struct ImmutableFiles {
    digests: HashMap<String, Digest>,
    /// The paths that have had more than one content.
    changed: HashSet<String>,
}

impl ImmutableFiles {
    /// Records the content at `path`. True if it may be sent as immutable: as long as the path has had no other
    /// content.
    pub(crate) fn record(&mut self, path: &str, digest: &Digest) -> bool {
        if self.changed.contains(path) {
            return false;
        }
        match self.digests.get(path) {
            Some(known) if known != digest => {
                tracing::warn!(
                    path,
                    "a file with a hash in its name has changed; it is no longer sent as immutable, but browsers may keep the old one for a year"
                );
                self.changed.insert(path.to_owned());
                false
            }
            Some(_) => true,
            None => {
                if self.digests.len() < MAX_PATHS {
                    self.digests.insert(path.to_owned(), *digest);
                }
                true
            }
        }
    }
}

// About 100 bytes each. With more names than this between two restarts the warning is lost, but nothing else.
const MAX_PATHS: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immutable_file_that_has_changed_stays_mutable() {
        let (one, two) = (Digest::new(b"1"), Digest::new(b"2"));
        let mut files = ImmutableFiles::default();
        assert!(files.record("/a-12345678.js", &one));
        assert!(files.record("/a-12345678.js", &one));
        assert!(!files.record("/a-12345678.js", &two));
        assert!(!files.record("/a-12345678.js", &one));
        assert!(files.record("/b-12345678.js", &two));
    }
}
