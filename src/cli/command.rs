//! The commands of the program.

use std::env;
use std::env::VarError;

use clap::ArgMatches;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;
use clap::Parser;
use clap::Subcommand;
use tidings::OriginKind;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::cli::Announce;
use crate::cli::settings;

/// Serves a static site or single-page app, and notifies its open tabs of new releases
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        help = format!(
            "What to log on standard error: a level, or levels by target as in `info,tidings::source=debug`. \
             [default: {DEFAULT_LOG}] [env: {LOG}]"
        )
    )]
    log: Option<Targets>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a directory that builds are deployed to
    Serve,
    /// Forward requests to the upstreams of a site
    Proxy,
    /// Announce a deploy to a running server, as the last step of the job that deploys
    Announce(Box<Announce>),
}

impl Cli {
    /// Parses the command line of the process, or ends it with a message.
    ///
    /// The matches are those of the subcommand, with its settings.
    pub(crate) fn parse_process() -> (Self, ArgMatches) {
        let mut matches = command().get_matches();
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let matches = matches
            .remove_subcommand()
            .map_or_else(ArgMatches::default, |(_, matches)| matches);
        (cli, matches)
    }

    /// The levels to log.
    ///
    /// # Errors
    ///
    /// A text that names the variable, if what it has is invalid.
    pub(crate) fn log(&self) -> Result<Targets, String> {
        match (&self.log, env::var(LOG)) {
            (Some(filter), _) => Ok(filter.clone()),
            (None, Ok(filter)) => filter.parse().map_err(|error| format!("{LOG}: {error}")),
            (None, Err(VarError::NotUnicode(_))) => Err(format!("{LOG}: it is not Unicode")),
            (None, Err(VarError::NotPresent)) => Ok(Targets::new().with_default(DEFAULT_LOG)),
        }
    }
}

fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("serve", |serve| {
            settings::add_arguments(serve, OriginKind::Directory)
        })
        .mut_subcommand("proxy", |proxy| {
            settings::add_arguments(proxy, OriginKind::Upstreams)
        })
}

const LOG: &str = "TIDINGS_LOG";

const DEFAULT_LOG: LevelFilter = LevelFilter::INFO;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_has_no_contradictions() {
        command().debug_assert();
    }
}
