//! A chromedriver, and the browser sessions that it starts.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use fantoccini::Client;
use fantoccini::ClientBuilder;
use fantoccini::wd::Capabilities;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;

/// A running chromedriver. Dropping it ends it and the browsers that it started.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    port: u16,
    // The browsers' profiles; declared last, so that it goes when they are gone.
    _profiles: TempDir,
}

impl Driver {
    /// The driver that all tests of this process share. It lives as long as anybody holds it.
    ///
    /// # Errors
    /// When there is no `chromedriver` on the `PATH`, or it does not start.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Weak<Driver>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let driver = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&driver);
        Ok(driver)
    }

    /// Opens a browser with a fresh profile.
    ///
    /// # Errors
    /// When the browser does not come up in time.
    pub async fn session(&self) -> Result<Client> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connect = builder.capabilities(capabilities()).connect(&url);
        timeout(START, connect)
            .await
            .context("the browser does not come up")?
            .context("opening a browser session")
    }

    fn start() -> Result<Self> {
        let profiles = TempDir::new().context("a place for browser profiles")?;
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", profiles.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting chromedriver (Debian: apt-get install chromium-driver)")?;
        let stdout = child.stdout.take().context("chromedriver's output")?;
        // From here on an early return ends the process.
        let mut driver = Self {
            child,
            port: 0,
            _profiles: profiles,
        };
        let (send, ports) = mpsc::channel();
        thread::spawn(move || {
            // Read to the end: a driver that can't print stops working.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(port) = port(&line) {
                    let _ = send.send(port);
                }
            }
        });
        driver.port = ports
            .recv_timeout(START)
            .context("chromedriver does not say its port")?;
        Ok(driver)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browsers hang on a pipe to the driver, and end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ChromeDriver was started successfully on port 41235.`
fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

fn capabilities() -> Capabilities {
    let options = json!({ "args": ARGS });
    Capabilities::from_iter([
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), options),
    ])
}

// A cold start on a machine that compiles something else at the same time.
const START: Duration = Duration::from_secs(40);

const ARGS: [&str; 12] = [
    "--headless",
    // Chromium does not start as root otherwise, and CI is root. It sees only pages that the tests made.
    "--no-sandbox",
    // Its end of the pipe closes when the driver ends, however it ends; then the browser ends too.
    "--remote-debugging-pipe",
    "--window-size=1280,800",
    "--lang=en-US",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];
