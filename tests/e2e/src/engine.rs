//! The engines that a test runs in, and what is known of each.

use std::env;
use std::fmt;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use fantoccini::wd::Capabilities;
use serde_json::Value;
use serde_json::json;

use crate::root;

/// A browser engine. `ENGINES` (names between commas or spaces) chooses some; without it all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chromium, by chromedriver.
    Chromium,
    /// Firefox ESR, by geckodriver.
    Firefox,
    /// `WebKitGTK`, by `WebKitWebDriver`, on an X server of its own.
    WebKit,
}

impl Engine {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// Those that are to be tested, in the order of [`Engine::ALL`].
    ///
    /// # Errors
    /// When `ENGINES` names something else, or nothing.
    pub fn selected() -> Result<Vec<Self>> {
        let Some(names) = env::var_os("ENGINES") else {
            return Ok(Self::ALL.to_vec());
        };
        let names = names.to_str().context("ENGINES is no text")?;
        let names: Vec<_> = names
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .collect();
        for name in &names {
            if !Self::ALL.iter().any(|engine| engine.name() == *name) {
                bail!("ENGINES: {name} is none of chromium, firefox, webkit");
            }
        }
        let chosen = Self::ALL.iter().filter(|one| names.contains(&one.name()));
        let chosen: Vec<_> = chosen.copied().collect();
        if chosen.is_empty() {
            bail!("ENGINES is there, but names no engine");
        }
        Ok(chosen)
    }

    /// Its name, as `ENGINES` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Whether [`Page::set_screen`](crate::Page::set_screen) can make it prefer dark colours.
    pub fn supports_dark_scheme(self) -> bool {
        // MiniBrowser takes that from the desktop, of which there is none.
        self != Self::WebKit
    }

    /// Whether [`Page::set_languages`](crate::Page::set_languages) can change what it speaks.
    pub fn supports_languages(self) -> bool {
        // WebKitGTK takes that from the locale, which would have to be installed.
        self != Self::WebKit
    }

    /// Whether a tab of it is hidden while another one is in front.
    pub fn hides_background_tabs(self) -> bool {
        // In WebKit a second tab is a second window: MiniBrowser never shows a tab that WebDriver has opened.
        self != Self::WebKit
    }

    /// Whether it keeps a page that has an event stream or held a lock for the way back (bfcache).
    pub fn caches_pages_with_streams(self) -> bool {
        // Firefox decides before `pagehide` has closed the stream.
        self != Self::Firefox
    }

    /// Says, where nothing captures it, that a test or a part of it is left out.
    pub fn skip(self, why: &str) {
        // Not by `eprintln!`: what that writes is shown of failed tests only.
        let _ = writeln!(io::stderr(), "skipped in {self}: {why}");
    }

    /// The driver, with the arguments that make it listen on a port of the loopback interface.
    pub(crate) fn driver(self, port: u16) -> Result<(PathBuf, Vec<String>)> {
        let equals = format!("--port={port}");
        let (program, package, args) = match self {
            Self::Chromium => ("chromedriver", "chromium-driver", vec![equals]),
            Self::Firefox => {
                // The chrome context is where the colours, the size and the languages of a tab can be set.
                let args = format!("--host 127.0.0.1 --port {port} --allow-system-access");
                let args = args.split(' ').map(str::to_owned).collect();
                ("geckodriver", "none, but `tests/run` builds one", args)
            }
            Self::WebKit => ("WebKitWebDriver", "webkit2gtk-driver", vec![equals]),
        };
        Ok((find(program, package)?, args))
    }

    /// What to ask a driver for. `proxy` is the `HOST:PORT` that resolves the names of the tests.
    pub(crate) fn capabilities(self, proxy: &str) -> Result<Capabilities> {
        let manual = json!({ "proxyType": "manual", "httpProxy": proxy });
        let mut all = Capabilities::new();
        let (name, key, options) = match self {
            Self::Chromium => {
                let options = json!({ "args": CHROMIUM });
                ("chrome", "goog:chromeOptions", options)
            }
            Self::Firefox => {
                let binary = find("firefox-esr", "firefox-esr").or_else(|_| find("firefox", ""))?;
                let options =
                    json!({ "binary": binary, "args": ["-headless"], "prefs": firefox() });
                ("firefox", "moz:firefoxOptions", options)
            }
            Self::WebKit => {
                // Told by the capability, one MiniBrowser of eight dies as it starts, and its driver waits for ever.
                let proxy = format!("--proxy=http://{proxy}");
                let args = ["--automation", &proxy, "--ignore-host=127.0.0.1"];
                let options = json!({ "binary": mini_browser()?, "args": args });
                ("MiniBrowser", "webkitgtk:browserOptions", options)
            }
        };
        all.insert("browserName".to_owned(), json!(name));
        all.insert(key.to_owned(), options);
        if self != Self::WebKit {
            all.insert("proxy".to_owned(), manual);
        }
        Ok(all)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// A program on the `PATH`, or where `tests/run` puts what Debian has no package of.
pub(crate) fn find(program: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([root().join("target/tools/bin")])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .with_context(|| format!("there is no {program} on the PATH (Debian package: {package})"))
}

/// The browser of `libwebkit2gtk`: not on the `PATH`, and in a directory named after the machine.
fn mini_browser() -> Result<PathBuf> {
    let machine = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH);
    ["webkit2gtk-4.1", "webkitgtk-6.0", "webkit2gtk-4.0"]
        .iter()
        .map(|version| PathBuf::from(&machine).join(version).join("MiniBrowser"))
        .find(|file| file.is_file())
        .context("there is no MiniBrowser (Debian package: webkit2gtk-driver)")
}

fn firefox() -> Value {
    json!({
        // A new profile asks its maker for news, experiments, lists and updates, all through our proxy.
        "app.normandy.enabled": false,
        "app.update.disabledForTesting": true,
        "browser.region.network.url": "",
        "browser.safebrowsing.update.enabled": false,
        "extensions.getAddons.cache.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        "toolkit.telemetry.enabled": false,
    })
}

const CHROMIUM: [&str; 12] = [
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
