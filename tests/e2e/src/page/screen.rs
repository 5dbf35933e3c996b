//! The screen and the preferences of the visitor: size, colours, languages; and screenshots.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use serde_json::Value;
use serde_json::json;

use super::Page;
use super::command::Context;
use super::with_deadline;
use crate::engine::Engine;
use crate::root;
use crate::wait::wait_until;

/// The screen that is emulated.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// A phone's narrow, dense touch screen, or a desktop window.
    pub phone: bool,
    /// Whether the preferred colour scheme is dark.
    pub dark: bool,
}

impl Page {
    /// Emulates a screen until the next call, also across reloads. `WebKit` makes the phone a little too wide.
    ///
    /// # Errors
    /// When the browser fails to, or [does not support](Engine::supports_dark_scheme) a dark scheme.
    pub async fn set_screen(&self, screen: Screen) -> Result<()> {
        let (width, height, density) = if screen.phone { PHONE } else { DESKTOP };
        let scheme = if screen.dark { "dark" } else { "light" };
        match self.engine() {
            Engine::Chromium => {
                let screen = json!({
                    "width": width,
                    "height": height,
                    "deviceScaleFactor": density,
                    "mobile": screen.phone,
                });
                self.cdp("Emulation.setDeviceMetricsOverride", screen)
                    .await?;
                let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
                let media = json!({ "features": [scheme] });
                self.cdp("Emulation.setEmulatedMedia", media).await?;
            }
            Engine::Firefox => {
                let screen = json!([width, height, density, scheme]);
                self.run_in_chrome_context(FIREFOX_SCREEN, screen).await?;
            }
            Engine::WebKit => {
                ensure!(!screen.dark, "WebKit supports no dark scheme");
                let size = self.client.set_window_rect(0, 0, width, height);
                with_deadline("a size", size).await?;
            }
        }
        Ok(())
    }

    /// Emulates forced colours, as in a high-contrast theme, until the next [`Page::set_screen`]. Chromium only.
    ///
    /// # Errors
    /// When the browser fails to, or is not Chromium.
    pub async fn force_colors(&self) -> Result<()> {
        let forced = json!({ "name": "forced-colors", "value": "active" });
        let media = json!({ "features": [forced] });
        self.cdp("Emulation.setEmulatedMedia", media)
            .await
            .map(drop)
    }

    /// Sets the languages of the browser, in order of preference, such as `zh-CN,zh`. For pages loaded from now on.
    ///
    /// # Errors
    /// When the browser fails to, or [does not support it](Engine::supports_languages).
    pub async fn set_languages(&self, wanted: &str) -> Result<()> {
        match self.engine() {
            Engine::Chromium => {
                let agent = self.eval("return navigator.userAgent").await?;
                let languages = json!({ "userAgent": agent, "acceptLanguage": wanted });
                self.cdp("Network.setUserAgentOverride", languages).await?;
            }
            Engine::Firefox => {
                let script = "Services.prefs.setStringPref('intl.accept_languages', arguments[0])";
                self.run_in_chrome_context(script, json!([wanted])).await?;
            }
            Engine::WebKit => bail!("WebKit supports no other languages"),
        }
        Ok(())
    }

    /// Turns Save-Data on. Chromium only.
    ///
    /// # Errors
    /// When the browser fails to.
    pub async fn enable_save_data(&self) -> Result<()> {
        let saves = json!({ "dataSaverEnabled": true });
        self.cdp("Emulation.setDataSaverOverride", saves)
            .await
            .map(drop)
    }

    /// Writes a screenshot to `target/screenshots/NAME.png`, once no animation is running. For engines other than
    /// Chromium, NAME has the engine's name in front.
    ///
    /// # Errors
    /// When there is no screenshot, or it can't be written.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        self.wait_for_animations().await?;
        let png = with_deadline("a screenshot", self.client.screenshot()).await?;
        let dir = root().join("target/screenshots");
        let path = match self.engine() {
            Engine::Chromium => dir.join(format!("{name}.png")),
            engine => dir.join(format!("{engine}-{name}.png")),
        };
        fs::create_dir_all(path.parent().unwrap_or(&dir))
            .and_then(|()| fs::write(&path, png))
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Waits until no animation is running, except endless ones.
    pub(crate) async fn wait_for_animations(&self) -> Result<()> {
        wait_until("the animations to end", async || {
            Ok((self.eval(NO_ANIMATIONS).await? == true).then_some(()))
        })
        .await
    }

    /// Runs a script in the chrome context (Firefox).
    async fn run_in_chrome_context(&self, script: &str, args: Value) -> Result<()> {
        let args = args.as_array().cloned().unwrap_or_default();
        with_deadline("the window", self.client.issue_cmd(Context("chrome"))).await?;
        let done = with_deadline("a setting", self.client.execute(script, args)).await;
        with_deadline("the page", self.client.issue_cmd(Context("content"))).await?;
        done.map(drop)
    }
}

// Width and height in CSS pixels, and device pixels for each of them.
const DESKTOP: (u32, u32, u32) = (1280, 800, 1);
const PHONE: (u32, u32, u32) = (390, 844, 2);

// As WebDriver BiDi's `setViewport` does it in Firefox, whose windows can't be as narrow as a phone.
const FIREFOX_SCREEN: &str = "
    const [width, height, density, scheme] = arguments;
    const browser = gBrowser.selectedBrowser;
    for (const name of ['width', 'min-width', 'max-width']) browser.style.setProperty(name, `${width}px`);
    for (const name of ['height', 'min-height', 'max-height']) browser.style.setProperty(name, `${height}px`);
    browser.browsingContext.overrideDPPX = density;
    browser.browsingContext.prefersColorSchemeOverride = scheme;
";

// `getAnimations()` of a document does not include shadow roots.
const NO_ANIMATIONS: &str = "
    const roots = [...document.querySelectorAll('*')].map((element) => element.shadowRoot);
    return [document, ...roots.filter(Boolean)]
        .flatMap((root) => root.getAnimations())
        .every((animation) => animation.playState !== 'running'
            || animation.effect.getComputedTiming().endTime === Infinity);
";
