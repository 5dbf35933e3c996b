//! The arguments of the program, and what they come to.

mod announce;
mod client;
mod common;
mod forwarding;
mod proxy;
mod secret;
mod serve;
mod values;

use clap::Parser;
use clap::Subcommand;
use tracing_subscriber::filter::Targets;

pub(crate) use crate::cli::announce::Announce;

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
    /// Tell a server of a deploy, as the last step of the job that made it
    Announce(Box<Announce>),
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
