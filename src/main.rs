//! The `tidings` program.

use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use tidings::ClientSettings;
use tidings::Config;
use tidings::Csp;
use tidings::Events;
use tidings::Fallback;
use tidings::Form;
use tidings::Frames;
use tidings::Policy;
use tidings::Position;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Serves a front end, and tells its open tabs when a new version is deployed
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// What to log, on standard error: a level, or levels by target
    #[arg(
        long,
        global = true,
        env = "TIDINGS_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: Targets,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a directory that front ends are deployed into
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// The directory with the built site; it may come later, be swapped, or be a symbolic link
    #[arg(env = "TIDINGS_DIR")]
    dir: PathBuf,

    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "TIDINGS_LISTEN", default_value = tidings::DEFAULT_LISTEN, value_name = "HOST:PORT")]
    listen: String,

    /// How many older releases stay servable, for tabs that still run them
    #[arg(long, env = "TIDINGS_KEEP", default_value_t = tidings::DEFAULT_KEEP, value_name = "N")]
    keep: usize,

    /// How much of the current and the older releases is held in memory, such as 64M or 2G
    #[arg(long, env = "TIDINGS_MEMORY", default_value = "512M", value_parser = size, value_name = "SIZE")]
    memory: u64,

    /// Files above this size stay on disk
    #[arg(long, env = "TIDINGS_FILE_LIMIT", default_value = "1M", value_parser = size, value_name = "SIZE")]
    file_limit: u64,

    /// How many tabs may listen for news at once; who comes after that is told to come back
    #[arg(long, env = "TIDINGS_MAX_STREAMS", default_value_t = tidings::DEFAULT_MAX_STREAMS, value_name = "N")]
    max_streams: usize,

    /// What answers a navigation to a path without a file: auto (the app, or 404.html if there is one), none, or
    /// the path of a page
    #[arg(
        long,
        env = "TIDINGS_FALLBACK",
        default_value = "auto",
        value_name = "auto|none|PAGE"
    )]
    fallback: Fallback,

    /// How long nothing may have changed before a build is read
    #[arg(long, env = "TIDINGS_QUIET", default_value = "200ms", value_parser = duration, value_name = "TIME")]
    quiet: Duration,

    /// How long nothing may have changed before a build that lacks files is published all the same
    #[arg(long, env = "TIDINGS_INCOMPLETE_AFTER", default_value = "10s", value_parser = duration, value_name = "TIME")]
    incomplete_after: Duration,

    /// The time between two looks at the directory when no event calls for one
    #[arg(long, env = "TIDINGS_POLL", default_value = "5s", value_parser = duration, value_name = "TIME")]
    poll: Duration,

    /// Where news of changes comes from; poll suits network mounts, whose events don't arrive
    #[arg(long, env = "TIDINGS_EVENTS", default_value = "system")]
    events: EventsArg,

    /// Where the reserved paths are
    #[arg(long, env = "TIDINGS_PREFIX", default_value = tidings::DEFAULT_PREFIX, value_name = "PATH")]
    prefix: String,

    /// What becomes of pages whose Content-Security-Policy does not let the script run: they go without it, or its
    /// hash is added to their policy
    #[arg(long, env = "TIDINGS_CSP", default_value = "keep")]
    csp: CspArg,

    /// How long open connections may take to finish when the server is stopped
    #[arg(long, env = "TIDINGS_DRAIN", default_value = "10s", value_parser = duration, value_name = "TIME")]
    drain: Duration,

    #[command(flatten)]
    client: Client,
}

