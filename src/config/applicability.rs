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
    let origin = config.origin_kind()?;
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

fn ineffective(key: Key, why: &str) -> Error {
    let kind = Kind::Setting {
        value: String::new(),
        why: why.to_owned(),
    };
    Error::new(kind).with_key(key)
}
