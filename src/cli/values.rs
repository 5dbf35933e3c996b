//! Values of arguments: times and sizes.

use std::time::Duration;

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text);
    duration.map_err(|error| format!("{error}: write it like 200ms, 10s or 2m"))
}

/// A time within which something has to happen: none at all would be nothing ever.
pub(crate) fn limit(text: &str) -> Result<Duration, String> {
    let limit = duration(text)?;
    if limit.is_zero() {
        return Err("no time at all is too short".to_owned());
    }
    Ok(limit)
}

pub(crate) fn size(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        _ => return Err("write it like 64M or 2G".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write it like 64M or 2G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is too much".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
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
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
