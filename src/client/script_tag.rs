//! The tag that goes into a page.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::client::scripts;
use crate::csp::mode::Csp;
use crate::csp::script_permission::ScriptPermission;
use crate::csp::script_permission::ScriptVariant;
use crate::csp::source_list::Nonce;
use crate::digest::Digest;
use crate::http::prefix::ReservedPrefix;
use crate::release::ReleaseId;

/// The tag for the pages of one release: ASCII, below 200 bytes under the default prefix, unless a policy needs more.
///
/// The same release gives the same bytes on every machine, and so the same entity tags.
pub(crate) fn script_tag(
    prefix: &ReservedPrefix,
    id: &ReleaseId,
    built: u64,
    permission: &ScriptPermission,
) -> Bytes {
    let (script, integrity) = match permission.variant {
        ScriptVariant::Client => ("client", None),
        ScriptVariant::Bundle => ("bundle", None),
        ScriptVariant::BundleByHash => ("bundle", Some(scripts::bundle_hash().trim_matches('\''))),
    };
    let src = prefix.join(&format!("{script}-{}.js", scripts::version()));
    let mut attributes = String::new();
    for (name, value) in [
        ("integrity", integrity),
        ("nonce", permission.nonce.as_ref().map(Nonce::as_str)),
    ] {
        if let Some(value) = value {
            // Writing to a string can't fail.
            _ = write!(attributes, " {name}=\"{value}\"");
        }
    }
    Bytes::from(format!(
        "<script async src=\"{src}\"{attributes} data-release=\"{id}\" data-built=\"{built}\"></script>"
    ))
}

/// A digest that changes with anything that may change the tags of a release: the release, the scripts, the prefix, and
/// how policies are handled. What a policy requires of a tag (a nonce) does not count.
pub(crate) fn tag_digest(prefix: &ReservedPrefix, id: &ReleaseId, built: u64, csp: Csp) -> String {
    let tag = script_tag(prefix, id, built, &ScriptPermission::default());
    let csp: &[u8] = match csp {
        Csp::Keep => b"",
        Csp::Amend => b"amend",
    };
    let parts = [&tag[..], scripts::version().as_bytes(), csp].concat();
    Digest::new(&parts).hex(TAG_DIGEST_BYTES)
}

// 48 bits: the entity tags of one page are compared, not those of all pages.
pub(crate) const TAG_DIGEST_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_tag_is_short_ascii() {
        let id = "x".repeat(64).parse().unwrap();
        let (prefix, permission) = (ReservedPrefix::default(), ScriptPermission::default());
        let tag = script_tag(&prefix, &id, u64::MAX, &permission);
        assert!(tag.is_ascii());
        assert!(tag.len() < 200, "{}", tag.len());
    }
}
