//! Small apps on Node's own `http` module.

use std::path::Path;

use anyhow::Result;

use super::Peer;
use crate::engine::find;
use crate::port::free_port;
use crate::root;

/// A running app of `tests/e2e/apps`. Dropping it ends it.
#[derive(Debug)]
pub struct App(Peer);

impl App {
    /// The app `site.mjs`: a site from a directory, which it reads at each request.
    ///
    /// # Errors
    /// When Node is missing, or the app does not listen before the deadline.
    pub async fn site(dir: &Path) -> Result<Self> {
        let mut app = Self::new("site.mjs", free_port()?)?;
        app.0.args.push(dir.into());
        app.start().await?;
        Ok(app)
    }

    /// The app `live.mjs`: events, long polls, uploads and web sockets.
    ///
    /// # Errors
    /// As of [`App::site`].
    pub async fn live() -> Result<Self> {
        let mut app = Self::new("live.mjs", free_port()?)?;
        app.start().await?;
        Ok(app)
    }

    /// The app `bulk.mjs`: bodies of any size.
    ///
    /// # Errors
    /// As of [`App::site`].
    pub async fn bulk() -> Result<Self> {
        let mut app = Self::new("bulk.mjs", free_port()?)?;
        app.start().await?;
        Ok(app)
    }

    fn new(name: &str, port: u16) -> Result<Self> {
        let apps = root().join("tests/e2e/apps");
        let args = vec![apps.join(name).into(), port.to_string().into()];
        let peer = Peer::new(find("node", "nodejs")?, args, apps, port)?;
        Ok(Self(peer))
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    /// The address that it listens on: `HOST:PORT`.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    /// Starts it again after [`App::stop`], on the same port.
    ///
    /// # Errors
    /// When it does not listen before the deadline.
    pub async fn start(&mut self) -> Result<()> {
        self.0.start().await
    }

    /// Ends it, without waiting for open requests.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> Result<()> {
        self.0.stop().await
    }

    /// Ends a site, and starts it again on the same port with another directory.
    ///
    /// # Errors
    /// When it does not end, or does not listen before the deadline.
    pub async fn replace(&mut self, dir: &Path) -> Result<()> {
        self.stop().await?;
        self.0.args.pop();
        self.0.args.push(dir.into());
        self.start().await
    }
}
