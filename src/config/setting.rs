//! What a front end needs to know about a setting.

use crate::config::value::Shape;
use crate::error::Key;

/// The description of a setting, from which front ends make their options, variables and documentation.
///
/// ```
/// use tidings::{Key, Setting};
///
/// let setting = Setting::find(Key::DRAIN).unwrap();
/// assert_eq!(setting.name(), "drain");
/// assert_eq!(setting.default_value().as_deref(), Some("10s"));
/// ```
#[derive(Debug)]
pub struct Setting {
    pub(crate) key: Key,
    pub(crate) group: Group,
    pub(crate) front_end: FrontEnd,
    pub(crate) name: &'static str,
    pub(crate) value_name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) shape: Shape,
}

/// Settings that apply together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// Of every server.
    Server,
    /// Of a site that is served from a directory.
    Directory,
    /// Of a site that is served by upstreams: how their releases are detected.
    Polling,
    /// Of every server that forwards requests, be it by routes.
    Forwarding,
    /// Of what tabs do about a release.
    Notice,
}

/// Where the files of a site come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginKind {
    /// A directory.
    Directory,
    /// Upstreams, which requests are forwarded to.
    Upstreams,
}

/// What sets a setting on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrontEnd {
    /// An option with its name.
    Option,
    /// An argument without a name.
    Argument,
    /// Nothing, since every user of a machine can read command lines: it may be in the environment or in a file.
    Variable,
}

impl Setting {
    /// Its key.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The settings that it belongs to.
    pub fn group(&self) -> Group {
        self.group
    }

    /// What sets it on a command line.
    pub fn front_end(&self) -> FrontEnd {
        self.front_end
    }

    /// Its name as an option, without dashes, or in a variable: `retain-releases`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The placeholder for its value: `TIME`.
    pub fn value_name(&self) -> &'static str {
        self.value_name
    }

    /// Its description, one line with Markdown's backticks around code.
    pub fn help(&self) -> &'static str {
        self.help.trim()
    }

    /// True if it takes any number of values.
    pub fn is_list(&self) -> bool {
        self.shape == Shape::Many
    }

    /// True if it is either on or off.
    pub fn is_switch(&self) -> bool {
        self.shape == Shape::Switch
    }
}

impl Group {
    /// True if the settings apply to a site of this kind.
    pub fn applies_to(self, origin: OriginKind) -> bool {
        match self {
            Self::Server | Self::Forwarding | Self::Notice => true,
            Self::Directory => origin == OriginKind::Directory,
            Self::Polling => origin == OriginKind::Upstreams,
        }
    }
}
