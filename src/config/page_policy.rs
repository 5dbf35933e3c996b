//! A policy, for all pages or for those below a path.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;
use crate::release::Policy;

/// A policy, for all pages or for those at a path and below: `prompt`, `/admin=force`.
///
/// ```
/// use tidings::{PagePolicy, Policy};
///
/// let policy: PagePolicy = "/admin=force".parse()?;
/// assert_eq!((policy.path(), policy.policy()), (Some("/admin"), Policy::Force));
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagePolicy {
    path: Option<String>,
    policy: Policy,
}

impl PagePolicy {
    /// The path of the pages; `None` for all pages.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The policy of these pages.
    pub fn policy(&self) -> Policy {
        self.policy
    }
}

impl From<Policy> for PagePolicy {
    /// The policy of all pages.
    fn from(policy: Policy) -> Self {
        Self { path: None, policy }
    }
}

impl FromStr for PagePolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((path, policy)) = text.split_once('=') else {
            return Ok(Self::from(text.parse::<Policy>()?));
        };
        if !path.starts_with('/') {
            return Err(Error::new(Kind::InvalidPolicy(text.to_owned())));
        }
        Ok(Self {
            path: Some(path.to_owned()),
            policy: policy.parse()?,
        })
    }
}

impl fmt::Display for PagePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}={}", self.policy),
            None => self.policy.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_policy_parses_a_policy_with_or_without_a_path() {
        for (text, expected) in [
            ("idle", Some((None, Policy::Idle))),
            ("/a=force", Some((Some("/a"), Policy::Force))),
            ("/=silent", Some((Some("/"), Policy::Silent))),
            ("a=force", None),
            ("/a=", None),
            ("nag", None),
            ("", None),
        ] {
            let parsed = text.parse::<PagePolicy>().ok();
            let found = parsed.as_ref().map(|found| (found.path(), found.policy()));
            assert_eq!(found, expected, "{text}");
            if let Some(parsed) = parsed {
                assert_eq!(parsed.to_string(), text);
            }
        }
    }
}
