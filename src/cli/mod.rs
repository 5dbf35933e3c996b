//! The command line of the program.

mod announce;
mod command;
mod secret;
mod settings;

pub(crate) use crate::cli::announce::Announce;
pub(crate) use crate::cli::command::Cli;
pub(crate) use crate::cli::command::Command;
pub(crate) use crate::cli::settings::message;
pub(crate) use crate::cli::settings::plan;
