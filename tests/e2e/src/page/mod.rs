//! A tab: navigation, waits for its content, and what its document has recorded.

mod access;
mod ax;
mod command;
mod keyboard;
mod screen;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use fantoccini::Client;
use fantoccini::Locator;
use fantoccini::error::CmdError;
use fantoccini::wd::WindowHandle;
use serde_json::Value;
use serde_json::json;
use tokio::time::timeout;

use crate::browser::Browser;
use crate::engine::Engine;
use crate::wait::wait_until;
use crate::watch::WATCH;

pub use ax::Node;
pub use ax::Tree;
use command::DevTools;
pub use keyboard::Key;
pub use screen::Screen;

/// A tab of a browser, which ends with its last tab. With a second one open, call [`Page::bring_to_front`] before using
/// the other.
#[derive(Debug)]
pub struct Page {
    browser: Arc<Browser>,
    client: Client,
    window: WindowHandle,
}

impl Page {
    /// Opens a browser of its own, with one empty tab. It waits until few enough others are open, so a test should
    /// not open two.
    ///
    /// # Errors
    /// When a program is missing, or the browser does not start.
    pub async fn open(engine: Engine) -> Result<Self> {
        let browser = Browser::start(engine).await?;
        let client = browser.client.clone();
        Self::new(Arc::new(browser), client).await
    }

    /// Opens another tab in the same browser, and brings it to the front. In `WebKit` it is a window beside the first.
    ///
    /// # Errors
    /// When the browser fails to.
    pub async fn open_tab(&self) -> Result<Self> {
        let client = self.client.clone();
        let as_tab = self.engine().hides_background_tabs();
        let tab = with_deadline("a new tab", client.new_window(as_tab)).await?;
        with_deadline("the new tab", client.switch_to_window(tab.handle)).await?;
        Self::new(Arc::clone(&self.browser), client).await
    }

    async fn new(browser: Arc<Browser>, client: Client) -> Result<Self> {
        let window = with_deadline("the tab's handle", client.window()).await?;
        let page = Self {
            browser,
            client,
            window,
        };
        page.bring_to_front().await?;
        Ok(page)
    }

    /// The engine that this is a tab of.
    pub fn engine(&self) -> Engine {
        self.browser.engine
    }

    /// Makes this the visible tab, and the one that gets the commands of its browser.
    ///
    /// # Errors
    /// When the tab is closed.
    pub async fn bring_to_front(&self) -> Result<()> {
        let tab = self.window.clone();
        with_deadline("the tab", self.client.switch_to_window(tab)).await?;
        if self.engine() == Engine::Chromium {
            self.cdp("Page.bringToFront", json!({})).await?;
        }
        Ok(())
    }

    /// Closes this tab alone. Before any other command, call [`Page::bring_to_front`] of another one.
    ///
    /// # Errors
    /// When the browser fails to.
    pub async fn close_tab(self) -> Result<()> {
        self.bring_to_front().await?;
        with_deadline("a closed tab", self.client.close_window()).await
    }

    /// Quits the browser with all its tabs.
    ///
    /// # Errors
    /// When the driver does not respond.
    pub async fn close(&self) -> Result<()> {
        with_deadline("the end", self.client.clone().close()).await
    }

