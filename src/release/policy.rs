//! The policy: what a tab does about a release.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;

/// What tabs do about a newer release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// A notice, with a button to refresh and one to be left in peace.
    #[default]
    Prompt,
    /// No notice: the next navigation within the page becomes a full load. After a longest wait, the notice.
    Navigate,
    /// Reloads by itself, while nobody looks or nothing was touched for long enough.
    Idle,
    /// A dialog with a countdown, which can be put off once.
    Force,
    /// Nothing but events, for pages that see to it themselves.
    Silent,
}

impl Policy {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Prompt,
        Self::Navigate,
        Self::Idle,
        Self::Force,
        Self::Silent,
    ];

    /// The word for it, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Navigate => "navigate",
            Self::Idle => "idle",
            Self::Force => "force",
            Self::Silent => "silent",
        }
    }
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|policy| policy.as_str() == word);
        found.ok_or_else(|| Error::new(Kind::InvalidPolicy(word.to_owned())))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
