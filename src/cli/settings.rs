//! The options, arguments and variables of the settings: made from their descriptions in the library, which has the only
//! one of each.

use std::env;
use std::ffi::OsString;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use clap::builder::OsStringValueParser;
use tidings::Error;
use tidings::FrontEnd;
use tidings::Group;
use tidings::Key;
use tidings::OriginKind;
use tidings::PartialConfig;
use tidings::Plan;
use tidings::Setting;

/// Adds what sets a site of this kind.
pub(crate) fn add_arguments(command: Command, origin: OriginKind) -> Command {
    command.args(Setting::all().filter_map(|setting| argument(setting, origin)))
}

/// The plan by the environment and the options, which win.
///
/// # Errors
///
/// A text that names the option or the variable at fault.
pub(crate) fn plan(matches: &ArgMatches) -> Result<Plan, String> {
    let mut environment = PartialConfig::default();
    let mut options = PartialConfig::default();
    for setting in Setting::all() {
        let key = setting.key();
        if let Some(value) = env::var_os(variable(setting)) {
            let values = if setting.is_list() {
                split(&value)
            } else {
                vec![value]
            };
            environment
                .set(key, values)
                .map_err(|error| error.message(variable_of))?;
        }
        // The arguments of another kind of site are not there.
        if let Ok(Some(values)) = matches.try_get_many::<OsString>(setting.name()) {
            options
                .set(key, values)
                .map_err(|error| error.message(option_of))?;
        }
    }
    let name = |key: Key| {
        let is_variable = environment.contains(key) && !options.contains(key);
        if is_variable {
            variable_of(key)
        } else {
            option_of(key)
        }
    };
    environment
        .clone()
        .merge(options.clone())
        .resolve()
        .and_then(Plan::try_from)
        .map_err(|error| error.message(name))
}

/// The message of an error when the server starts, when options have become a plan.
pub(crate) fn message(error: &Error) -> String {
    error.message(option_of)
}

fn argument(setting: &'static Setting, origin: OriginKind) -> Option<Arg> {
    if !setting.group().applies_to(origin) {
        return None;
    }
    let argument = Arg::new(setting.name())
        .help(help(setting))
        .help_heading(heading(setting.group()))
        .value_name(setting.value_name())
        .value_parser(OsStringValueParser::new())
        .action(if setting.is_list() {
            ArgAction::Append
        } else {
            ArgAction::Set
        });
    match setting.front_end() {
        FrontEnd::Argument => {
            // It is in the environment, or nowhere.
            let is_given = env::var_os(variable(setting)).is_some();
            let argument = argument.help_heading(None::<&str>).required(!is_given);
            Some(if setting.is_list() {
                argument.num_args(1..)
            } else {
                argument
            })
        }
        FrontEnd::Option if setting.is_switch() => Some(
            argument
                .long(setting.name())
                .value_name("true|false")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
        ),
        FrontEnd::Option => Some(argument.long(setting.name())),
        // No option for what everybody could read.
        _ => None,
    }
}

/// The description, the default and the variable.
fn help(setting: &Setting) -> String {
    let default = setting.default_value();
    let default = default.map_or_else(String::new, |value| format!(" [default: {value}]"));
    format!("{}{default} [env: {}]", setting.help(), variable(setting))
}

fn heading(group: Group) -> &'static str {
    match group {
        Group::Directory => "Directory",
        Group::Polling => "Releases of upstreams",
        Group::Forwarding => "Forwarding",
        Group::Notice => "Notice",
        _ => "Server",
    }
}

/// How the command line has the setting.
fn option_of(key: Key) -> String {
    match Setting::find(key) {
        Some(setting) => match setting.front_end() {
            FrontEnd::Option => format!("--{}", setting.name()),
            FrontEnd::Argument => setting.value_name().to_owned(),
            _ => variable(setting),
        },
        None => key.to_string(),
    }
}

fn variable_of(key: Key) -> String {
    Setting::find(key).map_or_else(|| key.to_string(), variable)
}

fn variable(setting: &Setting) -> String {
    format!(
        "TIDINGS_{}",
        setting.name().replace('-', "_").to_uppercase()
    )
}

/// A variable can't be repeated: commas separate its values.
fn split(value: &OsString) -> Vec<OsString> {
    match value.to_str() {
        Some(text) => text.split(',').map(OsString::from).collect(),
        None => vec![value.clone()],
    }
}