    /// Loads a page.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn goto(&self, url: &str) -> Result<()> {
        with_deadline(url, self.client.goto(url)).await?;
        // A site without the watch script (see `Build::v1`) is recorded from here on.
        self.eval(WATCH).await.map(drop)
    }

    /// Clicks the element that `css` selects by a trusted event. In Firefox the page that this leaves is not kept in
    /// the back/forward cache: see [`Page::follow`].
    ///
    /// # Errors
    /// When there is none, or another one covers it.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = with_deadline(css, self.client.find(Locator::Css(css))).await?;
        with_deadline("a click", element.click()).await
    }

    /// Follows the link that `css` selects by a click of a script, soon after this has returned: a `WebDriver` click
    /// adds an unload listener in Firefox, which keeps the page out of the back/forward cache.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn follow(&self, css: &str) -> Result<()> {
        let script = "
            const link = document.querySelector(arguments[0]);
            setTimeout(() => link.click(), link.nodeType * 100);
        ";
        let answer = self.client.execute(script, vec![json!(css)]);
        with_deadline(css, answer).await.map(drop)
    }

    /// Switches to the first frame of the page, until the next [`Page::goto`] or [`Page::bring_to_front`].
    ///
    /// # Errors
    /// When there is none.
    pub async fn enter_frame(&self) -> Result<()> {
        with_deadline("the frame", self.client.enter_frame(0)).await
    }

    /// Goes back in the history by a script, soon after this has returned.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn back(&self) -> Result<()> {
        let back = "setTimeout(() => history.back(), 100)";
        self.eval(back).await.map(drop)
    }

    /// Waits until the text of the element that `css` selects contains `part`.
    ///
    /// # Errors
    /// When it does not before the deadline.
    pub async fn wait_for_text(&self, css: &str, part: &str) -> Result<()> {
        wait_until(&format!("{css} to show {part:?}"), async || {
            let element = with_deadline(css, self.client.find(Locator::Css(css))).await?;
            let text = with_deadline("its text", element.text()).await?;
            Ok(text.contains(part).then_some(()))
        })
        .await
    }

    /// Waits until the tab is at a path. Not by a script: while one runs, Firefox has an unload listener in the page,
    /// and a page left at that moment is not kept in the back/forward cache.
    ///
    /// # Errors
    /// When it is not before the deadline.
    pub async fn wait_for_path(&self, path: &str) -> Result<()> {
        wait_until(&format!("the tab to be at {path}"), async || {
            let at = with_deadline("the address", self.client.current_url()).await?;
            Ok((at.path() == path).then_some(()))
        })
        .await
    }

    /// Runs a script in the page; it may `return` a value, or a promise of one.
    ///
    /// # Errors
    /// When the script throws.
    pub async fn eval(&self, script: &str) -> Result<Value> {
        with_deadline("a script", self.client.execute(script, Vec::new())).await
    }

    /// The body of a path on the page's server; `None` unless the status is 200.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn fetch(&self, path: &str) -> Result<Option<String>> {
        let answer = self.client.execute(FETCH, vec![json!(path)]);
        let answer = with_deadline("a fetch", answer).await?;
        Ok(answer.as_str().map(str::to_owned))
    }

    /// The details of all `tidings:update` events of this document.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn updates(&self) -> Result<Vec<Value>> {
        self.recorded("updates").await
    }

    /// The number of `tidings:withdraw` events of this document.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn withdrawals(&self) -> Result<usize> {
        Ok(self.recorded("withdrawals").await?.len())
    }

    /// The uncaught errors and unhandled rejections of this document.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn errors(&self) -> Result<Vec<Value>> {
        self.recorded("errors").await
    }

    /// The number of documents of this origin that the tab has loaded in a row, reloads included.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn loads(&self) -> Result<u64> {
        let loads = self.eval("return Number(window.name)").await?;
        loads.as_u64().context("the loads are not counted")
    }

    /// The violations of this document's Content-Security-Policy: the directive, and what it blocked.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn violations(&self) -> Result<Vec<Value>> {
        self.recorded("violations").await
    }

    /// How often this document was restored from the back/forward cache.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn returns(&self) -> Result<usize> {
        Ok(self.recorded("returns").await?.len())
    }

    async fn recorded(&self, what: &str) -> Result<Vec<Value>> {
        let seen = self.eval(&format!("return window.seen.{what}")).await?;
        let seen = seen.as_array().cloned();
        seen.with_context(|| format!("{what}: this document is not recorded"))
    }

    /// Sends a command of the DevTools protocol. Chromium only.
    async fn cdp(&self, cmd: &'static str, params: Value) -> Result<Value> {
        let command = DevTools { cmd, params };
        with_deadline(cmd, self.client.issue_cmd(command)).await
    }
}

/// Awaits the response to a command, with a deadline.
pub(crate) async fn with_deadline<T>(
    what: &str,
    answer: impl Future<Output = Result<T, CmdError>>,
) -> Result<T> {
    timeout(COMMAND_TIMEOUT, answer)
        .await
        .with_context(|| format!("the browser does not respond: {what}"))?
        .with_context(|| format!("WebDriver: {what}"))
}

// Longer than any command takes, short enough that a hanging browser fails its own test only.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);

const FETCH: &str = "
    return fetch(arguments[0], { cache: 'no-store' })
        .then((response) => (response.status === 200 ? response.text() : null));
";
