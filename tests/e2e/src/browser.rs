//! A browser with its driver, session, profile and display.

use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use fantoccini::Client;
use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::engine::find;
use crate::hostname;
use crate::port::free_port;
use crate::port::wait_for_listener;
use crate::process_group::ProcessGroup;

/// A running browser with a fresh profile. Dropping it ends it, and its driver.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(crate) engine: Engine,
    pub(crate) client: Client,
    // In the order in which they have to be dropped.
    _driver: ProcessGroup,
    _screen: Option<ProcessGroup>,
    _profile: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts a browser, as soon as fewer than the maximum are running.
    ///
    /// # Errors
    /// When a program is missing, or the browser does not start before the deadline.
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        let permit = BROWSERS.acquire().await.context("a permit for a browser")?;
        let profile = TempDir::new().context("a browser's profile")?;
        let (screen, display) = match engine {
            Engine::WebKit => {
                screen().map(|(process_group, display)| (Some(process_group), display))?
            }
            Engine::Chromium | Engine::Firefox => (None, String::new()),
        };
        // Not every driver can choose a port itself and report it.
        let port = free_port()?;
        let (program, args) = engine.driver(port)?;
        let log = profile.path().join("driver.log");
        let stdout = File::create(&log).context("the driver's log")?;
        let stderr = stdout.try_clone().context("the driver's log")?;
        let driver = ProcessGroup::kill_on_drop(&program, |driver| {
            driver.args(args).env("TMPDIR", profile.path());
            driver.env("HOME", profile.path());
            driver
                .env("DISPLAY", &display)
                .env_remove("WAYLAND_DISPLAY");
            // Without it GTK starts a bus and an accessibility registry that outlive the browser.
            driver.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null");
            driver.stdout(stdout).stderr(stderr);
        })?;
        // WebKitWebDriver never responds if its browser does not start.
        let client = timeout(START, session(engine, port)).await;
        let client = client
            .context("no response")
            .and_then(|client| client)
            .with_context(|| {
                let log = fs::read_to_string(&log).unwrap_or_default();
                format!("{engine} does not start; the driver's log: {log}")
            })?;
        Ok(Self {
            engine,
            client,
            _driver: driver,
            _screen: screen,
            _profile: profile,
            _permit: permit,
        })
    }
}

async fn session(engine: Engine, port: u16) -> Result<Client> {
    timeout(START / 2, wait_for_listener(port))
        .await
        .context("the driver does not listen")?;
    let capabilities = engine.capabilities(&hostname::proxy_address()?)?;
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let client = builder.connect(&format!("http://127.0.0.1:{port}")).await;
    Ok(client?)
}

/// A virtual X server, and the name of its display.
fn screen() -> Result<(ProcessGroup, String)> {
    let program = find("Xvfb", "xvfb")?;
    let mut screen = ProcessGroup::terminate_on_drop(&program, |screen| {
        screen.args(["-displayfd", "1", "-nolisten", "tcp"]);
        screen.args(["-screen", "0", "1280x1024x24"]);
        screen.stdout(Stdio::piped()).stderr(Stdio::null());
    })?;
    let stdout = screen.stdout().context("the X server's output")?;
    let mut number = String::new();
    BufReader::new(stdout).read_line(&mut number)?;
    if number.trim().is_empty() {
        bail!("the X server does not start");
    }
    Ok((screen, format!(":{}", number.trim())))
}

// A browser needs more than one core while it starts; with more at once than this, deadlines are missed.
static BROWSERS: Semaphore = Semaphore::const_new(2);

// A cold start on a machine that compiles something else at the same time.
const START: Duration = Duration::from_secs(60);
