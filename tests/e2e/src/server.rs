//! A `tidings serve` or `tidings proxy` of its own for every test.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::ensure;

use crate::hostname;
use crate::root;
use crate::wait::wait_until;

/// A running `tidings serve` or `tidings proxy` on a free port. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Serves `dir`; returns when the server has printed that it listens.
    ///
    /// The program is the one that `TIDINGS_BIN` names; without that, it is built first.
    ///
    /// # Errors
    /// When there is no program, or it does not listen before the deadline; its log is in the message.
    pub fn start(dir: &Path) -> Result<Self> {
        Self::start_with(dir, &[])
    }

    /// As [`Server::start`], with more arguments: `&["--retain-releases", "1"]`.
    ///
    /// # Errors
    /// As of [`Server::start`].
    pub fn start_with(dir: &Path, args: &[&str]) -> Result<Self> {
        let served = [OsStr::new("serve"), dir.as_os_str()];
        Self::run(served.into_iter().chain(args.iter().map(OsStr::new)))
    }

    /// Starts `tidings proxy` with these upstreams, which all serve the same, and more arguments:
    /// `&["--poll-interval", "1s"]`.
    ///
    /// # Errors
    /// As of [`Server::start`].
    pub fn proxy(upstreams: &[&str], args: &[&str]) -> Result<Self> {
        let args = ["proxy"].iter().chain(upstreams).chain(args);
        Self::run(args.map(OsStr::new))
    }

    fn run<'a>(args: impl IntoIterator<Item = &'a OsStr>) -> Result<Self> {
        let mut child = Command::new(program()?)
            .args(args)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting tidings")?;
        let stdout = child.stdout.take().context("the server's output")?;
        let stderr = child.stderr.take().context("the server's log")?;
        // From here on an early return ends the process.
        let mut server = Self {
            child,
            url: String::new(),
            log: Arc::default(),
        };
        server.collect(stderr);
        let (send, urls) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("listening on ") {
                    let _ = send.send(url.to_owned());
                }
            }
        });
        server.url = urls
            .recv_timeout(START)
            .with_context(|| format!("tidings does not listen: {}", server.log()))?;
        Ok(server)
    }

    /// The URL of a path on this server: `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The same with a hostname that browsers do not treat as loopback, so that the page is no secure context. Only the
    /// harness's browsers resolve it.
    pub fn insecure_url(&self, path: &str) -> String {
        self.url(path).replacen("127.0.0.1", hostname::HOSTNAME, 1)
    }

    /// The address that it listens on: `127.0.0.1:PORT`.
    pub(crate) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The output on stderr so far.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    /// Sends SIGTERM, and returns the exit status and the log.
    ///
    /// # Errors
    /// When it does not end before the deadline.
    pub async fn terminate(mut self) -> Result<(ExitStatus, String)> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "no process to terminate");
        let status = wait_until("the server to end", async || Ok(self.child.try_wait()?)).await?;
        Ok((status, self.log()))
    }

    /// Its resident memory, in bytes.
    ///
    /// # Errors
    /// When `/proc` does not have it.
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS")
    }

    /// The peak of its resident memory, in bytes.
    ///
    /// # Errors
    /// When `/proc` does not have it.
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM")
    }

    fn status(&self, field: &str) -> Result<u64> {
        let file = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(file).context("the server is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: u64 = kilobytes.with_context(|| status.clone())?.parse()?;
        Ok(kilobytes * 1024)
    }

    fn collect(&self, stderr: impl Read + Send + 'static) {
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program to test: the one that `TIDINGS_BIN` names, or built; once a process.
///
/// # Errors
/// When there is none.
pub fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    found
        .as_deref()
        .map_err(|error| anyhow!("no tidings to test: {error}"))
}

fn find() -> Result<PathBuf> {
    if let Some(given) = env::var_os("TIDINGS_BIN") {
        let given = root().join(given);
        ensure!(given.is_file(), "TIDINGS_BIN: no file {}", given.display());
        return Ok(given);
    }
    // This test is PROFILE/deps/NAME-HASH; the program is PROFILE/tidings.
    let test = env::current_exe().context("where this test lies")?;
    let profile = test.ancestors().nth(2).context("the profile's directory")?;
    let target = profile.parent().context("the target directory")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .args(["build", "--bin", "tidings"]);
    cargo.arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.status().context("starting cargo")?;
    ensure!(built.success(), "cargo build --bin tidings failed");
    Ok(profile.join("tidings"))
}

// A debug build on a machine that compiles something else at the same time.
const START: Duration = Duration::from_secs(20);
