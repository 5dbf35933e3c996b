//! The tag that goes into a page, and the script that it names.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;

use crate::csp::Csp;
use crate::csp::Form;
use crate::csp::Nonce;
use crate::csp::Permit;
use crate::digest::Digest;
use crate::http::prefix::ReservedPrefix;
use crate::release::ReleaseId;

/// The client's scripts by name: `client` is in the tag, `bundle` is the client with all that it would load, `update`
/// is loaded when there is another release, and `worker` is started where tabs can't share a stream otherwise.
pub(crate) const PARTS: [(&str, &str); 4] = [
    ("client", include_str!("js/min/client.js")),
    ("bundle", include_str!("js/min/bundle.js")),
    ("update", include_str!("js/min/update.js")),
    ("worker", include_str!("js/min/worker.js")),
];

/// The version of the client, which all its parts have in their names: `client-<version>.js`.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let parts: String = PARTS.iter().map(|(_, script)| *script).collect();
        Digest::of(parts.as_bytes()).hex(5)
    });
    &VERSION
}

/// The whole script as a source in a policy: `'sha256-…'`.
pub(crate) fn whole_source() -> &'static str {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let [_, (_, whole), ..] = PARTS;
        let hash = Digest::of(whole.as_bytes()).base64();
        format!("'sha256-{hash}'")
    });
    &SOURCE
}

/// The tag for the pages of one release: ASCII, below 200 bytes under the default prefix, unless a policy wants more.
///
/// The same release gives the same bytes on every machine, and so the same entity tags.
pub(crate) fn tag(prefix: &ReservedPrefix, id: &ReleaseId, built: u64, permit: &Permit) -> Bytes {
    let (prefix, version) = (prefix.as_str(), version());
    let (part, integrity) = match permit.form {
        Form::Parts => ("client", None),
        Form::Whole => ("bundle", None),
        Form::Pinned => ("bundle", Some(whole_source().trim_matches('\''))),
    };
    let mut attributes = String::new();
    for (name, value) in [
        ("integrity", integrity),
        ("nonce", permit.nonce.as_ref().map(Nonce::as_str)),
    ] {
        if let Some(value) = value {
            // Writing to a string can't fail.
            _ = write!(attributes, " {name}=\"{value}\"");
        }
    }
    Bytes::from(format!(
        "<script async src=\"{prefix}/{part}-{version}.js\"{attributes} data-release=\"{id}\" data-built=\"{built}\"></script>"
    ))
}

/// What distinguishes the tags of one release, in pages of whatever policy, from those of another, or from those where
/// such policies are dealt with in another way.
pub(crate) fn distinction(prefix: &ReservedPrefix, id: &ReleaseId, built: u64, csp: Csp) -> String {
    let plain = tag(prefix, id, built, &Permit::default());
    let csp: &[u8] = match csp {
        Csp::Keep => b"",
        Csp::Amend => b"amend",
    };
    let tags = [&plain[..], version().as_bytes(), csp].concat();
    Digest::of(&tags).hex(DISTINCTION_BYTES)
}

// 48 bits: entity tags of one page are compared, not all there are.
pub(crate) const DISTINCTION_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_short_and_ascii() {
        let id = "x".repeat(64).parse().unwrap();
        let tag = tag(
            &ReservedPrefix::default(),
            &id,
            u64::MAX,
            &Permit::default(),
        );
        assert!(tag.is_ascii());
        assert!(tag.len() < 200, "{}", tag.len());
    }
}
