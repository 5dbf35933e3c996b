//! Why a policy keeps the script out of a page.

use std::fmt;

use crate::csp::directive::Directive;

/// A directive that blocks the script, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Violation {
    pub(crate) directive: Directive,
    pub(crate) reason: ViolationReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ViolationReason {
    /// No script may run at all.
    NoScripts,
    /// The script could not open the event stream.
    NoConnection,
    /// The page is sandboxed into another origin, or without scripts.
    Sandboxed,
    /// The hash of the script would suffice, but must not be added.
    NotAmended,
    /// The policies require different nonces.
    ConflictingNonces,
    /// A hash would keep the page's own inline scripts from running.
    UnsafeInline,
    /// The header is not ASCII, and can't be rewritten.
    NotAscii,
}

impl fmt::Display for ViolationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScripts => "it allows no scripts",
            Self::NoConnection => "it allows no connections to the page's own origin ('self')",
            Self::Sandboxed => "it lacks allow-scripts or allow-same-origin",
            Self::NotAmended => {
                "it has neither 'self' nor a nonce; the hash of the script would be added if policies were amended"
            }
            Self::ConflictingNonces => {
                "the policies require different nonces; the hash of the script would be added if policies were amended"
            }
            Self::UnsafeInline => "a hash would disable 'unsafe-inline' for the page's own scripts",
            Self::NotAscii => "it is not ASCII and can't be amended",
        })
    }
}
