//! What the policies of a page ask of the script's tag.

use crate::csp::source_list::Nonce;

/// What the tag needs for the script to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ScriptPermission {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) variant: ScriptVariant,
}

/// Which script the tag names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ScriptVariant {
    /// A small one, which imports another one once there is a new release.
    #[default]
    Client,
    /// Everything in one file, where a policy allows no imports.
    Bundle,
    /// Everything in one file, allowed by its hash.
    BundleByHash,
}
