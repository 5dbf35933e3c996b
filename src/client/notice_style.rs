//! The style of the notice.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;

/// The style of the notice about a new release.
///
/// ```
/// use tidings::NoticeStyle;
///
/// assert_eq!("bar".parse::<NoticeStyle>()?, NoticeStyle::Bar);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeStyle {
    /// A small card in a corner or at an edge.
    #[default]
    Toast,
    /// A bar over the whole width.
    Bar,
    /// A dialog that has to be answered.
    Modal,
    /// No notice. The page still gets the events of the client.
    None,
}

impl NoticeStyle {
    /// The name, as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toast => "toast",
            Self::Bar => "bar",
            Self::Modal => "modal",
            Self::None => "none",
        }
    }
}

impl FromStr for NoticeStyle {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Self::Toast, Self::Bar, Self::Modal, Self::None];
        let found = all.into_iter().find(|style| style.as_str() == name);
        found.ok_or_else(|| {
            Error::new(Kind::InvalidValue {
                value: name.to_owned(),
                expected: "toast, bar, modal or none",
            })
        })
    }
}

impl fmt::Display for NoticeStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
