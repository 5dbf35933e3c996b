//! The plan of a server: a configuration that was parsed, and makes sense as a whole.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use http::uri::PathAndQuery;

use crate::client::settings::ClientSettings;
use crate::config::applicability;
use crate::config::route::Route;
use crate::config::settings::Config;
use crate::config::units;
use crate::csp::mode::Csp;
use crate::endpoint::deploys::secret::Secret;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;
use crate::http::prefix::ReservedPrefix;
use crate::origin::HostHeader;
use crate::origin::Proxy;
use crate::origin::Upstream;
use crate::origin::UpstreamService;
use crate::origin::files::fallback::Fallback;
use crate::source::Fingerprint;
use crate::source::directory::fs_events::WatchMode;
use crate::source::upstream::poll_upstream::PollUpstream;

/// What a server is built from: a [`Config`] whose settings were parsed, and were found to make sense together.
///
/// ```
/// use tidings::{Config, Key, Plan};
///
/// let mut config = Config::proxy(["http://127.0.0.1:3000".parse()?]);
/// config.retain_releases = 7;
/// let error = Plan::try_from(config).unwrap_err();
/// assert_eq!(error.key(), Some(Key::RETAIN_RELEASES));
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    /// A host and a port, with a colon in between.
    pub(crate) listen: String,
    pub(crate) h2c: bool,
    pub(crate) max_streams: usize,
    pub(crate) prefix: ReservedPrefix,
    pub(crate) csp: Csp,
    pub(crate) drain: Duration,
    pub(crate) client: ClientSettings,
    pub(crate) webhook: Option<Secret>,
    pub(crate) routes: Vec<(Route, Proxy)>,
    pub(crate) origin: OriginPlan,
}

/// Where the files of the site come from.
#[derive(Debug, Clone)]
pub(crate) enum OriginPlan {
    Directory(DirectoryPlan),
    Upstreams(UpstreamsPlan),
}

/// How a directory is watched and served.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryPlan {
    pub(crate) root: PathBuf,
    pub(crate) retain_releases: usize,
    pub(crate) memory_limit: u64,
    pub(crate) max_memory_file: u64,
    pub(crate) fallback: Fallback,
    pub(crate) debounce: Duration,
    pub(crate) incomplete_after: Duration,
    pub(crate) rescan_interval: Duration,
    pub(crate) watch: WatchMode,
}

/// How requests are forwarded to the upstreams of the site, and how their releases are detected.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamsPlan {
    pub(crate) proxy: Proxy,
    pub(crate) poll_interval: Duration,
    pub(crate) poll_pages: Vec<String>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) poll_host: Option<String>,
    pub(crate) health: Option<HealthPlan>,
}

/// How the upstreams' health is checked.
#[derive(Debug, Clone)]
pub(crate) struct HealthPlan {
    pub(crate) path: String,
    pub(crate) interval: Duration,
}

impl TryFrom<Config> for Plan {
    type Error = Error;

    /// Reads the files that the configuration names, such as that of the secret.
    fn try_from(config: Config) -> Result<Self, Error> {
        applicability::check(&config, config.changed())?;
        check_listen(&config.listen)?;
        if config.max_streams == 0 {
            return Err(invalid(Key::MAX_STREAMS, "0", "the minimum is 1"));
        }
        let prefix = ReservedPrefix::parse(&config.prefix);
        Ok(Self {
            prefix: prefix.map_err(|error| error.with_key(Key::PREFIX))?,
            client: client_settings(&config)?,
            webhook: webhook(&config)?,
            routes: routes(&config)?,
            origin: origin(&config)?,
            listen: config.listen,
            h2c: config.h2c,
            max_streams: config.max_streams,
            csp: config.csp,
            drain: config.drain,
        })
    }
}

fn check_listen(address: &str) -> Result<(), Error> {
    let parts = address.rsplit_once(':');
    if parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Ok(());
    }
    let kind = Kind::InvalidValue {
        value: address.to_owned(),
        expected: "an address such as 127.0.0.1:8080, [::1]:8080 or localhost:8080",
    };
    Err(Error::new(kind).with_key(Key::LISTEN))
}

fn origin(config: &Config) -> Result<OriginPlan, Error> {
    match &config.root {
        Some(root) => directory(config, root).map(OriginPlan::Directory),
        None => upstreams(config).map(OriginPlan::Upstreams),
    }
}

