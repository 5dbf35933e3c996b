//! Reading and writing what one source gives.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

use crate::config::applicability;
use crate::config::setting::Setting;
use crate::config::settings::Config;
use crate::config::settings::PartialConfig;
use crate::config::value::Raw;
use crate::error::Error;
use crate::error::Key;
use crate::error::Kind;

impl PartialConfig {
    /// Sets a setting from text: one value, or any number if it is a list.
    ///
    /// # Errors
    ///
    /// If the values are invalid. The error has the key.
    pub fn set<T: Into<OsString>>(
        &mut self,
        key: Key,
        values: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let mut values: Vec<_> = values
            .into_iter()
            .map(|value| Raw::from(value.into()))
            .collect();
        let is_list = Setting::find(key).is_some_and(Setting::is_list);
        let raw = match values.len() {
            1 if !is_list => values.remove(0),
            _ => Raw::List(values),
        };
        self.set_raw(key, raw).map_err(|error| error.with_key(key))
    }

    /// The settings that this source gives.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        Setting::all()
            .map(Setting::key)
            .filter(|key| self.contains(*key))
    }

    /// A configuration with these settings, and the defaults of all others.
    ///
    /// # Errors
    ///
    /// If there is neither a directory nor an upstream, or if a setting has no effect, such as one of directories where
    /// there are upstreams.
    pub fn resolve(self) -> Result<Config, Error> {
        let given: Vec<_> = self.keys().collect();
        let config = Config::from(self);
        applicability::check(&config, given)?;
        Ok(config)
    }

    /// Sets all settings of a table whose keys begin with `prefix`.
    fn set_table(&mut self, prefix: &str, table: BTreeMap<String, Raw>) -> Result<(), Error> {
        for (name, raw) in table {
            let path = format!("{prefix}{name}");
            let folder = format!("{path}.");
            let mut settings = Setting::all();
            match (settings.find(|setting| setting.key().as_str() == path), raw) {
                (Some(setting), raw) => self
                    .set_raw(setting.key(), raw)
                    .map_err(|error| error.with_key(setting.key()))?,
                (None, Raw::Table(table))
                    if Setting::all()
                        .any(|setting| setting.key().as_str().starts_with(&folder)) =>
                {
                    self.set_table(&folder, table)?;
                }
                (None, _) => return Err(Error::new(Kind::UnknownKey(path))),
            }
        }
        Ok(())
    }

    /// The tables of a configuration file.
    fn to_table(&self) -> BTreeMap<String, Raw> {
        let mut all = BTreeMap::new();
        for key in self.keys() {
            let Some(raw) = self.raw(key) else { continue };
            match key.as_str().split_once('.') {
                Some((table, name)) => {
                    let table = all
                        .entry(table.to_owned())
                        .or_insert_with(|| Raw::Table(BTreeMap::new()));
                    if let Raw::Table(table) = table {
                        table.insert(name.to_owned(), raw);
                    }
                }
                None => {
                    all.insert(key.to_string(), raw);
                }
            }
        }
        all
    }
}

impl Serialize for PartialConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_table().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PartialConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = BTreeMap::deserialize(deserializer)?;
        let mut partial = Self::default();
        partial.set_table("", table).map_err(D::Error::custom)?;
        Ok(partial)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PartialConfig::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PartialConfig::deserialize(deserializer).map(Self::from)
    }
}

impl Config {
    /// The settings that are not what they are by default.
    pub(crate) fn changed(&self) -> Vec<Key> {
        let (own, default) = (
            PartialConfig::from(self.clone()),
            PartialConfig::from(Self::default()),
        );
        let changed = own.keys().filter(|key| own.raw(*key) != default.raw(*key));
        changed.collect()
    }
}
