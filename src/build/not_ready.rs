//! Why a directory can't be published yet.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a directory can't be published yet.
#[derive(Debug)]
pub(crate) enum NotReady {
    /// It does not exist.
    NotFound,
    /// It, or something in it, can't be read.
    Unreadable(String),
    /// It has no `index.html` at its top, or an empty one.
    NoIndex,
    /// It changed while it was read.
    Changing,
}

impl NotReady {
    /// The reason for this error at `path`.
    pub(crate) fn from_io(error: &io::Error, path: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Unreadable(format!("{}: {error}", path.display())),
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such directory"),
            Self::Unreadable(error) => write!(f, "it can't be read ({error})"),
            Self::NoIndex => f.write_str("it has no index.html, or an empty one"),
            Self::Changing => f.write_str("it is being changed"),
        }
    }
}
