//! Arguments on what tabs do about a new version.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clap::ValueEnum;
use tidings::ClientSettings;
use tidings::Frames;
use tidings::NoticeStyle;
use tidings::Policy;
use tidings::Position;

use crate::cli::values::duration;

/// What tabs do about a new version
#[derive(Debug, Args)]
#[command(next_help_heading = "In the page")]
pub(crate) struct Client {
    /// What tabs do about a new version: prompt, navigate, idle, force or silent; for some pages as in /admin=force
    #[arg(
        long = "policy",
        env = "TIDINGS_POLICY",
        default_value = "prompt",
        value_delimiter = ',',
        value_name = "[PATH=]POLICY"
    )]
    policy: Vec<PolicyArg>,

    /// The form of the notice: toast, bar, modal or none
    #[arg(
        long = "notice",
        env = "TIDINGS_NOTICE",
        default_value_t,
        value_name = "FORM"
    )]
    notice: NoticeStyle,

    /// Where a toast or bar is: bottom-end, bottom-start, bottom, top-end, top-start or top
    #[arg(
        long = "position",
        env = "TIDINGS_POSITION",
        default_value_t,
        value_name = "POSITION"
    )]
    position: Position,

    /// How long the notice stays away after Later; twice as long each time
    #[arg(long = "snooze", env = "TIDINGS_SNOOZE", default_value = "4h", value_parser = duration, value_name = "TIME")]
    later: Duration,

    /// The least time between the notices of two versions; for teams that deploy all day
    #[arg(long = "cooldown", env = "TIDINGS_COOLDOWN", default_value = "0s", value_parser = duration, value_name = "TIME")]
    cooldown: Duration,

    /// How long the policy navigate waits for a navigation before it shows the notice
    #[arg(long = "navigate-wait", env = "TIDINGS_NAVIGATE_WAIT", default_value = "1day", value_parser = duration, value_name = "TIME")]
    wait: Duration,

    /// How long nothing must have been touched for the policy idle to reload a tab in sight
    #[arg(long = "idle-after", env = "TIDINGS_IDLE_AFTER", default_value = "15m", value_parser = duration, value_name = "TIME")]
    idle: Duration,

    /// The countdown of the policy force
    #[arg(long = "countdown", env = "TIDINGS_COUNTDOWN", default_value = "1m", value_parser = duration, value_name = "TIME")]
    countdown: Duration,

    /// Whether pages inside frames show a notice of their own: quiet or notice
    #[arg(long = "frames", env = "TIDINGS_FRAMES", default_value = "quiet")]
    frames: FramesArg,

    /// A JSON file with other texts for the notice, by language
    #[arg(long = "messages", env = "TIDINGS_MESSAGES", value_name = "FILE")]
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
            .notice_style(args.notice)
            .position(args.position)
            .snooze(args.later)
            .cooldown(args.cooldown)
            .navigate_wait(args.wait)
            .idle_after(args.idle)
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
                .with_context(|| format!("--messages {}", file.display()))?;
            settings = settings
                .messages(&json)
                .with_context(|| format!("--messages {}", file.display()))?;
        }
        Ok(settings)
    }
}
