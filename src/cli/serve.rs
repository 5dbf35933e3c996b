//! Arguments of `tidings serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;
use tidings::Config;
use tidings::Fallback;
use tidings::WatchMode;

use crate::cli::common::Common;
use crate::cli::forwarding::Forwarding;
use crate::cli::values::duration;
use crate::cli::values::size;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The directory with the built site; it may come later, be swapped, or be a symbolic link
    #[arg(env = "TIDINGS_DIR")]
    dir: PathBuf,

    /// How many older releases stay servable, for tabs that still run them
    #[arg(long = "retain-releases", env = "TIDINGS_RETAIN_RELEASES", default_value_t = tidings::DEFAULT_RETAIN_RELEASES, value_name = "N")]
    keep: usize,

    /// How much of the current and the older releases is held in memory, such as 64M or 2G
    #[arg(long = "memory-limit", env = "TIDINGS_MEMORY_LIMIT", default_value = "512M", value_parser = size, value_name = "SIZE")]
    memory: u64,

    /// Files above this size stay on disk
    #[arg(long = "max-memory-file", env = "TIDINGS_MAX_MEMORY_FILE", default_value = "1M", value_parser = size, value_name = "SIZE")]
    file_limit: u64,

    /// What answers a navigation to a path without a file: auto (the app, or 404.html if there is one), none, or
    /// the path of a page
    #[arg(
        long = "fallback",
        env = "TIDINGS_FALLBACK",
        default_value = "auto",
        value_name = "auto|none|PAGE"
    )]
    fallback: Fallback,

    /// How long nothing may have changed before a build is read
    #[arg(long = "debounce", env = "TIDINGS_DEBOUNCE", default_value = "200ms", value_parser = duration, value_name = "TIME")]
    quiet: Duration,

    /// How long nothing may have changed before a build that lacks files is published all the same
    #[arg(long = "incomplete-after", env = "TIDINGS_INCOMPLETE_AFTER", default_value = "10s", value_parser = duration, value_name = "TIME")]
    incomplete_after: Duration,

    /// The time between two looks at the directory when no event calls for one
    #[arg(long = "rescan-interval", env = "TIDINGS_RESCAN_INTERVAL", default_value = "5s", value_parser = duration, value_name = "TIME")]
    poll: Duration,

    /// Where news of changes comes from; poll suits network mounts, whose events don't arrive
    #[arg(long = "watch", env = "TIDINGS_WATCH", default_value = "native")]
    events: EventsArg,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    forwarding: Forwarding,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EventsArg {
    Native,
    Poll,
}

impl TryFrom<Serve> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Serve) -> anyhow::Result<Self> {
        let config = Self::new(args.dir)
            .keep(args.keep)
            .memory(args.memory)
            .file_limit(args.file_limit)
            .fallback(args.fallback)
            .quiet(args.quiet)
            .incomplete_after(args.incomplete_after)
            .poll(args.poll)
            .events(match args.events {
                EventsArg::Native => WatchMode::Native,
                EventsArg::Poll => WatchMode::Poll,
            });
        args.common.apply(args.forwarding.apply(config)?)
    }
}
