//! Which settings have an effect, by the others.

use crate::config::setting::OriginKind;
use crate::config::setting::Setting;
use crate::config::settings::Config;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;

/// Checks that all of `given`, the settings that are not left to their defaults, have an effect in `config`.
///
/// # Errors
///
/// If one has none.
pub(crate) fn check(config: &Config, given: impl IntoIterator<Item = Key>) -> Result<(), Error> {
    let origin = origin_kind(config)?;
    for key in given {
        let setting = Setting::find(key);
        if setting.is_some_and(|setting| !setting.group().applies_to(origin)) {
            return Err(ineffective(
                key,
                match origin {
                    OriginKind::Directory => {
                        "it only applies to a site with upstreams, not to a directory"
                    }
                    OriginKind::Upstreams => {
                        "it only applies to a site in a directory, not to upstreams"
                    }
                },
            ));
        }
        if key == Key::HEALTH_INTERVAL && config.health_path.is_none() {
            return Err(ineffective(
                key,
                "it has no effect without a path for health checks",
            ));
        }
    }
    Ok(())
}

/// Where the files of the site come from.
fn origin_kind(config: &Config) -> Result<OriginKind, Error> {
    match (&config.root, config.upstream.as_slice()) {
        (Some(_), []) => Ok(OriginKind::Directory),
        (None, [_, ..]) => Ok(OriginKind::Upstreams),
        (None, []) => Err(Error::new(Kind::Setting {
            value: String::new(),
            why: "set the directory of the site, or its upstreams".to_owned(),
        })
        .with_key(Key::ROOT)),
        (Some(root), [upstream, ..]) => Err(Error::new(Kind::Conflict {
            value: root.display().to_string(),
            other: Key::UPSTREAM,
            other_value: upstream.to_string(),
            why: "a site has either a directory or upstreams",
        })
        .with_key(Key::ROOT)),
    }
}

fn ineffective(key: Key, why: &str) -> Error {
    let kind = Kind::Setting {
        value: String::new(),
        why: why.to_owned(),
    };
    Error::new(kind).with_key(key)
}
