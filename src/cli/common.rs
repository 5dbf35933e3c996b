//! Arguments that every way to serve has.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;
use tidings::Config;
use tidings::Csp;

use crate::cli::client::Client;
use crate::cli::secret;
use crate::cli::values::duration;

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where to listen; port 0 takes a free one
    #[arg(long = "listen", env = "TIDINGS_LISTEN", default_value = tidings::DEFAULT_LISTEN, value_name = "HOST:PORT")]
    listen: String,

    /// Speak HTTP/2 too, with proxies and load balancers that know it beforehand
    #[arg(long = "h2c", env = "TIDINGS_H2C")]
    http2: bool,

    /// How many tabs may listen for news at once; who comes after that is told to come back
    #[arg(long = "max-streams", env = "TIDINGS_MAX_STREAMS", default_value_t = tidings::DEFAULT_MAX_STREAMS, value_name = "N")]
    max_streams: usize,

    /// Where the reserved paths are
    #[arg(long = "prefix", env = "TIDINGS_PREFIX", default_value = tidings::DEFAULT_PREFIX, value_name = "PATH")]
    prefix: String,

    /// What becomes of pages whose Content-Security-Policy does not let the script run: they go without it, or its
    /// hash is added to their policy
    #[arg(long = "csp", env = "TIDINGS_CSP", default_value = "keep")]
    csp: CspArg,

    /// How long open connections may take to finish when the server is stopped
    #[arg(long = "drain", env = "TIDINGS_DRAIN", default_value = "10s", value_parser = duration, value_name = "TIME")]
    drain: Duration,

    /// The file with the secret of those who may announce deploys; without one, here or in the environment, nobody may
    #[arg(
        long = "webhook-secret-file",
        env = "TIDINGS_WEBHOOK_SECRET_FILE",
        value_name = "FILE"
    )]
    webhook_secret_file: Option<PathBuf>,

    #[command(flatten)]
    client: Client,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CspArg {
    Keep,
    Amend,
}

impl Common {
    pub(crate) fn apply(self, config: Config) -> anyhow::Result<Config> {
        let secret = secret::read("--webhook-secret-file", self.webhook_secret_file.as_deref())?;
        let mut config = config
            .listen(self.listen)
            .max_streams(self.max_streams)
            .prefix(self.prefix)
            .csp(match self.csp {
                CspArg::Keep => Csp::Keep,
                CspArg::Amend => Csp::Amend,
            })
            .drain(self.drain)
            .client(self.client.try_into()?);
        if let Some(secret) = secret {
            config = config.webhook(secret);
        }
        if self.http2 {
            config = config.http2();
        }
        Ok(config)
    }
}
