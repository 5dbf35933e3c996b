//! The `tidings.json` at the top of a build: the metadata of its release.

use std::fmt;

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::release::asset::Asset;
use crate::release::metadata::ReleaseMetadata;
use crate::release::metadata::Truncated;
use crate::release::policy::Policy;

/// The fields of the file, each of any type, so that an invalid one does not keep the others back.
#[derive(Debug, Deserialize)]
struct Fields {
    notes: Option<Value>,
    label: Option<Value>,
    policy: Option<Value>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// A problem with the file. The valid fields count nevertheless.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Unreadable(String),
    NotAnObject,
    NotAString(&'static str),
    UnknownPolicy(String),
    Truncated(Truncated),
    UnknownKey(String),
}

/// The metadata in the file, without fields that are not valid. Logs one warning for all problems. Blocks.
pub(crate) fn read(file: &Asset) -> ReleaseMetadata {
    let content = file.plain().content();
    let (metadata, problems) = if content.len() > MAX_BYTES {
        let problem = Problem::Unreadable(format!("it is larger than {MAX_BYTES} bytes"));
        (ReleaseMetadata::default(), vec![problem])
    } else {
        match content.bytes() {
            Ok(json) => parse(&json),
            Err(error) => {
                let problem = Problem::Unreadable(error.to_string());
                (ReleaseMetadata::default(), vec![problem])
            }
        }
    };
    if !problems.is_empty() {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        tracing::warn!(
            path = PATH,
            reason = problems.join("; "),
            "release metadata not fully read"
        );
    }
    metadata
}

fn parse(json: &[u8]) -> (ReleaseMetadata, Vec<Problem>) {
    // Some editors write a byte order mark.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let object = match serde_json::from_slice(json) {
        Ok(object @ Value::Object(_)) => object,
        Ok(_) => return (ReleaseMetadata::default(), vec![Problem::NotAnObject]),
        Err(error) => return unreadable(&error),
    };
    // From the object, since of a key that occurs twice it has the last value.
    let fields: Fields = match serde_json::from_value(object) {
        Ok(fields) => fields,
        Err(error) => return unreadable(&error),
    };
    let mut problems = Vec::new();
    let mut text = |key, value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            problems.push(Problem::NotAString(key));
            None
        }
        None => None,
    };
    let notes = text("notes", fields.notes);
    let label = text("label", fields.label);
    let policy_name = text("policy", fields.policy);
    let policy = policy_name.and_then(|name| {
        let policy = name.parse().ok();
        if policy.is_none() {
            problems.push(Problem::UnknownPolicy(name));
        }
        policy
    });
    let (metadata, truncated) = ReleaseMetadata::new(notes.as_deref(), label.as_deref(), policy);
    problems.extend(truncated.into_iter().map(Problem::Truncated));
    problems.extend(
        fields
            .unknown
            .into_iter()
            .map(|(key, _)| Problem::UnknownKey(key)),
    );
    (metadata, problems)
}

fn unreadable(error: &serde_json::Error) -> (ReleaseMetadata, Vec<Problem>) {
    let problem = Problem::Unreadable(error.to_string());
    (ReleaseMetadata::default(), vec![problem])
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it can't be read: {error}"),
            Self::NotAnObject => f.write_str("it is no JSON object"),
            Self::NotAString(key) => write!(f, "\"{key}\" is no string"),
            Self::UnknownPolicy(name) => {
                let names = Policy::ALL.map(Policy::as_str).join(", ");
                let name = name.chars().take(MAX_QUOTED).collect::<String>();
                write!(f, "\"policy\" is none of {names}: {name:?}")
            }
            Self::Truncated(truncated) => truncated.fmt(f),
            Self::UnknownKey(key) => {
                let key = key.chars().take(MAX_QUOTED).collect::<String>();
                write!(f, "unknown key {key:?}")
            }
        }
    }
}

/// The path of the file, which is not served.
pub(crate) const PATH: &str = "/tidings.json";

// Far more than the longest notes take, however they are escaped.
const MAX_BYTES: u64 = 256 * 1024;

// Enough of a wrong value to find it by.
const MAX_QUOTED: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: (&str, &str, &str), problems: &[&str]) {
        let (metadata, found) = parse(json.as_bytes());
        let fields = (
            metadata.notes.as_deref().unwrap_or(""),
            metadata.label.as_deref().unwrap_or(""),
            metadata.policy.map_or("", Policy::as_str),
        );
        assert_eq!(fields, expected, "{json}");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), problems.len(), "{found:?}");
        for (found, part) in found.iter().zip(problems) {
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn metadata_file_with_any_fields_is_read() {
        check("{}", ("", "", ""), &[]);
        check(
            r#"{"notes":"New: dark mode.\nhttps://x.example","policy":"idle","label":"1.4.2"}"#,
            ("New: dark mode.\nhttps://x.example", "1.4.2", "idle"),
            &[],
        );
        check(
            "\u{feff}{\"notes\":null,\"label\":\" \",\"policy\":\"silent\"}\n",
            ("", "", "silent"),
            &[],
        );
        check(r#"{"label":"1","label":"2"}"#, ("", "2", ""), &[]);
    }

    #[test]
    fn metadata_file_with_invalid_fields_keeps_the_others() {
        check("", ("", "", ""), &["can't be read"]);
        check("{\"label\":\"1\"", ("", "", ""), &["line 1"]);
        check("[]", ("", "", ""), &["no JSON object"]);
        check(
            r#"{"label":"1","notes":["a"],"policy":true,"Notes":"x"}"#,
            ("", "1", ""),
            &[
                "\"notes\" is no string",
                "\"policy\" is no string",
                "\"Notes\"",
            ],
        );
        check(
            r#"{"policy":"Force","notes":"x"}"#,
            ("x", "", ""),
            &["prompt, navigate, idle, force, silent: \"Force\""],
        );
        check(
            r#"{"label":1.4}"#,
            ("", "", ""),
            &["\"label\" is no string"],
        );
    }

    #[test]
    fn metadata_file_with_long_notes_truncates_them() {
        let notes = "é".repeat(4001);
        let json = format!("{{\"notes\":\"{notes}\"}}");
        let expected = "é".repeat(4000);
        check(&json, (expected.as_str(), "", ""), &["cut to 4000"]);
        let json = format!("{{\"notes\":\"{expected}\"}}");
        check(&json, (expected.as_str(), "", ""), &[]);
    }
}
