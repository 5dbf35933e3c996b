//! The client's scripts.

use std::sync::LazyLock;

use crate::digest::Digest;

/// The scripts by name: `client` is in the tag, `bundle` is the client with all that it would load, `update` is loaded
/// when there is another release, and `worker` is started where tabs can't share a stream otherwise.
pub(crate) const SCRIPTS: [(&str, &str); 4] = [
    ("client", include_str!("js/min/client.js")),
    ("bundle", BUNDLE),
    ("update", include_str!("js/min/update.js")),
    ("worker", include_str!("js/min/worker.js")),
];

/// The version of the client, which all its scripts have in their names: `client-<version>.js`.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let scripts: String = SCRIPTS.iter().map(|(_, script)| *script).collect();
        Digest::new(scripts.as_bytes()).hex(5)
    });
    &VERSION
}

/// The hash of the bundle as a source in a policy (CSP3, section 2.3.1): `'sha256-…'`.
pub(crate) fn bundle_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let hash = Digest::new(BUNDLE.as_bytes()).base64();
        format!("'sha256-{hash}'")
    });
    &HASH
}

const BUNDLE: &str = include_str!("js/min/bundle.js");
