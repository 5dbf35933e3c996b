//! The engines that a test runs in, and the capabilities of each.

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

/// A browser engine. `ENGINES` (names separated by commas or spaces) selects some; without it all are selected.
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
    /// All engines.
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// The engines to test, in the order of [`Engine::ALL`].
    ///
    /// # Errors
    /// When `ENGINES` names something else, or none.
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
            bail!("ENGINES names no engine");
        }
        Ok(chosen)
    }

    /// Its name in `ENGINES`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Whether [`Page::set_screen`](crate::Page::set_screen) can set its colour scheme.
    pub fn supports_dark_scheme(self) -> bool {
        // MiniBrowser takes it from the desktop, and there is none.
        self != Self::WebKit
    }

    /// Whether [`Page::set_languages`](crate::Page::set_languages) can set its languages.
    pub fn supports_languages(self) -> bool {
        // WebKitGTK takes them from the locale, which would have to be installed.
        self != Self::WebKit
    }

    /// Whether a tab is hidden while another one is in front.
    pub fn hides_background_tabs(self) -> bool {
        // In WebKit a second tab is a second window: MiniBrowser never shows a tab that WebDriver has opened.
        self != Self::WebKit
    }

    /// Whether its back/forward cache keeps a page that has an event stream or held a lock.
    pub fn caches_pages_with_streams(self) -> bool {
        // Firefox decides before `pagehide` has closed the stream.
        self != Self::Firefox
    }

    /// Reports on the real stderr that a test or a part of it is skipped.
    pub fn skip(self, why: &str) {
        // Not by `eprintln!`, whose output is shown for failed tests only.
        let _ = writeln!(io::stderr(), "skipped in {self}: {why}");
    }

    /// The driver, with the arguments that make it listen on a port of the loopback interface.
    pub(crate) fn driver(self, port: u16) -> Result<(PathBuf, Vec<String>)> {
        let equals = format!("--port={port}");
        let (program, package, args) = match self {
            Self::Chromium => ("chromedriver", "chromium-driver", vec![equals]),
            Self::Firefox => {
                // The colours, the size and the languages of a tab can be set in the chrome context.
                let args = format!("--host 127.0.0.1 --port {port} --allow-system-access");
                let args = args.split(' ').map(str::to_owned).collect();
                ("geckodriver", "none, but `tests/run` builds one", args)
            }
            Self::WebKit => ("WebKitWebDriver", "webkit2gtk-driver", vec![equals]),
        };
        Ok((find(program, package)?, args))
    }

    /// The capabilities of a session. `proxy` is the `HOST:PORT` of the forward proxy of the tests.
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
                // With the capability, one MiniBrowser in eight crashes on start, and its driver waits for ever.
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

/// A program on the `PATH`, or in `target/tools/bin`, for those without a Debian package.
pub(crate) fn find(program: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([root().join("target/tools/bin")])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .with_context(|| format!("there is no {program} on the PATH (Debian package: {package})"))
}

/// The browser of `libwebkit2gtk`: not on the `PATH`, and in a directory named after the architecture.
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
        // A new profile requests news, experiments, lists and updates, all through the forward proxy.
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
    // Chromium does not start as root otherwise, and CI runs as root. It loads only pages of the tests.
    "--no-sandbox",
    // The pipe closes when the driver ends, for whatever reason; then the browser ends too.
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
