//! Arguments of `tidings proxy`.

use std::time::Duration;

use clap::Args;
use tidings::Config;
use tidings::Fingerprint;
use tidings::Upstream;

use crate::cli::common::Common;
use crate::cli::forwarding::Forwarding;
use crate::cli::values::duration;

#[derive(Debug, Args)]
pub(crate) struct Proxy {
    /// The servers of the site, by http, https, or unix: and the path of a socket; several serve the same
    #[arg(
        env = "TIDINGS_UPSTREAM",
        required = true,
        value_delimiter = ',',
        value_name = "URL"
    )]
    upstreams: Vec<Upstream>,

    /// The time between two looks at what the upstreams show
    #[arg(long = "poll-interval", env = "TIDINGS_POLL_INTERVAL", default_value = "10s", value_parser = duration, value_name = "TIME")]
    poll: Duration,

    /// The pages to look at: those that visitors begin with; several with commas
    #[arg(
        long = "poll-page",
        env = "TIDINGS_POLL_PAGE",
        default_value = "/",
        value_delimiter = ',',
        value_name = "PATH"
    )]
    page: Vec<String>,

    /// By what builds are told apart: scripts (and style sheets, as pages name them), header:NAME, etag, or json: with a
    /// path and, behind #, a key
    #[arg(
        long = "fingerprint",
        env = "TIDINGS_FINGERPRINT",
        default_value = "scripts",
        value_name = "WAY"
    )]
    fingerprint: Fingerprint,

    /// The Host for these looks, where the upstreams serve several sites; without it, their own, or --upstream-host
    #[arg(long = "poll-host", env = "TIDINGS_POLL_HOST", value_name = "HOST")]
    poll_host: Option<String>,

    /// A path by which the upstreams say that they are well; those that don't are spared
    #[arg(long = "health-path", env = "TIDINGS_HEALTH_PATH", value_name = "PATH")]
    health: Option<String>,

    /// The time between two questions how an upstream is
    #[arg(long = "health-interval", env = "TIDINGS_HEALTH_INTERVAL", requires = "health", default_value = "5s", value_parser = duration, value_name = "TIME")]
    health_interval: Duration,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    forwarding: Forwarding,
}

impl TryFrom<Proxy> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Proxy) -> anyhow::Result<Self> {
        let mut config = Self::proxy(args.forwarding.proxy(&args.upstreams)?)
            .poll(args.poll)
            .pages(args.page)
            .fingerprint(args.fingerprint);
        if let Some(host) = args.poll_host.or_else(|| args.forwarding.fixed_host()) {
            config = config.poll_host(host);
        }
        if let Some(path) = args.health {
            config = config.health(path, args.health_interval);
        }
        args.common.apply(args.forwarding.apply(config)?)
    }
}
