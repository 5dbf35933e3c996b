//! Vite's development server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;

use super::Peer;
use crate::deploy::copy;
use crate::engine::find;
use crate::port::free_port;
use crate::root;
use crate::watch::WATCH;
use crate::watch::WATCH_TAG;

/// A running `vite` on a copy of the test SPA, in the mode `v1`. Dropping it ends it.
#[derive(Debug)]
pub struct Vite {
    peer: Peer,
    dir: TempDir,
}

impl Vite {
    /// Starts Vite. The page's head begins with `head` and the watch script.
    ///
    /// # Errors
    /// When something is missing, or it does not listen before the deadline.
    pub async fn start(head: &str) -> Result<Self> {
        let dir = TempDir::new().context("a directory for the app")?;
        lay_out(&root().join("tests/spa"), dir.path())?;
        let port = free_port()?;
        let number = port.to_string();
        let program = dir.path().join("node_modules/vite/bin/vite.js");
        let args = [
            "--host",
            "127.0.0.1",
            "--strictPort",
            "--mode",
            "v1",
            "--port",
            &number,
        ];
        let args = [program.as_os_str()]
            .into_iter()
            .chain(args.iter().map(AsRef::as_ref))
            .map(ToOwned::to_owned);
        let node = find("node", "nodejs")?;
        let peer = Peer::new(node, args.collect(), dir.path().to_owned(), port)?;
        let mut vite = Self { peer, dir };
        fs::write(vite.dir.path().join("public/watch.js"), WATCH)?;
        vite.edit("index.html", "<head>", &format!("<head>{head}{WATCH_TAG}"))?;
        vite.peer.start().await?;
        Ok(vite)
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        self.peer.url(path)
    }

    /// Replaces a text in a file of the app.
    ///
    /// # Errors
    /// When it is not there.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let file = self.dir.path().join(file);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        ensure!(text.contains(from), "{} has no {from:?}", file.display());
        fs::write(&file, text.replace(from, to)).context("editing")
    }
}

/// Copies the sources, and links the packages one by one, so that Vite's cache among them is in the copy.
fn lay_out(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let at = to.join(entry.file_name());
        if entry.file_name() == "node_modules" {
            fs::create_dir(&at)?;
            for package in fs::read_dir(entry.path())? {
                let package = package?;
                let is_kept = package.file_name().as_encoded_bytes().starts_with(b".vite");
                if !is_kept {
                    symlink(package.path(), at.join(package.file_name()))?;
                }
            }
        } else if entry.file_type()?.is_dir() {
            fs::create_dir(&at)?;
            copy(&entry.path(), &at)?;
        } else {
            fs::copy(entry.path(), &at)?;
        }
    }
    Ok(())
}
