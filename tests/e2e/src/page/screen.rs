//! The screen and the person in front of it: size, colours, languages, and pictures of it.

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

/// What the page is looked at with.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// A phone's narrow, dense touch screen, or a desktop window.
    pub phone: bool,
    /// Whether the person prefers dark colours.
    pub dark: bool,
}

impl Page {
    /// Puts the page on another screen. Holds until the next call, also over reloads. `WebKit` makes the phone a little
    /// wider than it should be.
    ///
    /// # Errors
    /// When the browser refuses, or [can't be dark](Engine::supports_dark_scheme) and should be.
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
                ensure!(!screen.dark, "WebKit can't be made dark");
                let size = self.client.set_window_rect(0, 0, width, height);
                with_deadline("a size", size).await?;
            }
        }
        Ok(())
    }

    /// Has the system decide on the colours, as in a high-contrast theme. Chromium alone does; ends with the next
    /// [`Page::set_screen`].
    ///
    /// # Errors
    /// When the browser refuses, or is not Chromium.
    pub async fn force_colors(&self) -> Result<()> {
        let forced = json!({ "name": "forced-colors", "value": "active" });
        let media = json!({ "features": [forced] });
        self.cdp("Emulation.setEmulatedMedia", media)
            .await
            .map(drop)
    }

    /// Gives the browser other languages, the most wanted first, as in `zh-CN,zh`. For pages loaded from now on.
    ///
    /// # Errors
    /// When the browser refuses, or [can't](Engine::supports_languages).
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
            Engine::WebKit => bail!("WebKit can't be taught languages"),
        }
        Ok(())
    }

    /// Has the person save data from now on. Chromium alone can be told.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn enable_save_data(&self) -> Result<()> {
        let saves = json!({ "dataSaverEnabled": true });
        self.cdp("Emulation.setDataSaverOverride", saves)
            .await
            .map(drop)
    }

    /// Writes what is visible, once nothing moves any more, to `target/screenshots/NAME.png`;
    /// a picture of another engine than Chromium has that engine's name in front.
    ///
    /// # Errors
    /// When there is no picture, or no place for it.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        self.wait_for_animations().await?;
        let picture = with_deadline("a picture", self.client.screenshot()).await?;
        let shelf = root().join("target/screenshots");
        let path = match self.engine() {
            Engine::Chromium => shelf.join(format!("{name}.png")),
            engine => shelf.join(format!("{engine}-{name}.png")),
        };
        fs::create_dir_all(path.parent().unwrap_or(&shelf))
            .and_then(|()| fs::write(&path, picture))
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Waits until no animation runs, but for endless ones.
    pub(crate) async fn wait_for_animations(&self) -> Result<()> {
        wait_until("the page to be still", async || {
            Ok((self.eval(NO_ANIMATIONS).await? == true).then_some(()))
        })
        .await
    }

    /// Runs a script in the window around the page (Firefox).
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

// What WebDriver BiDi's `setViewport` does inside Firefox, whose windows can't be as narrow as a phone.
const FIREFOX_SCREEN: &str = "
    const [width, height, density, scheme] = arguments;
    const browser = gBrowser.selectedBrowser;
    for (const name of ['width', 'min-width', 'max-width']) browser.style.setProperty(name, `${width}px`);
    for (const name of ['height', 'min-height', 'max-height']) browser.style.setProperty(name, `${height}px`);
    browser.browsingContext.overrideDPPX = density;
    browser.browsingContext.prefersColorSchemeOverride = scheme;
";

// `getAnimations()` of a document does not see into shadow roots.
const NO_ANIMATIONS: &str = "
    const roots = [...document.querySelectorAll('*')].map((element) => element.shadowRoot);
    return [document, ...roots.filter(Boolean)]
        .flatMap((root) => root.getAnimations())
        .every((animation) => animation.playState !== 'running'
            || animation.effect.getComputedTiming().endTime === Infinity);
";
