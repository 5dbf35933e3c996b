//! The `tidings` program.

mod cli;

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tidings::Config;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing_subscriber::prelude::*;

use crate::cli::Announce;
use crate::cli::Cli;
use crate::cli::Command;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::registry()
        .with(cli.log)
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal()),
        )
        .init();
    let done = match cli.command {
        Command::Serve(args) => serve((*args).try_into()),
        Command::Proxy(args) => serve((*args).try_into()),
        Command::Announce(args) => announce(*args),
    };
    done.unwrap_or_else(|Failed { code, message }| {
        _ = writeln!(io::stderr(), "error: {message}");
        ExitCode::from(code)
    })
}

/// What the program ends with when it can't do what it is for.
struct Failed {
    code: u8,
    message: String,
}

impl Failed {
    /// The arguments, or what they name.
    fn arguments(error: &anyhow::Error) -> Self {
        Self {
            code: 2,
            message: format!("{error:#}"),
        }
    }

    fn running(error: &anyhow::Error) -> Self {
        let is_config = error
            .downcast_ref::<tidings::Error>()
            .is_some_and(tidings::Error::is_config);
        Self {
            code: if is_config { 2 } else { 1 },
            // The message of the cause is in that of the error.
            message: error.to_string(),
        }
    }
}

fn serve(config: anyhow::Result<Config>) -> Result<ExitCode, Failed> {
    let config = config.map_err(|error| Failed::arguments(&error))?;
    run(config).map_err(|error| Failed::running(&error))?;
    Ok(ExitCode::SUCCESS)
}

fn announce(args: Announce) -> Result<ExitCode, Failed> {
    let secret = args.secret().map_err(|error| Failed::arguments(&error))?;
    args.run(&secret).map_err(|error| Failed::running(&error))
}

#[tokio::main]
async fn run(config: Config) -> anyhow::Result<()> {
    // A stream a tab, a file descriptor a stream.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "can't raise the limit of open files"),
    }
    let stop = stop().context("can't listen for signals")?;
    let serving = config.bind().await?;
    writeln!(io::stdout(), "listening on http://{}", serving.address()?)?;
    serving.run(stop).await;
    Ok(())
}

/// Ready on SIGTERM or SIGINT.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
