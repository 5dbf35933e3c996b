//! A finished build of the test SPA, or an altered copy of one.

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
use crate::watch::watched;

/// A directory that a bundler wrote: what is to be deployed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Build {
    dir: PathBuf,
    mode: Option<&'static str>,
    _owned: Option<Arc<TempDir>>,
}

impl Build {
    /// Version 1 of the test SPA, as `npm run build:v1` in `tests/spa` left it, and watched by the harness.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn one() -> Result<Self> {
        Self::made("v1")
    }

    /// Version 2 of the test SPA: other texts, other colours, no hashed name in common with version 1.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn two() -> Result<Self> {
        Self::made("v2")
    }

    /// A build of the test SPA with a service worker, as `npm run build:workers` in `tests/spa` left it at
    /// `target/spa/NAME`, and watched by the harness. Its worker has the hash of the page, so the tag is in there.
    ///
    /// # Errors
    /// When it has not been built.
    pub fn with_worker(name: &str) -> Result<Self> {
        let made = Self::found(name)?;
        let page = fs::read_to_string(made.dir.join("index.html")).context("reading the page")?;
        ensure!(page.contains(WATCH_TAG), "nobody watches {page}");
        made.with_file("watch.js", WATCH)
    }

    fn made(mode: &'static str) -> Result<Self> {
        let made = watched(&Self::found(mode)?)?;
        Ok(Self {
            mode: Some(mode),
            ..made
        })
    }

    fn found(name: &str) -> Result<Self> {
        let dir = root().join("target/spa").join(name);
        ensure!(
            dir.join("index.html").is_file(),
            "{} is not built: `tests/run` builds it, or `npm ci && npm run build` in tests/spa",
            dir.display()
        );
        Ok(Self {
            dir,
            mode: None,
            _owned: None,
        })
    }

    /// A copy of this build whose index page went through `edit`.
    ///
    /// # Errors
    /// When the copy fails, or `edit` changed nothing: then the page is no longer what the test believes.
    pub fn with_page(&self, edit: impl FnOnce(&str) -> String) -> Result<Self> {
        let page = fs::read_to_string(self.dir.join("index.html")).context("reading the page")?;
        let edited = edit(&page);
        ensure!(edited != page, "the edit found nothing to change in {page}");
        self.with_file("index.html", &edited)
    }

    /// A copy of this build with one more file (or another content for one) at `path`.
    ///
    /// # Errors
    /// When the copy fails.
    pub fn with_file(&self, path: &str, text: &str) -> Result<Self> {
        let owned = TempDir::new().context("a place for the copy")?;
        copy(&self.dir, owned.path())?;
        fs::write(owned.path().join(path), text).with_context(|| format!("writing {path}"))?;
        Ok(Self {
            dir: owned.path().to_owned(),
            mode: None,
            _owned: Some(Arc::new(owned)),
        })
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Vite mode that makes this build, but for the watch; none for an altered copy.
    pub fn mode(&self) -> Option<&'static str> {
        self.mode
    }
}
