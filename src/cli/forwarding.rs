//! Arguments on how requests are passed on to other servers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tidings::Config;
use tidings::HostHeader;
use tidings::Proxy;
use tidings::Route;
use tidings::Upstream;

use crate::cli::values::duration;
use crate::cli::values::limit;

/// How requests are passed on
#[derive(Debug, Args)]
#[command(next_help_heading = "Upstreams")]
pub(crate) struct Forwarding {
    /// Another server for what is below a path, such as /api=http://127.0.0.1:9000; ,strip behind it takes the path off
    #[arg(
        long = "route",
        env = "TIDINGS_ROUTE",
        value_delimiter = ' ',
        value_name = "PATH=URL[,URL…][,strip]"
    )]
    route: Vec<Route>,

    /// The Host that upstreams see: keep (as the client asked), upstream (their own), or a name
    #[arg(
        long = "upstream-host",
        env = "TIDINGS_UPSTREAM_HOST",
        default_value = "keep",
        value_name = "keep|upstream|NAME"
    )]
    upstream_host: HostHeader,

    /// Whose word on the client counts (Forwarded, X-Forwarded-*): a network, an address, loopback or private; several
    /// with commas
    #[arg(
        long = "trusted-proxy",
        env = "TIDINGS_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    trusted_proxy: Vec<String>,

    /// The certificates of the authorities that vouch for https upstreams, in PEM, instead of those that browsers trust
    #[arg(long = "upstream-ca", env = "TIDINGS_UPSTREAM_CA", value_name = "FILE")]
    upstream_ca: Option<PathBuf>,

    /// How long connecting to an upstream may take
    #[arg(long = "connect-timeout", env = "TIDINGS_CONNECT_TIMEOUT", default_value = "5s", value_parser = limit, value_name = "TIME")]
    connect_timeout: Duration,

    /// How long an upstream may take to begin with its answer
    #[arg(long = "first-byte-timeout", env = "TIDINGS_FIRST_BYTE_TIMEOUT", default_value = "1m", value_parser = limit, value_name = "TIME")]
    first_byte_timeout: Duration,

    /// How long a body may stand still, either way; event streams and web sockets may for ever
    #[arg(long = "body-idle-timeout", env = "TIDINGS_BODY_IDLE_TIMEOUT", default_value = "5m", value_parser = limit, value_name = "TIME")]
    idle_timeout: Duration,

    /// How long a connection to an upstream is kept without use; less than the upstream keeps it
    #[arg(long = "pool-idle", env = "TIDINGS_POOL_IDLE", default_value = "4s", value_parser = duration, value_name = "TIME")]
    pool_idle: Duration,

    /// How long pages, and what they load, are held while no upstream can be connected to
    #[arg(long = "upstream-wait", env = "TIDINGS_UPSTREAM_WAIT", default_value = "10s", value_parser = duration, value_name = "TIME")]
    hold: Duration,
}

impl Forwarding {
    /// The proxy for some upstreams.
    pub(crate) fn proxy(&self, upstreams: &[Upstream]) -> anyhow::Result<Proxy> {
        let mut proxy = Proxy::new(upstreams.iter().cloned())?
            .host(self.upstream_host.clone())
            .connect_timeout(self.connect_timeout)
            .first_byte_timeout(self.first_byte_timeout)
            .body_idle_timeout(self.idle_timeout)
            .pool_idle_timeout(self.pool_idle)
            .upstream_wait(self.hold);
        for network in &self.trusted_proxy {
            proxy = proxy.trusted_proxy(network).context("--trusted-proxy")?;
        }
        if let Some(file) = &self.upstream_ca {
            let option = || format!("--upstream-ca {}", file.display());
            let pem = std::fs::read(file).with_context(option)?;
            proxy = proxy.root_certificates(&pem).with_context(option)?;
        }
        Ok(proxy)
    }

    /// The host that all upstreams see, if it is always the same.
    pub(crate) fn fixed_host(&self) -> Option<String> {
        match &self.upstream_host {
            HostHeader::Name(name) => Some(name.to_string()),
            _ => None,
        }
    }

    /// Adds the routes.
    pub(crate) fn apply(&self, mut config: Config) -> anyhow::Result<Config> {
        // What makes no sense is refused even where nothing is forwarded.
        self.proxy(&["http://localhost".parse()?])?;
        for route in &self.route {
            let proxy = self.proxy(route.upstreams())?;
            config = config.route(route.clone(), proxy);
        }
        Ok(config)
    }
}
