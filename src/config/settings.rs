//! All settings: each with its key, its type, its default and its description, written down here and nowhere else.

use std::path::PathBuf;
use std::time::Duration;

use crate::client::frames::Frames;
use crate::client::notice_style::NoticeStyle;
use crate::client::position::Position;
use crate::client::settings::DEFAULT_COOLDOWN;
use crate::client::settings::DEFAULT_COUNTDOWN;
use crate::client::settings::DEFAULT_IDLE_AFTER;
use crate::client::settings::DEFAULT_NAVIGATE_WAIT;
use crate::client::settings::DEFAULT_SNOOZE;
use crate::config::page_policy::PagePolicy;
use crate::config::route::Route;
use crate::config::setting::FrontEnd;
use crate::config::setting::Group;
use crate::config::setting::Setting;
use crate::config::value::Raw;
use crate::config::value::Value;
use crate::csp::mode::Csp;
use crate::endpoint::deploys::secret::Secret;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;
use crate::http::prefix::DEFAULT_PREFIX;
use crate::notify::layer::DEFAULT_MAX_STREAMS;
use crate::origin::DEFAULT_BODY_IDLE_TIMEOUT;
use crate::origin::DEFAULT_CONNECT_TIMEOUT;
use crate::origin::DEFAULT_FIRST_BYTE_TIMEOUT;
use crate::origin::DEFAULT_POOL_IDLE_TIMEOUT;
use crate::origin::DEFAULT_UPSTREAM_WAIT;
use crate::origin::HostHeader;
use crate::origin::Upstream;
use crate::origin::files::fallback::Fallback;
use crate::release::Policy;
use crate::server::DEFAULT_DRAIN;
use crate::site::DEFAULT_MEMORY_LIMIT;
use crate::site::DEFAULT_RETAIN_RELEASES;
use crate::source::Fingerprint;
use crate::source::directory::fs_events::WatchMode;
use crate::source::directory::watch_directory::DEFAULT_DEBOUNCE;
use crate::source::directory::watch_directory::DEFAULT_INCOMPLETE_AFTER;
use crate::source::directory::watch_directory::DEFAULT_MAX_MEMORY_FILE;
use crate::source::directory::watch_directory::DEFAULT_RESCAN_INTERVAL;
use crate::source::upstream::poll_upstream::DEFAULT_POLL_INTERVAL;

