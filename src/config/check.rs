//! Checks of settings, and of what they come to together.

use std::time::Duration;

use crate::config::Config;
use crate::config::Directory;
use crate::config::Served;
use crate::config::Upstreams;
use crate::error::Error;
use crate::error::Kind;
use crate::http::prefix::ReservedPrefix;

/// Refuses what makes no sense, with a text that names the option and says what would.
pub(crate) fn all(config: &Config) -> Result<(), Error> {
    let address = config.listen.rsplit_once(':');
    if !address.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return refuse(format!(
            "--listen {}: write it like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
            config.listen
        ));
    }
    if let Err(error) = ReservedPrefix::parse(&config.prefix) {
        return refuse(format!("--prefix: {error}"));
    }
    match &config.served {
        Served::Directory(directory) => check_directory(directory)?,
        Served::Upstreams(upstreams) => check_upstreams(upstreams)?,
    }
    check_routes(config)?;
    if let Err(error) = config.client.check() {
        return refuse(error.to_string());
    }
    if config.max_streams == 0 {
        return refuse("--max-streams 0 would tell nobody of anything: 1 is the least".to_owned());
    }
    Ok(())
}

fn check_directory(directory: &Directory) -> Result<(), Error> {
    if directory.path.is_file() {
        return refuse(format!(
            "{} is a file: give the directory it is in",
            directory.path.display()
        ));
    }
    let (quiet, patience) = (directory.quiet, directory.incomplete_after);
    if quiet > patience {
        return refuse(format!(
            "--debounce {quiet:?} is longer than --incomplete-after {patience:?}: a build would be given up before it is looked at"
        ));
    }
    check_interval("--rescan-interval", directory.poll, SHORTEST_LOOK)
}

fn check_upstreams(upstreams: &Upstreams) -> Result<(), Error> {
    check_interval("--poll-interval", upstreams.every, SHORTEST_POLL)?;
    if let Some((path, every)) = &upstreams.health {
        if !is_path(path) {
            return refuse(format!("--health-path {path}: write it like /healthz"));
        }
        check_interval("--health-interval", *every, SHORTEST_LOOK)?;
    }
    Ok(())
}

fn check_routes(config: &Config) -> Result<(), Error> {
    let reserved = ReservedPrefix::parse(&config.prefix)?.join("");
    for (number, (route, _)) in config.routes.iter().enumerate() {
        let path = route.path();
        let folder = format!("{}/", path.trim_end_matches('/'));
        if reserved.starts_with(&folder) || folder.starts_with(&reserved) {
            return refuse(format!(
                "--route {path}: what is below {} is reserved; choose another path, or another --prefix",
                config.prefix
            ));
        }
        let mut others = config.routes[..number].iter();
        if others.any(|(other, _)| other.path() == path) {
            return refuse(format!(
                "--route {path} is there twice: put its upstreams into one, with commas"
            ));
        }
    }
    Ok(())
}

fn check_interval(option: &str, interval: Duration, least: Duration) -> Result<(), Error> {
    if interval < least {
        return refuse(format!(
            "{option} {interval:?} is too short: {least:?} is the least"
        ));
    }
    Ok(())
}

/// True for a path on this host, with a query perhaps.
fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok()
}

fn refuse(text: String) -> Result<(), Error> {
    Err(Error::new(Kind::Config(text)))
}

const SHORTEST_LOOK: Duration = Duration::from_millis(100);

// An upstream makes its pages each time, perhaps with a database.
const SHORTEST_POLL: Duration = Duration::from_secs(1);
