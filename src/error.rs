//! The one error of the library: opaque, with a kind and a source.

use std::error::Error as StdError;
use std::fmt;

/// Any error of a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong while something was set up.
///
/// Nothing in the request path returns it: there a problem is an answer, and one line in the log.
pub struct Error {
    kind: Kind,
    source: Option<BoxError>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// A release id that could not stand in an attribute, a path and an event at once.
    InvalidReleaseId(String),
    /// A prefix for the reserved paths that is no path.
    InvalidPrefix(String),
    /// A name for the fallback page that is no path inside the site.
    InvalidFallback(String),
    /// What is no policy, or no path for one.
    InvalidPolicy(String),
    /// What is no way to tell builds apart.
    InvalidFingerprint(String),
    /// What is no path of a page to look at.
    InvalidEntryPage(String),
    /// What is no host.
    InvalidHost(String),
    /// Texts for the notice that can't be read; says why.
    InvalidTexts(String),
    /// An address that is no upstream's.
    InvalidUpstream { upstream: String, why: &'static str },
    /// What is no route.
    InvalidRoute { route: String, why: &'static str },
    /// What does not say which `Host` upstreams see.
    InvalidHostHeader(String),
    /// What is no network.
    InvalidNetwork(String),
    /// Certificates that can't be read; says why.
    InvalidRootCertificate(String),
    /// A secret that could be guessed.
    InvalidSecret,
    /// What is no address to send an announcement to; and why.
    InvalidUrl(String, &'static str),
    /// An announcement that was not answered; says why.
    Announce(String),
    /// Settings that contradict each other or make no sense; the text says which and what to do.
    Config(String),
    /// The listening socket.
    Listen(String),
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn with(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// True if a setting was refused, as against the system refusing something.
    pub fn is_config(&self) -> bool {
        !matches!(self.kind, Kind::Listen(_) | Kind::Announce(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::InvalidReleaseId(id) => write!(
                f,
                "{id:?} is no release id: use 1 to 64 of the characters A-Z a-z 0-9 . _ -"
            ),
            Kind::InvalidPrefix(prefix) => write!(
                f,
                "{prefix:?} is no prefix: it starts with one slash, does not end in one, and has only A-Z a-z 0-9 . _ - /"
            ),
            Kind::InvalidFallback(page) => write!(
                f,
                "{page:?} is no fallback: use auto, none, or the path of an HTML page inside the site"
            ),
            Kind::InvalidPolicy(policy) => write!(
                f,
                "{policy:?} is no policy: use prompt, navigate, idle, force or silent, for some pages after a path that begins with a slash, as in /admin=force"
            ),
            Kind::InvalidFingerprint(choice) => write!(
                f,
                "{choice:?} is no fingerprint: use scripts, etag, header:NAME, or json:/path#key, as in json:/version.json#version"
            ),
            Kind::InvalidEntryPage(page) => write!(
                f,
                "{page:?} is no page to look at: use a path that begins with one slash, as in /admin/"
            ),
            Kind::InvalidHost(host) => {
                write!(
                    f,
                    "{host:?} is no host: use a name, and a port if it needs one, as in example.org:8443"
                )
            }
            Kind::InvalidTexts(why) => write!(
                f,
                "the texts can't be read: {why}; write {{\"de\": {{\"text\": \"…\", \"refresh\": \"…\"}}}}"
            ),
            Kind::InvalidUpstream { upstream, why } => write!(
                f,
                "{upstream:?} is no upstream: {why}; write it like http://127.0.0.1:3000, https://app.example or unix:/run/app.sock"
            ),
            Kind::InvalidRoute { route, why } => write!(
                f,
                "{route:?} is no route: {why}; write it like /api=http://127.0.0.1:9000"
            ),
            Kind::InvalidHostHeader(host) => write!(
                f,
                "{host:?} is no Host: use keep, upstream, or a name like app.example"
            ),
            Kind::InvalidNetwork(network) => write!(
                f,
                "{network:?} is no network: write it like 10.0.0.0/8 or 192.0.2.7, or use loopback or private"
            ),
            Kind::InvalidRootCertificate(why) => write!(
                f,
                "the certificates can't be read: {why}; give the certificate of the authority, in PEM"
            ),
            Kind::InvalidSecret => f.write_str(
                "the secret of the webhook has less than 16 bytes: make one with `openssl rand -hex 32`",
            ),
            Kind::InvalidUrl(url, why) => write!(
                f,
                "{url:?} is no URL to announce at: {why}; write it like https://www.example.com"
            ),
            Kind::Config(text) | Kind::Listen(text) | Kind::Announce(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
