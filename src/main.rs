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

use crate::cli::Cli;

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
    let (code, message) = match Config::try_from(cli.command) {
        Err(error) => (2, format!("{error:#}")),
        Ok(config) => match run(config) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => {
                let is_config = error
                    .downcast_ref::<tidings::Error>()
                    .is_some_and(tidings::Error::is_config);
                // The message of the cause is in that of the error.
                (if is_config { 2 } else { 1 }, error.to_string())
            }
        },
    };
    _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(code)
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
