//! The keyboard. Its events are trusted, as a visitor's are.

use anyhow::Result;
use fantoccini::Locator;
use fantoccini::actions::InputSource;
use fantoccini::actions::KeyAction;
use fantoccini::actions::KeyActions;

use super::Page;
use super::with_deadline;

/// A key that types no character.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Moves the focus to the next element.
    Tab,
    /// Closes.
    Escape,
    /// Activates the focused element.
    Enter,
}

impl Page {
    /// Presses and releases a key.
    ///
    /// # Errors
    /// When the browser does not respond.
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

    /// Focuses the element that `css` selects, and types into it.
    ///
    /// # Errors
    /// When there is none, or it is not editable.
    pub async fn type_text(&self, css: &str, text: &str) -> Result<()> {
        let element = with_deadline(css, self.client.find(Locator::Css(css))).await?;
        with_deadline("keys", element.send_keys(text)).await
    }
}
