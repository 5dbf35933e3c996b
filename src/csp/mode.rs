//! The setting for pages whose policy blocks the script.

/// What happens to a page whose `Content-Security-Policy` does not let the client script run.
///
/// ```
/// use tidings::{Csp, Site, UpdateNotifierLayer};
///
/// let layer = UpdateNotifierLayer::new(Site::new()).csp(Csp::Amend);
/// # let _ = layer;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Csp {
    /// The policy stays as it is, and the page is sent without the script.
    #[default]
    Keep,
    /// The hash of the script is added to the policy, where that suffices. It lets no other script in.
    Amend,
}
