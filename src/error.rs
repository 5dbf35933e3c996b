//! The error of the library.

use std::error::Error as StdError;
use std::fmt;

/// Any error of a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The reason why a value, a setting or a server could not be set up. Opaque; see the predicates.
///
/// Nothing in the request path returns it: there, a failure is a response and a line in the log.
///
/// ```
/// use tidings::{Config, Key, Plan};
///
/// let mut config = Config::directory("dist");
/// config.max_streams = 0;
/// let error = Plan::try_from(config).unwrap_err();
/// assert!(error.is_config());
/// assert_eq!(error.key(), Some(Key::MAX_STREAMS));
/// ```
pub struct Error {
    kind: Kind,
    key: Option<Key>,
    source: Option<BoxError>,
}

/// The name of a setting, whatever it was set by: its path in a configuration file, such as `listen` or
/// `notice.snooze`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(&'static str);

#[derive(Debug)]
pub(crate) enum Kind {
    /// A release id that can't be put into an attribute, a path and an event alike.
    InvalidReleaseId(String),
    InvalidPrefix(String),
    InvalidFallback(String),
    /// A policy, or the path of the pages it is for.
    InvalidPolicy(String),
    InvalidFingerprint(String),
    /// A page to poll that is not a path.
    InvalidEntryPage(String),
    InvalidHost(String),
    /// Messages of the notice that can't be parsed, and why.
    InvalidMessages(String),
    InvalidUpstream {
        upstream: String,
        why: &'static str,
    },
    InvalidRoute {
        route: String,
        why: &'static str,
    },
    InvalidHostHeader(String),
    InvalidNetwork(String),
    /// Root certificates that can't be parsed, and why.
    InvalidRootCertificate(String),
    /// A webhook secret that is short enough to be guessed.
    InvalidSecret,
    /// A URL that announcements can't be sent to, and why.
    InvalidUrl(String, &'static str),
    /// A value of any other setting, and what would be valid.
    InvalidValue {
        value: String,
        expected: &'static str,
    },
    /// A name in a configuration that no setting has.
    UnknownKey(String),
    /// A valid value that makes no sense where it is, and why.
    Setting {
        value: String,
        why: String,
    },
    /// Two settings that contradict each other, the second one with its value, and why.
    Conflict {
        value: String,
        other: Key,
        other_value: String,
        why: &'static str,
    },
    /// An announcement without a response, and why.
    Announce(String),
    /// The listening socket, with its address.
    Listen(String),
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            key: None,
            source: None,
        }
    }

    pub(crate) fn with(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, of this setting.
    pub(crate) fn with_key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// The setting at fault, if there is one.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// True if a value or a combination of settings is invalid, as opposed to an error of the system.
    pub fn is_config(&self) -> bool {
        !self.is_listen() && !self.is_announce()
    }

    /// True if the address to listen at could not be bound.
    pub fn is_listen(&self) -> bool {
        matches!(self.kind, Kind::Listen(_))
    }

    /// True if an announcement got no response.
    pub fn is_announce(&self) -> bool {
        matches!(self.kind, Kind::Announce(_))
    }

    /// The message with `name` in place of each key, for a front end with names of its own, such as those of options or
    /// environment variables.
    ///
    /// ```
    /// use tidings::{Config, Plan};
    ///
    /// let mut config = Config::directory("dist");
    /// config.listen = "8080".to_owned();
    /// let error = Plan::try_from(config).unwrap_err();
    /// let message = error.message(|key| key.as_str().to_uppercase());
    /// assert!(message.starts_with("LISTEN: "), "{message}");
    /// ```
    pub fn message(&self, name: impl Fn(Key) -> String) -> String {
        match (self.key, &self.kind) {
            (
                Some(key),
                Kind::Conflict {
                    value,
                    other,
                    other_value,
                    why,
                },
            ) => {
                let (key, other) = (name(key), name(*other));
                let one = format!("{key} {value}");
                let other = format!("{other} {other_value}");
                format!("{} and {}: {why}", one.trim_end(), other.trim_end())
            }
            (Some(key), kind) => format!("{}: {kind}", name(key)),
            (None, kind) => kind.to_string(),
        }
    }
}

impl Key {
    pub(crate) const fn new(path: &'static str) -> Self {
        Self(path)
    }

    /// Its path in a configuration file, with dots between the names of tables.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidReleaseId(id) => write!(
                f,
                "invalid release id {id:?}: use 1 to 64 of the characters A-Z a-z 0-9 . _ -"
            ),
            Self::InvalidPrefix(prefix) => write!(
                f,
                "invalid prefix {prefix:?}: it must start with one slash, not end with one, and have only the characters A-Z a-z 0-9 . _ - /"
            ),
            Self::InvalidFallback(page) => write!(
                f,
                "invalid fallback {page:?}: use auto, none, or the path of an HTML page of the site"
            ),
            Self::InvalidPolicy(policy) => write!(
                f,
                "invalid policy {policy:?}: use prompt, navigate, idle, force or silent, for the pages below a path as in /admin=force"
            ),
            Self::InvalidFingerprint(fingerprint) => write!(
                f,
                "invalid fingerprint {fingerprint:?}: use scripts, etag, header:NAME, or json:/path#key, as in json:/version.json#version"
            ),
            Self::InvalidEntryPage(page) => write!(
                f,
                "invalid page {page:?}: use a path that starts with one slash, as in /admin/"
            ),
            Self::InvalidHost(host) => write!(
                f,
                "invalid host {host:?}: use a name, with a port if needed, as in example.org:8443"
            ),
            Self::InvalidMessages(why) => write!(
                f,
                "invalid messages: {why}; use {{\"de\": {{\"text\": \"…\", \"refresh\": \"…\"}}}}"
            ),
            Self::InvalidUpstream { upstream, why } => write!(
                f,
                "invalid upstream {upstream:?}: {why}; use http://127.0.0.1:3000, https://app.example or unix:/run/app.sock"
            ),
            Self::InvalidRoute { route, why } => write!(
                f,
                "invalid route {route:?}: {why}; use /api=http://127.0.0.1:9000"
            ),
            Self::InvalidHostHeader(host) => write!(
                f,
                "invalid Host {host:?}: use keep, upstream, or a name such as app.example"
            ),
            Self::InvalidNetwork(network) => write!(
                f,
                "invalid network {network:?}: use a network such as 10.0.0.0/8, an address, loopback or private"
            ),
            Self::InvalidRootCertificate(why) => write!(
                f,
                "invalid root certificates: {why}; use certificates of authorities in PEM"
            ),
            Self::InvalidSecret => f.write_str(
                "the secret has less than 16 bytes: create one with `openssl rand -hex 32`",
            ),
            Self::InvalidUrl(url, why) => write!(
                f,
                "invalid URL {url:?}: {why}; use the address of the site, such as https://www.example.com"
            ),
            Self::InvalidValue { value, expected } => {
                write!(f, "invalid value {value:?}: use {expected}")
            }
            Self::UnknownKey(key) => write!(f, "unknown setting {key:?}"),
            Self::Setting { value, why } if value.is_empty() => f.write_str(why),
            Self::Setting { value, why } => write!(f, "{value}: {why}"),
            Self::Conflict { why, .. } => f.write_str(why),
            Self::Announce(text) | Self::Listen(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(|key| key.to_string()))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("key", &self.key)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
