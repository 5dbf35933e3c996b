//! A build of the test SPA, or a modified copy of one.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;

use crate::deploy::copy;
use crate::root;
use crate::watch::WATCH;
use crate::watch::WATCH_TAG;
use crate::watch::with_watch;

/// A directory written by a bundler, to be deployed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Build {
    dir: PathBuf,
    mode: Option<&'static str>,
    _owned: Option<Arc<TempDir>>,
}

impl Build {
    /// Version 1 of the test SPA, as `npm run build:v1` in `tests/spa` writes it, with the watch script.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn v1() -> Result<Self> {
        Self::load("v1")
    }

    /// Version 2 of the test SPA: other texts, other colours, no hashed name in common with version 1.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn v2() -> Result<Self> {
        Self::load("v2")
    }

    /// A build of the test SPA with a service worker, as `npm run build:workers` in `tests/spa` writes it to
    /// `target/spa/NAME`, with the watch script. The worker has a hash of the page, so the build contains the tag.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn with_worker(name: &str) -> Result<Self> {
        let made = Self::find(name)?;
        let page = fs::read_to_string(made.dir.join("index.html")).context("reading the page")?;
        ensure!(page.contains(WATCH_TAG), "no watch script in {page}");
        made.with_file("watch.js", WATCH)
    }

    fn load(mode: &'static str) -> Result<Self> {
        let made = with_watch(&Self::find(mode)?)?;
        Ok(Self {
            mode: Some(mode),
            ..made
        })
    }

    fn find(name: &str) -> Result<Self> {
        let dir = root().join("target/spa").join(name);
        ensure!(
            dir.join("index.html").is_file(),
            "{} is not built: `just spa` builds it, or `npm ci && npm run build` in tests/spa",
            dir.display()
        );
        Ok(Self {
            dir,
            mode: None,
            _owned: None,
        })
    }

    /// A copy of this build with its index page changed by `edit`.
    ///
    /// # Errors
    /// When the copy fails, or `edit` changed nothing: then the page is not what the test expects.
    pub fn with_page(&self, edit: impl FnOnce(&str) -> String) -> Result<Self> {
        let page = fs::read_to_string(self.dir.join("index.html")).context("reading the page")?;
        let edited = edit(&page);
        ensure!(edited != page, "the edit changed nothing in {page}");
        self.with_file("index.html", &edited)
    }

    /// A copy of this build with the file at `path` added or replaced.
    ///
    /// # Errors
    /// When the copy fails.
    pub fn with_file(&self, path: &str, text: &str) -> Result<Self> {
        let owned = TempDir::new().context("a directory for the copy")?;
        copy(&self.dir, owned.path())?;
        fs::write(owned.path().join(path), text).with_context(|| format!("writing {path}"))?;
        Ok(Self {
            dir: owned.path().to_owned(),
            mode: None,
            _owned: Some(Arc::new(owned)),
        })
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Vite mode that makes this build, apart from the watch script; `None` for a modified copy.
    pub fn mode(&self) -> Option<&'static str> {
        self.mode
    }
}
