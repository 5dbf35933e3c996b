//! How the tabs of a site go over to a release.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;

/// What a tab does when it hears of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Policy {
    /// It shows the notice, and the visitor decides.
    #[default]
    Prompt,
    /// It loads the new release with the next navigation inside the app.
    Navigate,
    /// It reloads once the visitor has been away from it for a while.
    Idle,
    /// It reloads at once.
    Force,
    /// It shows nothing; the page itself may listen.
    Silent,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Prompt,
        Self::Navigate,
        Self::Idle,
        Self::Force,
        Self::Silent,
    ];

    /// The word for it: `prompt`, `navigate`, `idle`, `force` or `silent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Navigate => "navigate",
            Self::Idle => "idle",
            Self::Force => "force",
            Self::Silent => "silent",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let policy = Self::ALL.into_iter().find(|policy| policy.as_str() == word);
        policy.ok_or_else(|| Error::new(Kind::InvalidPolicy(word.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_word() {
        for policy in Policy::ALL {
            assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
        }
        for word in ["", "Prompt", "later", " force"] {
            assert!(word.parse::<Policy>().is_err(), "{word:?}");
        }
        assert_eq!(Policy::default(), Policy::Prompt);
    }
}