fn directory(config: &Config, root: &Path) -> Result<DirectoryPlan, Error> {
    if root.is_file() {
        let why = "it is a file: use the directory that it is in";
        return Err(invalid(Key::ROOT, root.display().to_string(), why));
    }
    if config.debounce > config.incomplete_after {
        let kind = Kind::Conflict {
            value: units::format_duration(config.debounce),
            other: Key::INCOMPLETE_AFTER,
            other_value: units::format_duration(config.incomplete_after),
            why: "a build would count as incomplete before it is read",
        };
        return Err(Error::new(kind).with_key(Key::DEBOUNCE));
    }
    let rescan_interval = config.rescan_interval;
    at_least(Key::RESCAN_INTERVAL, rescan_interval, MIN_INTERVAL)?;
    Ok(DirectoryPlan {
        root: root.to_owned(),
        retain_releases: config.retain_releases,
        memory_limit: config.memory_limit,
        max_memory_file: config.max_memory_file,
        fallback: config.fallback.clone(),
        debounce: config.debounce,
        incomplete_after: config.incomplete_after,
        rescan_interval,
        watch: config.watch,
    })
}

fn upstreams(config: &Config) -> Result<UpstreamsPlan, Error> {
    at_least(Key::POLL_INTERVAL, config.poll_interval, MIN_POLL_INTERVAL)?;
    let health = match &config.health_path {
        Some(path) => Some(health(path, config.health_interval)?),
        None => None,
    };
    let plan = UpstreamsPlan {
        proxy: proxy(config, &config.upstream)?,
        poll_interval: config.poll_interval,
        poll_pages: config.poll_page.clone(),
        fingerprint: config.fingerprint.clone(),
        poll_host: poll_host(config),
        health,
    };
    // Nothing is left to go wrong when it is made again, for a site.
    plan.poll(&plan.proxy)?;
    Ok(plan)
}

/// The `Host` of polls: one of their own, or the one that upstreams always receive.
fn poll_host(config: &Config) -> Option<String> {
    let fixed = match &config.upstream_host {
        HostHeader::Name(name) => Some(name.to_string()),
        _ => None,
    };
    config.poll_host.clone().or(fixed)
}

fn health(path: &str, interval: Duration) -> Result<HealthPlan, Error> {
    if !path.starts_with('/') || path.parse::<PathAndQuery>().is_err() {
        let kind = Kind::InvalidValue {
            value: path.to_owned(),
            expected: "a path such as /healthz",
        };
        return Err(Error::new(kind).with_key(Key::HEALTH_PATH));
    }
    at_least(Key::HEALTH_INTERVAL, interval, MIN_INTERVAL)?;
    Ok(HealthPlan {
        path: path.to_owned(),
        interval,
    })
}

impl UpstreamsPlan {
    /// The source of releases, which polls each upstream of `proxy` by itself.
    pub(crate) fn poll(&self, proxy: &Proxy) -> Result<PollUpstream<UpstreamService>, Error> {
        let pages = self.poll_pages.iter().map(String::as_str);
        let source = PollUpstream::new(proxy.upstream_services())
            .poll_interval(self.poll_interval)
            .addresses(proxy.upstream_addresses())
            .pages(pages)
            .map_err(|error| error.with_key(Key::POLL_PAGE))?
            .fingerprint(self.fingerprint.clone());
        match &self.poll_host {
            Some(host) => source
                .host(host)
                .map_err(|error| error.with_key(Key::POLL_HOST)),
            None => Ok(source),
        }
    }
}

fn routes(config: &Config) -> Result<Vec<(Route, Proxy)>, Error> {
    // Wrong settings are errors even where nothing is forwarded.
    proxy(config, &["http://localhost".parse()?])?;
    let reserved = format!("{}/", config.prefix);
    let mut routes: Vec<(Route, Proxy)> = Vec::new();
    for route in &config.routes {
        let path = route.path();
        let folder = format!("{}/", path.trim_end_matches('/'));
        if reserved.starts_with(&folder) || folder.starts_with(&reserved) {
            let why = format!("the paths below {} are reserved", config.prefix);
            return Err(invalid(Key::ROUTES, path, why));
        }
        if routes.iter().any(|(other, _)| other.path() == path) {
            return Err(invalid(
                Key::ROUTES,
                path,
                "there are two routes with this path",
            ));
        }
        routes.push((route.clone(), proxy(config, route.upstreams())?));
    }
    Ok(routes)
}