/// Each setting: `KEY "path" => field: Type = default, "VALUE" as front end "name";` in its group, with its description.
/// Without `as`, it is an option with the name of the path.
macro_rules! settings {
    ($(
        $Group:ident {$(
            $(#[doc = $help:literal])+
            $KEY:ident $path:literal => $field:ident: $type:ty = $default:expr, $value_name:literal
                $(as $FrontEnd:ident $name:literal)?;
        )+}
    )+) => {
        /// The settings of a server, as plain data.
        ///
        /// Some only apply to a directory, some only to upstreams: [`Plan`](crate::Plan), which a server is built from,
        /// rejects them elsewhere. Serializes to the tables of a configuration file, without the secret; what is left
        /// out there has its default.
        ///
        /// ```no_run
        /// use std::time::Duration;
        ///
        /// use tidings::{Config, Plan};
        ///
        /// # #[tokio::main]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let mut config = Config::directory("dist");
        /// config.listen = "127.0.0.1:8080".to_owned();
        /// config.debounce = Duration::from_millis(100);
        /// let server = Plan::try_from(config)?.bind().await?;
        /// println!("listening on http://{}", server.address()?);
        /// server.run(async { _ = tokio::signal::ctrl_c().await }).await;
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct Config {$($(
            $(#[doc = $help])+
            pub $field: $type,
        )+)+}

        impl Default for Config {
            fn default() -> Self {
                Self {$($(
                    $field: $default,
                )+)+}
            }
        }

        /// The settings that one source gives, such as a file, the environment, or the options of a command.
        ///
        /// ```
        /// use tidings::{Config, Key, PartialConfig};
        ///
        /// let mut environment = PartialConfig::default();
        /// environment.set(Key::ROOT, ["dist"])?;
        /// environment.set(Key::PREFIX, ["/_news"])?;
        /// let mut options = PartialConfig::default();
        /// options.set(Key::PREFIX, ["/_updates"])?;
        /// let config = environment.merge(options).resolve()?;
        /// assert_eq!(config.prefix, "/_updates");
        /// assert_eq!(config.max_streams, Config::default().max_streams);
        /// # Ok::<(), tidings::Error>(())
        /// ```
        #[derive(Debug, Clone, Default)]
        pub struct PartialConfig {$($(
            $field: Option<$type>,
        )+)+}

        impl PartialConfig {
            /// Returns the settings of both, those of `later` where both have one. Lists are replaced, not joined.
            pub fn merge(self, later: Self) -> Self {
                Self {$($(
                    $field: later.$field.or(self.$field),
                )+)+}
            }

            /// True if this source gives the setting.
            pub fn contains(&self, key: Key) -> bool {
                match key {
                    $($(Key::$KEY => self.$field.is_some(),)+)+
                    _ => false,
                }
            }

            pub(crate) fn set_raw(&mut self, key: Key, raw: Raw) -> Result<(), Error> {
                match key {
                    $($(Key::$KEY => self.$field = Some(Value::from_raw(raw)?),)+)+
                    unknown => return Err(Error::new(Kind::UnknownKey(unknown.to_string()))),
                }
                Ok(())
            }

            /// The value of the setting as it is written; `None` if it is not given, or is none.
            pub(crate) fn raw(&self, key: Key) -> Option<Raw> {
                match key {
                    $($(Key::$KEY => self.$field.as_ref().and_then(Value::to_raw),)+)+
                    _ => None,
                }
            }
        }

        impl From<PartialConfig> for Config {
            /// Gives what is left out its default.
            fn from(partial: PartialConfig) -> Self {
                let default = Self::default();
                Self {$($(
                    $field: partial.$field.unwrap_or(default.$field),
                )+)+}
            }
        }

        impl From<Config> for PartialConfig {
            fn from(config: Config) -> Self {
                Self {$($(
                    $field: Some(config.$field),
                )+)+}
            }
        }

        /// The settings.
        impl Key {$($(
            $(#[doc = $help])+
            pub const $KEY: Self = Self::new($path);
        )+)+}

        const SETTINGS: &[Setting] = &[$($(
            Setting {
                key: Key::$KEY,
                group: Group::$Group,
                front_end: settings!(@front_end $($FrontEnd)?),
                name: settings!(@name $path $($name)?),
                value_name: $value_name,
                help: concat!($($help),+),
                shape: <$type as Value>::SHAPE,
            },
        )+)+];
    };
    (@front_end) => { FrontEnd::Option };
    (@front_end $FrontEnd:ident) => { FrontEnd::$FrontEnd };
    (@name $path:literal) => { $path };
    (@name $path:literal $name:literal) => { $name };
}

settings! {
    Server {
        /// Address to listen on; port 0 selects a free port.
        LISTEN "listen" => listen: String = "127.0.0.1:8080".to_owned(), "HOST:PORT";

        /// Accept HTTP/2 without TLS, from proxies and load balancers that use it with prior knowledge.
        H2C "h2c" => h2c: bool = false, "";

        /// Maximum number of open event streams; further ones get 503 with `Retry-After`.
        MAX_STREAMS "max-streams" => max_streams: usize = DEFAULT_MAX_STREAMS, "N";

        /// Prefix of the reserved paths.
        PREFIX "prefix" => prefix: String = DEFAULT_PREFIX.to_owned(), "PATH";

        /// Pages whose Content-Security-Policy allows the script neither by `'self'` nor by a nonce: `keep` the policy and
        /// leave the script out, or `amend` the policy with the script's hash.
        CSP "csp" => csp: Csp = Csp::Keep, "keep|amend";

        /// Maximum time to finish open requests after SIGTERM or SIGINT.
        DRAIN "drain" => drain: Duration = DEFAULT_DRAIN, "TIME";

        /// File with the secret for announcing deploys; without a secret, announcements are off.
        WEBHOOK_SECRET_FILE "webhook-secret-file" => webhook_secret_file: Option<PathBuf> = None, "FILE";

        /// The secret for announcing deploys itself.
        WEBHOOK_SECRET "webhook-secret" => webhook_secret: Option<Secret> = None, "SECRET"
            as Variable "webhook-secret";

        /// Upstream for requests to a path and below, such as `/api=http://127.0.0.1:9000`; a slash at the end of the URL
        /// removes the path; repeat for more routes, or more upstreams of one.
        ROUTES "routes" => routes: Vec<Route> = Vec::new(), "PATH=URL" as Option "route";
    }
    Directory {
        /// Directory with the built site; may be missing at first, replaced as a whole, or a symbolic link.
        ROOT "root" => root: Option<PathBuf> = None, "DIR" as Argument "dir";

        /// Number of older releases whose hashed files stay available, for tabs that still run them.
        RETAIN_RELEASES "retain-releases" => retain_releases: usize = DEFAULT_RETAIN_RELEASES, "N";

        /// Maximum memory for the current and the retained releases; other files are read from disk, and retained
        /// releases beyond it are dropped.
        MEMORY_LIMIT "memory-limit" => memory_limit: u64 = DEFAULT_MEMORY_LIMIT, "SIZE";

        /// Maximum size of a file that is held in memory.
        MAX_MEMORY_FILE "max-memory-file" => max_memory_file: u64 = DEFAULT_MAX_MEMORY_FILE, "SIZE";

        /// Response to a navigation to a path without a file: `auto` is `/index.html`, or `/404.html` with status 404 if
        /// there is one; `none` is a 404; or the path of a page.
        FALLBACK "fallback" => fallback: Fallback = Fallback::Auto, "auto|none|PAGE";

        /// Time without changes before a build is read.
        DEBOUNCE "debounce" => debounce: Duration = DEFAULT_DEBOUNCE, "TIME";

        /// Time without changes before a build with missing files is published all the same, with a warning.
        INCOMPLETE_AFTER "incomplete-after" => incomplete_after: Duration = DEFAULT_INCOMPLETE_AFTER, "TIME";

        /// Time between two scans without an event; a fifth of it where there are no events.
        RESCAN_INTERVAL "rescan-interval" => rescan_interval: Duration = DEFAULT_RESCAN_INTERVAL, "TIME";

        /// Detect changes by `native` events of the system, or only `poll`: for network mounts, which have no events.
        WATCH "watch" => watch: WatchMode = WatchMode::Native, "native|poll";
    }
    Polling {
        /// Upstream of the site: `http://HOST:PORT`, `https://HOST` or `unix:/PATH`; several must serve the same site.
        UPSTREAM "upstream" => upstream: Vec<Upstream> = Vec::new(), "URL" as Argument "upstream";

        /// Time between two polls of the upstreams; pages that were just forwarded are not polled.
        POLL_INTERVAL "poll-interval" => poll_interval: Duration = DEFAULT_POLL_INTERVAL, "TIME";

        /// Page to poll, one that visitors enter by; repeat for more.
        POLL_PAGE "poll-page" => poll_page: Vec<String> = vec!["/".to_owned()], "PATH";

        /// What distinguishes builds: `scripts` (the scripts and style sheets in the pages), `header:NAME`,
        /// `json:/version.json#version`, or `etag`.
        FINGERPRINT "fingerprint" => fingerprint: Fingerprint = Fingerprint::Scripts, "KIND";

        /// `Host` of polls, for upstreams with several sites; otherwise the one of `upstream-host`, or the upstream's.
        POLL_HOST "poll-host" => poll_host: Option<String> = None, "HOST";

        /// Path to check the upstreams' health by; one that fails three times gets no requests until it succeeds twice.
        HEALTH_PATH "health-path" => health_path: Option<String> = None, "PATH";

        /// Time between two health checks.
        HEALTH_INTERVAL "health-interval" => health_interval: Duration = Duration::from_secs(5), "TIME";
    }
    Forwarding {
        /// `Host` that upstreams receive: `keep` the client's, the `upstream`'s own, or a name.
        UPSTREAM_HOST "upstream-host" => upstream_host: HostHeader = HostHeader::Keep, "keep|upstream|NAME";

        /// Network whose `Forwarded` and `X-Forwarded-*` headers are trusted: a network, an address, `loopback` or
        /// `private`; repeat for more; others are replaced.
        TRUSTED_PROXY "trusted-proxy" => trusted_proxy: Vec<String> = Vec::new(), "NETWORK";

        /// File with the root certificates of `https` upstreams, in PEM; otherwise those of browsers.
        UPSTREAM_CA "upstream-ca" => upstream_ca: Option<PathBuf> = None, "FILE";

        /// Maximum time to connect to an upstream.
        CONNECT_TIMEOUT "connect-timeout" => connect_timeout: Duration = DEFAULT_CONNECT_TIMEOUT, "TIME";

        /// Maximum time from the end of a request to the start of the response.
        FIRST_BYTE_TIMEOUT "first-byte-timeout" => first_byte_timeout: Duration = DEFAULT_FIRST_BYTE_TIMEOUT, "TIME";

        /// Maximum time without data within a request or response body; event streams and upgraded connections have no limit.
        BODY_IDLE_TIMEOUT "body-idle-timeout" => body_idle_timeout: Duration = DEFAULT_BODY_IDLE_TIMEOUT, "TIME";

        /// Maximum time to keep an unused connection to an upstream; less than the upstream keeps it (Node: 5 s).
        POOL_IDLE "pool-idle" => pool_idle: Duration = DEFAULT_POOL_IDLE_TIMEOUT, "TIME";

        /// Maximum time that requests for pages and what they load wait for an upstream that can't be connected to.
        UPSTREAM_WAIT "upstream-wait" => upstream_wait: Duration = DEFAULT_UPSTREAM_WAIT, "TIME";
    }
    Notice {
        /// What tabs do about a new release: `prompt`, `navigate`, `idle`, `force` or `silent`; for the pages at a path
        /// and below as in `/admin=force`; repeat for more.
        POLICY "notice.policy" => policy: Vec<PagePolicy> = vec![Policy::Prompt.into()], "[PATH=]POLICY"
            as Option "policy";

        /// Style of the notice: `toast`, `bar`, `modal` or `none`.
        NOTICE "notice.style" => notice: NoticeStyle = NoticeStyle::Toast, "STYLE" as Option "notice";

        /// Position of a toast or bar: `bottom-end`, `bottom-start`, `bottom`, `top-end`, `top-start` or `top`.
        POSITION "notice.position" => position: Position = Position::BottomEnd, "POSITION" as Option "position";

        /// Time until the notice returns after Later; doubled each time, up to a week.
        SNOOZE "notice.snooze" => snooze: Duration = DEFAULT_SNOOZE, "TIME" as Option "snooze";

        /// Minimum time between the notices of two releases.
        COOLDOWN "notice.cooldown" => cooldown: Duration = DEFAULT_COOLDOWN, "TIME" as Option "cooldown";

        /// Time that `navigate` waits for a navigation before it shows the notice.
        NAVIGATE_WAIT "notice.navigate-wait" => navigate_wait: Duration = DEFAULT_NAVIGATE_WAIT, "TIME"
            as Option "navigate-wait";

        /// Time without input before `idle` reloads a visible tab.
        IDLE_AFTER "notice.idle-after" => idle_after: Duration = DEFAULT_IDLE_AFTER, "TIME" as Option "idle-after";

        /// Countdown of `force`.
        COUNTDOWN "notice.countdown" => countdown: Duration = DEFAULT_COUNTDOWN, "TIME" as Option "countdown";

        /// Notices of pages inside frames: `quiet` shows none, `notice` shows them as on any page.
        FRAMES "notice.frames" => frames: Frames = Frames::Quiet, "quiet|notice" as Option "frames";

        /// JSON file with messages by language, as in `{"de": {"refresh": "Neu laden"}}`, `*` for all others; their names
        /// are `title`, `text`, `rollback`, `broken`, `refresh`, `later`, `no` (Later in a dialog), `notes` and
        /// `countdown` (with `{n}`).
        MESSAGES "notice.messages" => messages: Option<PathBuf> = None, "FILE" as Option "messages";
    }
}

impl Setting {
    /// All settings, in the order in which they are best shown.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        SETTINGS.iter()
    }

    /// The setting with this key.
    pub fn find(key: Key) -> Option<&'static Self> {
        Self::all().find(|setting| setting.key == key)
    }

    /// Its default as text; `None` if it is off or empty.
    pub fn default_value(&self) -> Option<String> {
        if self.is_switch() {
            return None;
        }
        let raw = PartialConfig::from(Config::default()).raw(self.key)?;
        Some(raw.to_string())
    }
}
