//! The position of the notice.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Kind;

/// The position of a toast or a bar. Start and end are left and right, except on a page whose direction is right to
/// left.
///
/// ```
/// use tidings::Position;
///
/// assert_eq!("top-end".parse::<Position>()?, Position::TopEnd);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// The lower corner where lines end.
    #[default]
    BottomEnd,
    /// The lower corner where lines start.
    BottomStart,
    /// The middle of the lower edge; for a bar, the lower edge.
    Bottom,
    /// The upper corner where lines end.
    TopEnd,
    /// The upper corner where lines start.
    TopStart,
    /// The middle of the upper edge; for a bar, the upper edge.
    Top,
}

impl Position {
    /// The name, as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BottomEnd => "bottom-end",
            Self::BottomStart => "bottom-start",
            Self::Bottom => "bottom",
            Self::TopEnd => "top-end",
            Self::TopStart => "top-start",
            Self::Top => "top",
        }
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [
            Self::BottomEnd,
            Self::BottomStart,
            Self::Bottom,
            Self::TopEnd,
            Self::TopStart,
            Self::Top,
        ];
        let found = all.into_iter().find(|position| position.as_str() == name);
        found.ok_or_else(|| {
            Error::new(Kind::InvalidValue {
                value: name.to_owned(),
                expected: "bottom-end, bottom-start, bottom, top-end, top-start or top",
            })
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
