//! Durations and sizes as text: `10s`, `512M`.

use std::time::Duration;

use crate::error::Error;
use crate::error::Kind;

/// Parses a duration: numbers with units from `ns` to `years`, as in `200ms`, `10s` or `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, Error> {
    let duration = humantime::parse_duration(text);
    duration.map_err(|error| invalid(text, "a time such as 200ms, 10s or 2m").with(error))
}

pub(crate) fn format_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// Parses a size in bytes: a number, perhaps with a unit, each 1024 times the one before: `K`, `M`, `G`.
pub(crate) fn parse_size(text: &str) -> Result<u64, Error> {
    let expected = || invalid(text, "a size such as 64M or 2G");
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        _ => return Err(expected()),
    };
    let number: u64 = number.parse().map_err(|_| expected())?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}

/// The size in its largest unit that leaves no fraction.
pub(crate) fn format_size(bytes: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let unit = units
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    match unit {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

fn invalid(text: &str, expected: &'static str) -> Error {
    Error::new(Kind::InvalidValue {
        value: text.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn size_takes_a_number_with_a_unit() {
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
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn size_is_formatted_in_the_largest_whole_unit() {
        for (bytes, text) in [
            (0, "0"),
            (1000, "1000"),
            (1536, "1536"),
            (1 << 20, "1M"),
            (3 << 30, "3G"),
        ] {
            assert_eq!(format_size(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn size_as_text_is_parsed_to_the_same(bytes: u64) {
            prop_assert_eq!(parse_size(&format_size(bytes)).ok(), Some(bytes));
        }

        #[test]
        fn duration_as_text_is_parsed_to_the_same(ms in 0..10_000_000_000_u64) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&format_duration(duration)).ok(), Some(duration));
        }
    }
}
