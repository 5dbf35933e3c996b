//! A browser of one's own: the driver, the session, and what they need.

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
    // In the order in which they have to go.
    _driver: ProcessGroup,
    _screen: Option<ProcessGroup>,
    _profile: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts one, as soon as there is a place for it.
    ///
    /// # Errors
    /// When a program is missing, or the browser does not come up in time.
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        let place = PLACES.acquire().await.context("a place for a browser")?;
        let profile = TempDir::new().context("a place for a browser's profile")?;
        let (screen, display) = match engine {
            Engine::WebKit => {
                screen().map(|(process_group, display)| (Some(process_group), display))?
            }
            Engine::Chromium | Engine::Firefox => (None, String::new()),
        };
        // Not every driver can look for one itself and say which it took.
        let port = free_port()?;
        let (program, args) = engine.driver(port)?;
        let log = profile.path().join("driver.log");
        let said = File::create(&log).context("the driver's log")?;
        let complained = said.try_clone().context("the driver's log")?;
        let driver = ProcessGroup::kill_on_drop(&program, |driver| {
            driver.args(args).env("TMPDIR", profile.path());
            driver.env("HOME", profile.path());
            driver
                .env("DISPLAY", &display)
                .env_remove("WAYLAND_DISPLAY");
            // Without it GTK starts a bus and an accessibility registry that stay behind.
            driver.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null");
            driver.stdout(said).stderr(complained);
        })?;
        // WebKitWebDriver never answers if its browser does not start.
        let client = timeout(START, session(engine, port)).await;
        let client = client
            .context("there is no answer")
            .and_then(|answer| answer)
            .with_context(|| {
                let log = fs::read_to_string(&log).unwrap_or_default();
                format!("{engine} does not come up; its driver says: {log}")
            })?;
        Ok(Self {
            engine,
            client,
            _driver: driver,
            _screen: screen,
            _profile: profile,
            _place: place,
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

/// An X server that nobody sees, and the name of its display.
fn screen() -> Result<(ProcessGroup, String)> {
    let program = find("Xvfb", "xvfb")?;
    let mut screen = ProcessGroup::terminate_on_drop(&program, |screen| {
        screen.args(["-displayfd", "1", "-nolisten", "tcp"]);
        screen.args(["-screen", "0", "1280x1024x24"]);
        screen.stdout(Stdio::piped()).stderr(Stdio::null());
    })?;
    let said = screen.stdout().context("the X server's output")?;
    let mut number = String::new();
    BufReader::new(said).read_line(&mut number)?;
    if number.trim().is_empty() {
        bail!("the X server does not start");
    }
    Ok((screen, format!(":{}", number.trim())))
}

// A browser is busy with more than one core while it starts; more at once than this, and they run into deadlines.
static PLACES: Semaphore = Semaphore::const_new(2);

// A cold start on a machine that compiles something else at the same time.
const START: Duration = Duration::from_secs(60);
