//! nginx, with the minimal configuration of a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;

use super::Peer;
use crate::engine::find;
use crate::port::free_port;

/// A running nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    peer: Peer,
    prefix: TempDir,
}

impl Nginx {
    /// Starts nginx with a single server, which has these directives in addition to `listen`.
    ///
    /// # Errors
    /// When nginx is missing, or does not listen before the deadline.
    pub async fn start(directives: &str) -> Result<Self> {
        let prefix = TempDir::new().context("a directory for nginx")?;
        let port = free_port()?;
        let config = CONFIG
            .replace("PORT", &port.to_string())
            .replace("DIRECTIVES", directives);
        fs::write(prefix.path().join("nginx.conf"), config).context("configuring nginx")?;
        let program = find("nginx", "nginx-light")?;
        let args = arguments(prefix.path());
        let args = args.iter().map(Into::into).collect();
        let mut peer = Peer::new(program, args, prefix.path().to_owned(), port)?;
        peer.start().await?;
        Ok(Self { peer, prefix })
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        self.peer.url(path)
    }

    /// The requests of its access log, each as `METHOD PATH STATUS`.
    ///
    /// # Errors
    /// When there is no log.
    pub fn requests(&self) -> Result<Vec<String>> {
        let log = self.prefix.path().join("access.log");
        let log = fs::read_to_string(log).context("nginx's log")?;
        Ok(log.lines().map(str::to_owned).collect())
    }

    /// Reloads its configuration, which replaces its workers.
    ///
    /// # Errors
    /// When nginx fails to.
    pub fn reload(&self) -> Result<()> {
        let mut nginx = Command::new(&self.peer.program);
        nginx.args(&self.peer.args).args(["-s", "reload"]);
        let output = nginx.output().context("starting nginx")?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "nginx does not reload: {stderr}");
        Ok(())
    }

    /// Starts it again after [`Nginx::stop`].
    ///
    /// # Errors
    /// When it does not listen before the deadline.
    pub async fn start_again(&mut self) -> Result<()> {
        self.peer.start().await
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> Result<()> {
        self.peer.stop().await
    }
}

fn arguments(prefix: &Path) -> [String; 6] {
    let prefix = prefix.display().to_string();
    // Errors before the configuration is read go to the log of this instance.
    let (config, log) = (
        format!("{prefix}/nginx.conf"),
        format!("{prefix}/error.log"),
    );
    [
        "-p".to_owned(),
        prefix,
        "-c".to_owned(),
        config,
        "-e".to_owned(),
        log,
    ]
}

const CONFIG: &str = r#"
# Only this user may read the tests' files.
user root;
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {}
http {
    log_format request '$request_method $request_uri $status';
    access_log access.log request;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    types {
        text/html html;
        text/css css;
        application/javascript js;
        image/svg+xml svg;
    }
    server {
        listen 127.0.0.1:PORT;
        DIRECTIVES
    }
}
"#;