/// What tabs do about a new version
#[derive(Debug, Args)]
#[command(next_help_heading = "In the page")]
struct Client {
    /// What tabs do about a new version: prompt, navigate, idle, force or silent; for some pages as in /admin=force
    #[arg(
        long,
        env = "TIDINGS_POLICY",
        default_value = "prompt",
        value_delimiter = ',',
        value_name = "[PATH=]POLICY"
    )]
    policy: Vec<PolicyArg>,

    /// The form of the notice: toast, bar, modal or none
    #[arg(long, env = "TIDINGS_NOTICE", default_value_t, value_name = "FORM")]
    notice: Form,

    /// Where a toast or bar is: bottom-end, bottom-start, bottom, top-end, top-start or top
    #[arg(
        long,
        env = "TIDINGS_POSITION",
        default_value_t,
        value_name = "POSITION"
    )]
    position: Position,

    /// How long the notice stays away after Later; twice as long each time
    #[arg(long, env = "TIDINGS_LATER", default_value = "4h", value_parser = duration, value_name = "TIME")]
    later: Duration,

    /// The least time between the notices of two versions; for teams that deploy all day
    #[arg(long, env = "TIDINGS_COOLDOWN", default_value = "0s", value_parser = duration, value_name = "TIME")]
    cooldown: Duration,

    /// How long the policy navigate waits for a navigation before it shows the notice
    #[arg(long, env = "TIDINGS_WAIT", default_value = "1day", value_parser = duration, value_name = "TIME")]
    wait: Duration,

    /// How long nothing must have been touched for the policy idle to reload a tab in sight
    #[arg(long, env = "TIDINGS_IDLE", default_value = "15m", value_parser = duration, value_name = "TIME")]
    idle: Duration,

    /// The countdown of the policy force
    #[arg(long, env = "TIDINGS_COUNTDOWN", default_value = "1m", value_parser = duration, value_name = "TIME")]
    countdown: Duration,

    /// Whether pages inside frames show a notice of their own: quiet or notice
    #[arg(long, env = "TIDINGS_FRAMES", default_value = "quiet")]
    frames: FramesArg,

    /// A JSON file with other texts for the notice, by language
    #[arg(long, env = "TIDINGS_TEXTS", value_name = "FILE")]
    texts: Option<PathBuf>,
}

/// A policy, for all pages or for those below a path.
#[derive(Debug, Clone)]
struct PolicyArg {
    path: Option<String>,
    policy: Policy,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramesArg {
    Quiet,
    Notice,
}

impl FromStr for PolicyArg {
    type Err = tidings::Error;

    fn from_str(arg: &str) -> Result<Self, tidings::Error> {
        let (path, policy) = match arg.split_once('=') {
            Some((path, policy)) => (Some(path.to_owned()), policy),
            None => (None, arg),
        };
        Ok(Self {
            path,
            policy: policy.parse()?,
        })
    }
}

impl TryFrom<Client> for ClientSettings {
    type Error = anyhow::Error;

    fn try_from(args: Client) -> anyhow::Result<Self> {
        let mut settings = Self::new()
            .form(args.notice)
            .position(args.position)
            .later(args.later)
            .cooldown(args.cooldown)
            .wait(args.wait)
            .idle(args.idle)
            .countdown(args.countdown)
            .frames(match args.frames {
                FramesArg::Quiet => Frames::Quiet,
                FramesArg::Notice => Frames::Notice,
            });
        for PolicyArg { path, policy } in args.policy {
            settings = match path {
                Some(path) => settings.policy_for(&path, policy).context("--policy")?,
                None => settings.policy(policy),
            };
        }
        if let Some(file) = args.texts {
            let json = std::fs::read_to_string(&file)
                .with_context(|| format!("--texts {}", file.display()))?;
            settings = settings
                .texts(&json)
                .with_context(|| format!("--texts {}", file.display()))?;
        }
        Ok(settings)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EventsArg {
    System,
    Poll,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CspArg {
    Keep,
    Amend,
}

impl TryFrom<Serve> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Serve) -> anyhow::Result<Self> {
        Ok(Self::new(args.dir)
            .listen(args.listen)
            .keep(args.keep)
            .memory(args.memory)
            .file_limit(args.file_limit)
            .max_streams(args.max_streams)
            .fallback(args.fallback)
            .quiet(args.quiet)
            .incomplete_after(args.incomplete_after)
            .poll(args.poll)
            .events(match args.events {
                EventsArg::System => Events::System,
                EventsArg::Poll => Events::Poll,
            })
            .prefix(args.prefix)
            .csp(match args.csp {
                CspArg::Keep => Csp::Keep,
                CspArg::Amend => Csp::Amend,
            })
            .drain(args.drain)
            .client(args.client.try_into()?))
    }
}

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
    let Command::Serve(serve) = cli.command;
    let (code, message) = match Config::try_from(serve) {
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

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text);
    duration.map_err(|error| format!("{error}: write it like 200ms, 10s or 2m"))
}

fn size(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        _ => return Err("write it like 64M or 2G".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write it like 64M or 2G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is too much".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("1k", Some(1024)),
            ("64M", Some(64 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("M", None),
            ("-1M", None),
            ("1T", None),
            ("99999999999999G", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
