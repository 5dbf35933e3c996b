//! Configurations with nothing but defaults.

use std::path::PathBuf;

use crate::config::settings::Config;
use crate::origin::Upstream;

impl Config {
    /// The defaults, for a site in the directory at `root`.
    pub fn directory(root: impl Into<PathBuf>) -> Self {
        Self {
            root: Some(root.into()),
            ..Self::default()
        }
    }

    /// The defaults, for a site that these upstreams serve, each the whole of it.
    ///
    /// ```
    /// let config = tidings::Config::proxy(["http://127.0.0.1:3000".parse()?]);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn proxy(upstream: impl IntoIterator<Item = Upstream>) -> Self {
        Self {
            upstream: upstream.into_iter().collect(),
            ..Self::default()
        }
    }
}
