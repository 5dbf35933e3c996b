//! Arguments of `tidings proxy`.

use std::time::Duration;

use clap::Args;
use tidings::Config;
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

    /// A path by which the upstreams say that they are well; those that don't are spared
    #[arg(long, env = "TIDINGS_HEALTH", value_name = "PATH")]
    health: Option<String>,

    /// The time between two questions how an upstream is
    #[arg(long, env = "TIDINGS_HEALTH_INTERVAL", default_value = "5s", value_parser = duration, value_name = "TIME")]
    health_interval: Duration,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    forwarding: Forwarding,
}

impl TryFrom<Proxy> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Proxy) -> anyhow::Result<Self> {
        let mut config = Self::proxy(args.forwarding.proxy(&args.upstreams)?);
        if let Some(path) = args.health {
            config = config.health(path, args.health_interval);
        }
        args.common.apply(args.forwarding.apply(config)?)
    }
}
