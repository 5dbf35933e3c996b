//! The `tidings` program.

mod cli;

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use tidings::Plan;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing_subscriber::prelude::*;

use crate::cli::Announce;
use crate::cli::Cli;
use crate::cli::Command;

fn main() -> ExitCode {
    let (cli, matches) = Cli::parse_process();
    let log = match cli.log() {
        Ok(log) => log,
        Err(message) => return fail(&Failure::arguments(message)),
    };
    tracing_subscriber::registry()
        .with(log)
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal()),
        )
        .init();
    let result = match cli.command {
        Command::Serve | Command::Proxy => serve(cli::plan(&matches)),
        Command::Announce(args) => announce(*args),
    };
    result.unwrap_or_else(|failure| fail(&failure))
}

fn fail(failure: &Failure) -> ExitCode {
    _ = writeln!(io::stderr(), "error: {}", failure.message);
    ExitCode::from(failure.code)
}

/// Why the program can't do what it was started for.
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Of the command line, or of what it names.
    fn arguments(message: String) -> Self {
        Self { code: 2, message }
    }

    fn running(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<tidings::Error>() {
            Some(error) => Self {
                code: if error.is_config() { 2 } else { 1 },
                message: cli::message(error),
            },
            // The message of the cause is in that of the error.
            None => Self {
                code: 1,
                message: error.to_string(),
            },
        }
    }
}

fn serve(plan: Result<Plan, String>) -> Result<ExitCode, Failure> {
    let plan = plan.map_err(Failure::arguments)?;
    run(plan).map_err(|error| Failure::running(&error))?;
    Ok(ExitCode::SUCCESS)
}

fn announce(args: Announce) -> Result<ExitCode, Failure> {
    let secret = args
        .secret()
        .map_err(|error| Failure::arguments(format!("{error:#}")))?;
    args.run(&secret).map_err(|error| Failure::running(&error))
}

#[tokio::main]
async fn run(plan: Plan) -> anyhow::Result<()> {
    // Each open tab has a stream, each stream a file descriptor.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(%error, "can't raise the limit of open files"),
    }
    let stop = stop().context("can't listen for signals")?;
    let server = plan.bind().await?;
    writeln!(io::stdout(), "listening on http://{}", server.address()?)?;
    server.run(stop).await;
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
