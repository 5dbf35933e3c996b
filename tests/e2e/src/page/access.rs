//! Accessibility: the tree, the violations that axe-core finds, computed names and roles.

use std::fs;
use std::sync::OnceLock;

use anyhow::Context;
use anyhow::Result;
use anyhow::anyhow;
use fantoccini::Locator;
use fantoccini::elements::Element;
use serde_json::Value;
use serde_json::json;

use super::Page;
use super::Tree;
use super::command::Computed;
use super::with_deadline;
use crate::root;

impl Page {
    /// The current accessibility tree. Chromium only.
    ///
    /// # Errors
    /// When the browser does not respond, or is not Chromium.
    pub async fn tree(&self) -> Result<Tree> {
        let answer = self.cdp("Accessibility.getFullAXTree", json!({})).await?;
        Ok(Tree::read(&answer))
    }

    /// The violations that axe-core finds in the page, open shadow roots included, as `rule: target`.
    ///
    /// # Errors
    /// When `npm ci` has not been run in `tests/spa`, or the script fails.
    pub async fn axe(&self) -> Result<Vec<String>> {
        // In one script with the call: nothing is left on the page, and its policy does not apply.
        let script = format!("{}\n{AXE}", axe()?);
        let found =
            with_deadline("axe-core", self.client.execute_async(&script, Vec::new())).await?;
        let found: Vec<_> = found
            .as_array()
            .with_context(|| format!("axe-core: {found}"))?
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        Ok(found)
    }

    /// The elements that `css` selects in the shadow root of the element `host`; none while there is no host.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn in_shadow(&self, host: &str, css: &str) -> Result<Vec<Element>> {
        let hosts = with_deadline(host, self.client.find_all(Locator::Css(host))).await?;
        let Some(host) = hosts.first() else {
            return Ok(Vec::new());
        };
        let shadow = with_deadline("its shadow root", host.shadow_root()).await?;
        with_deadline(css, shadow.find_all(Locator::Css(css))).await
    }

    /// The accessible name of an element, as the browser computes it.
    ///
    /// # Errors
    /// When the element is gone.
    pub async fn label(&self, element: &Element) -> Result<String> {
        self.computed("label", element).await
    }

    /// The role of an element, as the browser computes it.
    ///
    /// # Errors
    /// When the element is gone.
    pub async fn role(&self, element: &Element) -> Result<String> {
        self.computed("role", element).await
    }

    async fn computed(&self, what: &'static str, element: &Element) -> Result<String> {
        let element = element.element_id().to_string();
        let answer = self.client.issue_cmd(Computed { what, element });
        let answer = with_deadline(what, answer).await?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}

/// The script of axe-core, read once a process.
fn axe() -> Result<&'static str> {
    static SCRIPT: OnceLock<Result<String, String>> = OnceLock::new();
    let path = root().join("tests/spa/node_modules/axe-core/axe.min.js");
    let script = SCRIPT.get_or_init(|| {
        fs::read_to_string(&path).map_err(|error| {
            let path = path.display();
            format!("{path}: {error}: run `npm ci` in tests/spa")
        })
    });
    script.as_deref().map_err(|error| anyhow!("{error}"))
}

const AXE: &str = "
    const done = arguments[arguments.length - 1];
    (window.axe ?? axe).run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => done(violations.flatMap(({ id, nodes }) =>
            nodes.map(({ target }) => `${id}: ${target.flat().join(' ')}`))),
        (error) => done(`${error}`),
    );
";
