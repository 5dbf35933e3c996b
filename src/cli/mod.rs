//! The arguments of the program, and what they come to.

mod client;
mod common;
mod forwarding;
mod proxy;
mod serve;
mod values;

use clap::Parser;
use clap::Subcommand;
use tidings::Config;
use tracing_subscriber::filter::Targets;

/// Serves a front end, and tells its open tabs when a new version is deployed
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What to log, on standard error: a level, or levels by target
    #[arg(
        long,
        global = true,
        env = "TIDINGS_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(crate) log: Targets,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a directory that front ends are deployed into
    Serve(Box<serve::Serve>),
    /// Stand in front of whatever serves the site
    Proxy(Box<proxy::Proxy>),
}

impl TryFrom<Command> for Config {
    type Error = anyhow::Error;

    fn try_from(command: Command) -> anyhow::Result<Self> {
        match command {
            Command::Serve(serve) => (*serve).try_into(),
            Command::Proxy(proxy) => (*proxy).try_into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
