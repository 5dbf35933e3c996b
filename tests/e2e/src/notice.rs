//! The notice, by its roles, accessible names and buttons.

use anyhow::Result;
use anyhow::bail;

use crate::engine::Engine;
use crate::page::Page;
use crate::page::with_deadline;
use crate::wait::wait_until;

/// A visible notice.
#[derive(Debug)]
pub struct Notice {
    /// The announced text.
    pub text: String,
    /// How it is announced: `polite` for the role `status`, `dialog` for `alertdialog`.
    pub live: String,
    /// The accessible names of its buttons, in tab order.
    pub buttons: Vec<String>,
}

impl Page {
    /// Waits for a notice (role `status` or `alertdialog`) whose text contains `part`, and until its animations end.
    ///
    /// # Errors
    /// When there is none before the deadline.
    pub async fn wait_for_notice(&self, part: &str) -> Result<Notice> {
        let (text, live) = wait_until(&format!("a notice with {part:?}"), async || {
            Ok(self.status().await?.filter(|(text, _)| text.contains(part)))
        })
        .await?;
        self.wait_for_animations().await?;
        let mut buttons = Vec::new();
        for button in self.in_shadow(HOST, "button").await? {
            buttons.push(self.label(&button).await?);
        }
        Ok(Notice {
            text,
            live,
            buttons,
        })
    }

    /// Waits until no notice is shown.
    ///
    /// # Errors
    /// When one is still shown at the deadline.
    pub async fn wait_for_no_notice(&self) -> Result<()> {
        wait_until("the notice to go", async || {
            Ok((!self.has_notice().await?).then_some(()))
        })
        .await
    }

    /// Whether a notice with a text or a visible button is shown now.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn has_notice(&self) -> Result<bool> {
        for button in self.in_shadow(HOST, "button").await? {
            if with_deadline("what is visible", button.is_displayed()).await? {
                return Ok(true);
            }
        }
        Ok(self.status().await?.is_some())
    }

    /// Clicks the button of the notice that has this accessible name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn press_button(&self, name: &str) -> Result<()> {
        for button in self.in_shadow(HOST, "button").await? {
            if self.label(&button).await? == name {
                return with_deadline("a click", button.click()).await;
            }
        }
        bail!("the notice has no button {name:?}")
    }

    /// The text of the notice's status, if it has one, and how it is announced.
    async fn status(&self) -> Result<Option<(String, String)>> {
        for status in self.in_shadow(HOST, "[role]").await? {
            let text = with_deadline("its text", status.text()).await?;
            let role = self.role(&status).await?;
            if role == "alertdialog" && !text.is_empty() {
                return Ok(Some((text, "dialog".to_owned())));
            }
            if role != "status" || text.is_empty() {
                continue;
            }
            if self.engine() != Engine::Chromium {
                let live = with_deadline("its politeness", status.attr("aria-live")).await?;
                // What the role implies (WAI-ARIA 1.2, section 5.3.4).
                return Ok(Some((text, live.unwrap_or_else(|| "polite".to_owned()))));
            }
            // Chromium exposes what it passes to a screen reader.
            let tree = self.tree().await?;
            let mut given = tree
                .with_role("status")
                .map(|node| (tree.text(node), node.live.clone()));
            return Ok(given.find(|(given, _)| *given == text));
        }
        Ok(None)
    }
}

/// The element that the client script adds to a page.
const HOST: &str = "tidings-notice";
