//! What visitors' browsers were told never to ask for again.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::digest::Digest;

/// The paths that were once called immutable, with the content they had.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    made: HashMap<String, Digest>,
    broken: HashSet<String>,
}

impl Promises {
    /// True if `path` may be called immutable with this content: always, until it comes with another.
    pub(crate) fn may_promise(&mut self, path: &str, digest: &Digest) -> bool {
        if self.broken.contains(path) {
            return false;
        }
        match self.made.get(path) {
            Some(made) if made != digest => {
                tracing::warn!(
                    path,
                    "a file whose name carries a hash came back with other bytes: browsers may keep the old ones for a year; it is no longer called immutable"
                );
                self.broken.insert(path.to_owned());
                false
            }
            Some(_) => true,
            None => {
                if self.made.len() < MOST {
                    self.made.insert(path.to_owned(), *digest);
                }
                true
            }
        }
    }
}

// Some 100 bytes each. Whoever deploys more names than this between two restarts loses the warning, no more.
const MOST: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_is_not_made_again() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let mut promises = Promises::default();
        assert!(promises.may_promise("/a-12345678.js", &one));
        assert!(promises.may_promise("/a-12345678.js", &one));
        assert!(!promises.may_promise("/a-12345678.js", &two));
        assert!(!promises.may_promise("/a-12345678.js", &one));
        assert!(promises.may_promise("/b-12345678.js", &two));
    }
}
