//! The policy by which open tabs update.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::error::Error;
use crate::error::Kind;

/// How open tabs update to a newer release.
///
/// ```
/// use tidings::Policy;
///
/// # fn main() -> Result<(), tidings::Error> {
/// assert_eq!("idle".parse::<Policy>()?, Policy::Idle);
/// assert_eq!(Policy::default().as_str(), "prompt");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Policy {
    /// A notice with a button to reload and one to dismiss it.
    #[default]
    Prompt,
    /// No notice: the next navigation within the page becomes a full load. After a maximum wait, the notice.
    Navigate,
    /// Reloads automatically while the tab is hidden, or has had no input for long enough.
    Idle,
    /// A dialog with a countdown, which can be postponed once.
    Force,
    /// Nothing but events, for pages that handle updates themselves.
    Silent,
}

impl Policy {
    /// All policies.
    pub const ALL: [Self; 5] = [
        Self::Prompt,
        Self::Navigate,
        Self::Idle,
        Self::Force,
        Self::Silent,
    ];

    /// The name, in lower case.
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

    fn from_str(name: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|policy| policy.as_str() == name);
        found.ok_or_else(|| Error::new(Kind::InvalidPolicy(name.to_owned())))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_as_json_is_its_name() {
        for policy in Policy::ALL {
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(json, format!("\"{policy}\""));
            assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        }
        assert!(serde_json::from_str::<Policy>("\"Idle\"").is_err());
    }
}
