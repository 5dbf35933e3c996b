//! Values of settings: from text or from a configuration file, and back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::client::frames::Frames;
use crate::client::notice_style::NoticeStyle;
use crate::client::position::Position;
use crate::config::page_policy::PagePolicy;
use crate::config::route::Route;
use crate::config::units;
use crate::csp::mode::Csp;
use crate::endpoint::deploys::secret::Secret;
use crate::error::Error;
use crate::error::Kind;
use crate::origin::HostHeader;
use crate::origin::Upstream;
use crate::origin::files::fallback::Fallback;
use crate::source::Fingerprint;
use crate::source::directory::fs_events::WatchMode;

/// A value as it is written: by an option or a variable, always text; in a file, of any of these types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Raw {
    Bool(bool),
    Integer(i64),
    Text(String),
    /// Text that is not Unicode, which only a path can be.
    #[serde(skip)]
    Os(OsString),
    List(Vec<Self>),
    Table(BTreeMap<String, Self>),
}

/// How many values a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// True or false.
    Switch,
    One,
    Many,
}

/// A type of settings.
pub(crate) trait Value: Sized {
    const SHAPE: Shape = Shape::One;

    /// # Errors
    ///
    /// If it is not a value of this type.
    fn from_raw(raw: Raw) -> Result<Self, Error>;

    /// `None` if nothing is set, or if the value must not be written.
    fn to_raw(&self) -> Option<Raw>;
}

impl Raw {
    /// The text; whole numbers count as text.
    fn into_text(self, expected: &'static str) -> Result<String, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Integer(number) => Ok(number.to_string()),
            other => Err(other.invalid(expected)),
        }
    }

    /// The texts of a list; a single text is a list of one.
    fn into_texts(self) -> Result<Vec<String>, Error> {
        match self {
            Self::List(values) => values
                .into_iter()
                .map(|value| value.into_text("a list of texts"))
                .collect(),
            one => Ok(vec![one.into_text("a text, or a list of texts")?]),
        }
    }

    fn invalid(&self, expected: &'static str) -> Error {
        Error::new(Kind::InvalidValue {
            value: self.to_string(),
            expected,
        })
    }
}

impl From<OsString> for Raw {
    fn from(text: OsString) -> Self {
        text.into_string().map_or_else(Self::Os, Self::Text)
    }
}

/// As an option has it; lists with commas.
impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Os(text) => text.display().fmt(f),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                f.write_str(&values.join(","))
            }
            Self::Table(table) => {
                let entries = table.iter().map(|(name, value)| format!("{name}={value}"));
                f.write_str(&entries.collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl Value for bool {
    const SHAPE: Shape = Shape::Switch;

    fn from_raw(raw: Raw) -> Result<Self, Error> {
        match &raw {
            Raw::Bool(value) => Ok(*value),
            Raw::Text(text) if matches!(text.as_str(), "true" | "1" | "yes" | "on") => Ok(true),
            Raw::Text(text) if matches!(text.as_str(), "false" | "0" | "no" | "off") => Ok(false),
            other => Err(other.invalid("true or false")),
        }
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(Raw::Bool(*self))
    }
}

impl Value for usize {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        let invalid = raw.invalid("a whole number");
        let number = raw.into_text("a whole number")?;
        number.parse().map_err(|error| invalid.with(error))
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(match i64::try_from(*self) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Text(self.to_string()),
        })
    }
}

/// A size in bytes.
impl Value for u64 {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        units::parse_size(&raw.into_text("a size such as 64M or 2G")?)
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(Raw::Text(units::format_size(*self)))
    }
}

impl Value for Duration {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        units::parse_duration(&raw.into_text("a time such as 200ms, 10s or 2m")?)
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(Raw::Text(units::format_duration(*self)))
    }
}

impl Value for String {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        raw.into_text("a text")
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(Raw::Text(self.clone()))
    }
}

impl Value for PathBuf {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        let path = match raw {
            Raw::Os(path) => path,
            other => other.into_text("a path")?.into(),
        };
        if path.is_empty() {
            return Err(Raw::Os(path).invalid("a path"));
        }
        Ok(path.into())
    }

    fn to_raw(&self) -> Option<Raw> {
        Some(self.clone().into_os_string().into())
    }
}

