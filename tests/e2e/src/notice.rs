//! The notice, seen as a person sees it: by its roles, its accessible names, and its buttons.

use anyhow::Result;
use anyhow::bail;

use crate::engine::Engine;
use crate::page::Page;
use crate::page::ask;
use crate::wait::until;

/// A notice that a page shows.
#[derive(Debug)]
pub struct Notice {
    /// What is read out.
    pub text: String,
    /// How it is announced: `polite` for a role of `status`; `dialog` for what has to be answered.
    pub live: String,
    /// The accessible names of its buttons, in the order of the Tab key.
    pub buttons: Vec<String>,
}

impl Page {
    /// Waits for a notice (role `status` or `alertdialog`) that says `part`, and until it has come to rest.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn notice(&self, part: &str) -> Result<Notice> {
        let (text, live) = until(&format!("a notice that says {part:?}"), async || {
            Ok(self.status().await?.filter(|(text, _)| text.contains(part)))
        })
        .await?;
        self.still().await?;
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
    /// When one stays.
    pub async fn no_notice(&self) -> Result<()> {
        until("the notice to go", async || {
            Ok((!self.has_notice().await?).then_some(()))
        })
        .await
    }

    /// Whether at this moment a notice says something, or shows a button.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn has_notice(&self) -> Result<bool> {
        for button in self.in_shadow(HOST, "button").await? {
            if ask("what is visible", button.is_displayed()).await? {
                return Ok(true);
            }
        }
        Ok(self.status().await?.is_some())
    }

    /// Clicks the button of the notice that has this accessible name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn press(&self, name: &str) -> Result<()> {
        for button in self.in_shadow(HOST, "button").await? {
            if self.label(&button).await? == name {
                return ask("a click", button.click()).await;
            }
        }
        bail!("the notice has no button {name:?}")
    }

    /// The text of the notice's status, if it has one, and how it is announced.
    async fn status(&self) -> Result<Option<(String, String)>> {
        for status in self.in_shadow(HOST, "[role]").await? {
            let text = ask("its text", status.text()).await?;
            let role = self.role(&status).await?;
            if role == "alertdialog" && !text.is_empty() {
                return Ok(Some((text, "dialog".to_owned())));
            }
            if role != "status" || text.is_empty() {
                continue;
            }
            if self.engine() != Engine::Chromium {
                let live = ask("its politeness", status.attr("aria-live")).await?;
                // What the role implies (WAI-ARIA 1.2, section 5.3.4).
                return Ok(Some((text, live.unwrap_or_else(|| "polite".to_owned()))));
            }
            // Chromium tells what it gives to a screen reader.
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
