//! The keyboard, as a person uses it: what it does is trusted by the page.

use anyhow::Result;
use fantoccini::Locator;
use fantoccini::actions::InputSource;
use fantoccini::actions::KeyAction;
use fantoccini::actions::KeyActions;

use super::Page;
use super::with_deadline;

/// A key that types nothing.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// To what can be focused next.
    Tab,
    /// Away with it.
    Escape,
    /// What is focused is meant.
    Enter,
}

impl Page {
    /// Presses a key, and lets it go.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn press_key(&self, key: Key) -> Result<()> {
        // The WebDriver specification, section 17.4.2.
        let value = match key {
            Key::Tab => '\u{e004}',
            Key::Escape => '\u{e00c}',
            Key::Enter => '\u{e007}',
        };
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        with_deadline("a key", self.client.perform_actions(keys)).await
    }

    /// Types into the element that `css` selects, which takes the focus.
    ///
    /// # Errors
    /// When there is none, or it takes no text.
    pub async fn type_text(&self, css: &str, text: &str) -> Result<()> {
        let element = with_deadline(css, self.client.find(Locator::Css(css))).await?;
        with_deadline("keys", element.send_keys(text)).await
    }
}