impl Value for Secret {
    fn from_raw(raw: Raw) -> Result<Self, Error> {
        match raw {
            Raw::Text(text) => Self::new(text),
            Raw::Os(text) => Self::new(text.as_encoded_bytes()),
            // Not shown: it may be most of the secret.
            _ => Err(Error::new(Kind::InvalidSecret)),
        }
    }

    /// A secret is never written.
    fn to_raw(&self) -> Option<Raw> {
        None
    }
}

impl<T: Value> Value for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn from_raw(raw: Raw) -> Result<Self, Error> {
        T::from_raw(raw).map(Some)
    }

    fn to_raw(&self) -> Option<Raw> {
        self.as_ref().and_then(T::to_raw)
    }
}

/// Texts in a list; tables by path, with an address or a list of addresses, in a file.
impl Value for Vec<Route> {
    const SHAPE: Shape = Shape::Many;

    fn from_raw(raw: Raw) -> Result<Self, Error> {
        match raw {
            Raw::Table(table) => table
                .into_iter()
                .map(|(path, addresses)| Route::new(&path, &addresses.into_texts()?))
                .collect(),
            other => Route::parse_all(&other.into_texts()?),
        }
    }

    fn to_raw(&self) -> Option<Raw> {
        let routes = self.iter().map(|route| {
            let mut addresses: Vec<_> = route.addresses().map(Raw::Text).collect();
            let addresses = match addresses.len() {
                1 => addresses.remove(0),
                _ => Raw::List(addresses),
            };
            (route.path().to_owned(), addresses)
        });
        (!self.is_empty()).then(|| Raw::Table(routes.collect()))
    }
}

/// Types with `FromStr` and `Display`.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn from_raw(raw: Raw) -> Result<Self, Error> {
                raw.into_text("a text")?.parse()
            }

            fn to_raw(&self) -> Option<Raw> {
                Some(Raw::Text(self.to_string()))
            }
        }
    )+};
}

/// Lists of types with `FromStr` and `Display`.
macro_rules! lists {
    ($($type:ty),+) => {$(
        impl Value for Vec<$type> {
            const SHAPE: Shape = Shape::Many;

            fn from_raw(raw: Raw) -> Result<Self, Error> {
                let texts = raw.into_texts()?;
                texts.into_iter().map(|text| text.parse::<$type>()).collect()
            }

            fn to_raw(&self) -> Option<Raw> {
                let texts = self.iter().map(|value| Raw::Text(value.to_string()));
                (!self.is_empty()).then(|| Raw::List(texts.collect()))
            }
        }
    )+};
}

/// Enumerations of a few words.
macro_rules! choices {
    ($($type:ty, $expected:literal { $($word:literal => $value:path),+ })+) => {$(
        impl Value for $type {
            fn from_raw(raw: Raw) -> Result<Self, Error> {
                match &raw {
                    $(Raw::Text(word) if word == $word => Ok($value),)+
                    other => Err(other.invalid($expected)),
                }
            }

            fn to_raw(&self) -> Option<Raw> {
                let word = match self {
                    $($value => $word,)+
                };
                Some(Raw::Text(word.to_owned()))
            }
        }
    )+};
}

texts!(Fallback, Fingerprint, HostHeader, NoticeStyle, Position);

lists!(PagePolicy, Upstream);

choices! {
    Csp, "keep or amend" { "keep" => Csp::Keep, "amend" => Csp::Amend }
    WatchMode, "native or poll" { "native" => WatchMode::Native, "poll" => WatchMode::Poll }
    Frames, "quiet or notice" { "quiet" => Frames::Quiet, "notice" => Frames::Notice }
}

impl Value for Vec<String> {
    const SHAPE: Shape = Shape::Many;

    fn from_raw(raw: Raw) -> Result<Self, Error> {
        raw.into_texts()
    }

    fn to_raw(&self) -> Option<Raw> {
        let texts = self.iter().cloned().map(Raw::Text);
        (!self.is_empty()).then(|| Raw::List(texts.collect()))
    }
}
