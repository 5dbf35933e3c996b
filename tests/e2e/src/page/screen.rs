//! The screen and the person in front of it: size, colours, languages, and pictures of it.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Result;
use serde_json::json;

use super::Page;
use super::ask;
use crate::root;
use crate::wait::until;

/// What the page is looked at with.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// A phone's narrow, dense touch screen, or a desktop window.
    pub phone: bool,
    /// Whether the person prefers dark colours.
    pub dark: bool,
}

impl Page {
    /// Puts the page on another screen. Holds until the next call, also over reloads.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn look(&self, look: Look) -> Result<()> {
        let (width, height, density) = if look.phone { PHONE } else { DESKTOP };
        let screen = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": density,
            "mobile": look.phone,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", screen)
            .await?;
        let scheme = if look.dark { "dark" } else { "light" };
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        let media = json!({ "features": [scheme] });
        self.cdp("Emulation.setEmulatedMedia", media)
            .await
            .map(drop)
    }

    /// Gives the browser other languages, the most wanted first, as in `zh-CN,zh`. For pages loaded from now on.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn languages(&self, wanted: &str) -> Result<()> {
        let agent = self.eval("return navigator.userAgent").await?;
        let languages = json!({ "userAgent": agent, "acceptLanguage": wanted });
        self.cdp("Network.setUserAgentOverride", languages)
            .await
            .map(drop)
    }

    /// Writes what is visible, once nothing moves any more, to `target/screenshots/NAME.png`.
    ///
    /// # Errors
    /// When there is no picture, or no place for it.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        self.still().await?;
        let picture = ask("a picture", self.client.screenshot()).await?;
        let shelf = root().join("target/screenshots");
        let path = shelf.join(format!("{name}.png"));
        fs::create_dir_all(&shelf)
            .and_then(|()| fs::write(&path, picture))
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Waits until no animation runs, but for endless ones.
    pub(crate) async fn still(&self) -> Result<()> {
        until("the page to be still", async || {
            Ok((self.eval(STILL).await? == true).then_some(()))
        })
        .await
    }
}

// Width and height in CSS pixels, and device pixels for each of them.
const DESKTOP: (u32, u32, u32) = (1280, 800, 1);
const PHONE: (u32, u32, u32) = (390, 844, 2);

// `getAnimations()` of a document does not see into shadow roots.
const STILL: &str = "
    const roots = [...document.querySelectorAll('*')].map((element) => element.shadowRoot);
    return [document, ...roots.filter(Boolean)]
        .flatMap((root) => root.getAnimations())
        .every((animation) => animation.playState !== 'running'
            || animation.effect.getComputedTiming().endTime === Infinity);
";
