//! Other servers, as upstreams of `tidings` or in front of it.

mod app;
mod nginx;
mod vite;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::port;
use crate::process_group::ProcessGroup;

pub use app::App;
pub use nginx::Nginx;
pub use vite::Vite;

/// A program that listens on a port, which stays reserved while the program is stopped. Dropping this ends it.
#[derive(Debug)]
struct Peer {
    program: PathBuf,
    args: Vec<OsString>,
    dir: PathBuf,
    port: u16,
    log: NamedTempFile,
    process_group: Option<ProcessGroup>,
}

impl Peer {
    /// Does not start it yet; `dir` is its working directory.
    fn new(program: PathBuf, args: Vec<OsString>, dir: PathBuf, port: u16) -> Result<Self> {
        Ok(Self {
            program,
            args,
            dir,
            port,
            log: NamedTempFile::new().context("a peer's log")?,
            process_group: None,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns when it accepts connections.
    async fn start(&mut self) -> Result<()> {
        let log = self.log.reopen().context("a peer's log")?;
        let stderr = log.try_clone().context("a peer's log")?;
        let process_group = ProcessGroup::terminate_on_drop(&self.program, |peer| {
            peer.args(&self.args).current_dir(&self.dir);
            peer.stdout(log).stderr(stderr);
        })?;
        self.process_group = Some(process_group);
        timeout(TIMEOUT, port::wait_for_listener(self.port))
            .await
            .with_context(|| {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                format!("{} does not listen: {log}", self.program.display())
            })
    }

    /// Ends it by SIGTERM, and returns when its port is free.
    async fn stop(&mut self) -> Result<()> {
        let process_group = self.process_group.take();
        // Blocks until the program has ended.
        spawn_blocking(|| drop(process_group)).await?;
        timeout(TIMEOUT, port::wait_until_closed(self.port))
            .await
            .with_context(|| format!("{} does not end", self.program.display()))
    }
}

// The start of Node and then of Vite, on a machine that compiles something else at the same time.
const TIMEOUT: Duration = Duration::from_secs(30);
