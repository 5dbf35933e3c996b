//! A tab, and what can be done and seen in it.

mod command;
mod screen;

use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use fantoccini::Client;
use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WindowHandle;
use serde_json::Value;
use serde_json::json;
use tokio::time::timeout;

use crate::ax::Tree;
use crate::driver::Driver;
use crate::wait::until;

use command::DevTools;
use command::Label;
pub use screen::Look;

/// A tab of a browser session. With a second one open, call [`Page::front`] before using the other.
#[derive(Debug)]
pub struct Page {
    client: Client,
    window: WindowHandle,
}

impl Page {
    /// Opens a browser of its own, with one empty tab.
    ///
    /// # Errors
    /// When the browser does not come up.
    pub async fn open(driver: &Driver) -> Result<Self> {
        Self::begin(driver.session().await?).await
    }

    /// Opens another tab in the same browser, and brings it to the front.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn second_tab(&self) -> Result<Self> {
        let client = self.client.clone();
        let tab = ask("a new tab", client.new_window(true)).await?;
        ask("the new tab", client.switch_to_window(tab.handle)).await?;
        Self::begin(client).await
    }

    async fn begin(client: Client) -> Result<Self> {
        let window = ask("the tab's handle", client.window()).await?;
        let page = Self { client, window };
        let watch = json!({ "source": WATCH });
        page.cdp("Page.addScriptToEvaluateOnNewDocument", watch)
            .await?;
        Ok(page)
    }

    /// Makes this the tab that the commands of its browser go to.
    ///
    /// # Errors
    /// When the tab is gone.
    pub async fn front(&self) -> Result<()> {
        let tab = self.window.clone();
        ask("the tab", self.client.switch_to_window(tab)).await?;
        self.cdp("Page.bringToFront", json!({})).await.map(drop)
    }

    /// Ends the browser with all its tabs.
    ///
    /// # Errors
    /// When the driver does not answer.
    pub async fn close(&self) -> Result<()> {
        ask("the end", self.client.clone().close()).await
    }

    /// Loads a page.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn goto(&self, url: &str) -> Result<()> {
        ask(url, self.client.goto(url)).await
    }

    /// Clicks the element that `css` selects.
    ///
    /// # Errors
    /// When there is none, or another one lies above it.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = ask(css, self.client.find(Locator::Css(css))).await?;
        ask("a click", element.click()).await
    }

    /// Waits until the element that `css` selects shows a text with `part` in it.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn shows(&self, css: &str, part: &str) -> Result<()> {
        until(&format!("{css} to show {part:?}"), async || {
            let element = ask(css, self.client.find(Locator::Css(css))).await?;
            let text = ask("its text", element.text()).await?;
            Ok(text.contains(part).then_some(()))
        })
        .await
    }

    /// Runs a script in the page; it may `return` a value, or a promise of one.
    ///
    /// # Errors
    /// When the script throws.
    pub async fn eval(&self, script: &str) -> Result<Value> {
        ask("a script", self.client.execute(script, Vec::new())).await
    }

    /// What the page's own server answers for a path; nothing unless the status is 200.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn fetch(&self, path: &str) -> Result<Option<String>> {
        let answer = self.client.execute(FETCH, vec![json!(path)]);
        let answer = ask("a fetch", answer).await?;
        Ok(answer.as_str().map(str::to_owned))
    }

    /// The accessibility tree as it is now.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn tree(&self) -> Result<Tree> {
        let answer = self.cdp("Accessibility.getFullAXTree", json!({})).await?;
        Ok(Tree::read(&answer))
    }

    /// The details of the `tidings:update` events that this document has seen, none missed.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn updates(&self) -> Result<Vec<Value>> {
        let seen = self.eval("return window.seen.updates").await?;
        Ok(seen.as_array().cloned().unwrap_or_default())
    }

    /// What broke this document's content security policy: the directive, and what it blocked.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn violations(&self) -> Result<Vec<Value>> {
        let seen = self.eval("return window.seen.violations").await?;
        Ok(seen.as_array().cloned().unwrap_or_default())
    }

    /// The elements that `css` selects in the shadow root of the element `host`; none while there is no host.
    pub(crate) async fn in_shadow(&self, host: &str, css: &str) -> Result<Vec<Element>> {
        let hosts = ask(host, self.client.find_all(Locator::Css(host))).await?;
        let Some(host) = hosts.first() else {
            return Ok(Vec::new());
        };
        let shadow = ask("its shadow root", host.shadow_root()).await?;
        ask(css, shadow.find_all(Locator::Css(css))).await
    }

    /// The accessible name of an element, as the browser computed it.
    pub(crate) async fn label(&self, element: &Element) -> Result<String> {
        let label = Label(element.element_id().to_string());
        let label = ask("a label", self.client.issue_cmd(label)).await?;
        Ok(label.as_str().unwrap_or_default().to_owned())
    }

    /// Sends a command of the DevTools protocol.
    async fn cdp(&self, cmd: &'static str, params: Value) -> Result<Value> {
        let command = DevTools { cmd, params };
        ask(cmd, self.client.issue_cmd(command)).await
    }
}

/// Asks the browser for something, and not for ever.
pub(crate) async fn ask<T>(
    what: &str,
    answer: impl Future<Output = Result<T, CmdError>>,
) -> Result<T> {
    timeout(ANSWER, answer)
        .await
        .with_context(|| format!("the browser does not answer: {what}"))?
        .with_context(|| format!("asking the browser for {what}"))
}

// Longer than any answer takes, short enough that a hanging browser fails its own test only.
const ANSWER: Duration = Duration::from_secs(15);

// Runs in every document before any script of the page, so that no event is missed.
const WATCH: &str = "
    window.seen = { updates: [], violations: [] };
    addEventListener('tidings:update', (event) => seen.updates.push(event.detail ?? null));
    document.addEventListener('securitypolicyviolation', (event) =>
        seen.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
";

const FETCH: &str = "
    return fetch(arguments[0], { cache: 'no-store' })
        .then((answer) => (answer.status === 200 ? answer.text() : null));
";