fn proxy(config: &Config, upstreams: &[Upstream]) -> Result<Proxy, Error> {
    for (key, limit) in [
        (Key::CONNECT_TIMEOUT, config.connect_timeout),
        (Key::FIRST_BYTE_TIMEOUT, config.first_byte_timeout),
        (Key::BODY_IDLE_TIMEOUT, config.body_idle_timeout),
    ] {
        if limit.is_zero() {
            return Err(invalid(key, "0s", "there must be some time"));
        }
    }
    let mut proxy = Proxy::new(upstreams.iter().cloned())
        .map_err(|error| error.with_key(Key::UPSTREAM))?
        .host(config.upstream_host.clone())
        .connect_timeout(config.connect_timeout)
        .first_byte_timeout(config.first_byte_timeout)
        .body_idle_timeout(config.body_idle_timeout)
        .pool_idle_timeout(config.pool_idle)
        .upstream_wait(config.upstream_wait);
    for network in &config.trusted_proxy {
        proxy = proxy
            .trusted_proxy(network)
            .map_err(|error| error.with_key(Key::TRUSTED_PROXY))?;
    }
    if let Some(file) = &config.upstream_ca {
        proxy = proxy
            .root_certificates(&read(Key::UPSTREAM_CA, file)?)
            .map_err(|error| error.with_key(Key::UPSTREAM_CA))?;
    }
    Ok(proxy)
}

fn client_settings(config: &Config) -> Result<ClientSettings, Error> {
    at_least(Key::COUNTDOWN, config.countdown, MIN_COUNTDOWN)?;
    let mut settings = ClientSettings::new()
        .notice_style(config.notice)
        .position(config.position)
        .snooze(config.snooze)
        .cooldown(config.cooldown)
        .navigate_wait(config.navigate_wait)
        .idle_after(config.idle_after)
        .countdown(config.countdown)
        .frames(config.frames);
    for policy in &config.policy {
        settings = match policy.path() {
            Some(path) => settings
                .policy_for(path, policy.policy())
                .map_err(|error| error.with_key(Key::POLICY))?,
            None => settings.policy(policy.policy()),
        };
    }
    if let Some(file) = &config.messages {
        let json = read(Key::MESSAGES, file)?;
        settings = settings
            .messages(&String::from_utf8_lossy(&json))
            .map_err(|error| error.with_key(Key::MESSAGES))?;
    }
    Ok(settings)
}

fn webhook(config: &Config) -> Result<Option<Secret>, Error> {
    match (&config.webhook_secret_file, &config.webhook_secret) {
        (Some(file), Some(_)) => {
            let kind = Kind::Conflict {
                value: file.display().to_string(),
                other: Key::WEBHOOK_SECRET,
                other_value: String::new(),
                why: "there are two secrets; remove one",
            };
            Err(Error::new(kind).with_key(Key::WEBHOOK_SECRET_FILE))
        }
        (Some(file), None) => {
            let secret = Secret::new(read(Key::WEBHOOK_SECRET_FILE, file)?);
            let secret = secret.map_err(|error| error.with_key(Key::WEBHOOK_SECRET_FILE))?;
            Ok(Some(secret))
        }
        (None, secret) => Ok(secret.clone()),
    }
}

fn read(key: Key, file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file)
        .map_err(|error| invalid(key, file.display().to_string(), error.to_string()).with(error))
}

fn at_least(key: Key, duration: Duration, least: Duration) -> Result<(), Error> {
    if duration < least {
        let least = units::format_duration(least);
        let why = format!("the minimum is {least}");
        return Err(invalid(key, units::format_duration(duration), why));
    }
    Ok(())
}

fn invalid(key: Key, value: impl Into<String>, why: impl Into<String>) -> Error {
    let kind = Kind::Setting {
        value: value.into(),
        why: why.into(),
    };
    Error::new(kind).with_key(key)
}

const MIN_INTERVAL: Duration = Duration::from_millis(100);

// An upstream renders its pages each time, perhaps with a database.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

// Less leaves no time to finish a sentence.
const MIN_COUNTDOWN: Duration = Duration::from_secs(5);
