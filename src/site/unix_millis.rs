//! Wall clock times in milliseconds since 1970, as JSON and the client have them.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Deserialize as _;
use serde::Deserializer;
use serde::Serializer;
use serde::de;

/// The milliseconds from 1970 to this time; 0 for an earlier one.
pub(crate) fn from_time(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// For `#[serde(with = …)]`.
pub(crate) fn serialize<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(from_time(*time))
}

/// For `#[serde(with = …)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SystemTime, D::Error> {
    let millis = u64::deserialize(deserializer)?;
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
    time.ok_or_else(|| de::Error::custom("time out of range"))
}
