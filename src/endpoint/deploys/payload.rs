//! The payload: the body of an announcement.

use std::str::FromStr;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use serde_json::Value;

use crate::error::Error;
use crate::release::Policy;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;

/// An announcement. By default it only requests a check for a new release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Payload {
    pub(crate) id: Option<ReleaseId>,
    pub(crate) metadata: ReleaseMetadata,
    /// A clause for each field that was truncated, for the sender.
    pub(crate) truncated_fields: Vec<String>,
    /// When it was signed.
    pub(crate) time: Option<SystemTime>,
}

/// The JSON object: every field is optional, and may be `null`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, deserialize_with = "id")]
    id: Option<ReleaseId>,
    #[serde(default, deserialize_with = "notes")]
    notes: Option<String>,
    #[serde(default, deserialize_with = "label")]
    label: Option<String>,
    #[serde(default, deserialize_with = "policy")]
    policy: Option<Policy>,
    #[serde(default, deserialize_with = "time")]
    time: Option<SystemTime>,
}

impl Payload {
    /// Parses a JSON object, or an empty body.
    ///
    /// # Errors
    ///
    /// A text for the sender. Unknown fields are errors: a deploy is not worth much if nobody sees its notes because of
    /// a misspelt name.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let object: Value = serde_json::from_slice(json)
            .map_err(|error| format!("the body is not JSON: {error}"))?;
        if !object.is_object() {
            return Err("the body is not a JSON object".to_owned());
        }
        // From a value, or the last one of two fields with one name would be an error.
        let fields = serde_json::from_value(object);
        let Fields {
            id,
            notes,
            label,
            policy,
            time,
        } = fields.map_err(|error| truncate(&error.to_string(), MAX_ERROR_CHARS))?;
        let (metadata, truncated_fields) =
            ReleaseMetadata::new(notes.as_deref(), label.as_deref(), policy);
        Ok(Self {
            id,
            metadata,
            truncated_fields: truncated_fields.iter().map(ToString::to_string).collect(),
            time,
        })
    }

    /// True unless it only requests a check.
    pub(crate) fn has_content(&self) -> bool {
        self.id.is_some() || !self.metadata.is_empty()
    }

    /// The distance of its time from `now` if that exceeds [`MAX_CLOCK_SKEW`], and true if it is in the future.
    pub(crate) fn clock_skew(&self, now: SystemTime) -> Option<(Duration, bool)> {
        let time = self.time?;
        let (skew, is_ahead) = match now.duration_since(time) {
            Ok(age) => (age, false),
            Err(error) => (error.duration(), true),
        };
        (skew > MAX_CLOCK_SKEW).then_some((skew, is_ahead))
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ReleaseId>, D::Error> {
    parse_string("id", deserializer)
}

fn notes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    string("notes", deserializer)
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    string("label", deserializer)
}

fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Policy>, D::Error> {
    parse_string("policy", deserializer)
}

/// Unix seconds, or a timestamp (RFC 3339).
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let time = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(seconds) => seconds
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since| UNIX_EPOCH.checked_add(since)),
        Value::String(text) => humantime::parse_rfc3339(&text).ok(),
        _ => None,
    };
    let invalid =
        "\"time\" is not a time: use Unix seconds such as 1767225600, or 2026-01-01T00:00:00Z";
    time.map(Some).ok_or_else(|| D::Error::custom(invalid))
}

fn parse_string<'de, T, D>(name: &str, deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err = Error>,
    D: Deserializer<'de>,
{
    let text = string(name, deserializer)?;
    let parsed = text.map(|text| truncate(&text, MAX_QUOTED).parse());
    parsed.transpose().map_err(D::Error::custom)
}

fn string<'de, D>(name: &str, deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(D::Error::custom(format!("\"{name}\" is not a string"))),
    }
}

fn truncate(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

/// How far the time of a signed payload may be from this machine's clock.
// Synchronized clocks are within a second of each other; a CI job may wait between signing and sending.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

// Longer than a release id may be, or a long one could be truncated into a valid one.
const MAX_QUOTED: usize = 80;

// The name of an unknown field may be as long as the body.
const MAX_ERROR_CHARS: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(payload: &Payload) -> String {
        let id = payload.id.as_ref().map_or("", |id| id.as_str());
        let metadata = &payload.metadata;
        let (notes, label) = (metadata.notes.as_deref(), metadata.label.as_deref());
        let policy = metadata.policy.map_or("", Policy::as_str);
        format!(
            "{id},{},{},{policy}",
            notes.unwrap_or(""),
            label.unwrap_or("")
        )
    }

    #[test]
    fn payload_fields_are_optional() {
        for (json, expected) in [
            ("", ",,,"),
            (" \n", ",,,"),
            ("{}", ",,,"),
            (
                r#"{"id":null,"notes":null,"label":" ","policy":null,"time":null}"#,
                ",,,",
            ),
            (
                r#"{"id":"v1","notes":"n","label":"1","policy":"force"}"#,
                "v1,n,1,force",
            ),
        ] {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            assert_eq!(describe(&payload), expected, "{json}");
            assert_eq!(payload.has_content(), expected != ",,,", "{json}");
        }
    }

    #[test]
    fn invalid_payload_names_the_field() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(100_000));
        let unknown = format!(r#"{{"{}":1}}"#, "x".repeat(100_000));
        for (json, expected) in [
            ("{", "not JSON: EOF"),
            ("[]", "not a JSON object"),
            ("\"look\"", "not a JSON object"),
            ("\u{0}", "not JSON: expected value"),
            (r#"{"notes":["a"]}"#, r#""notes" is not a string"#),
            (r#"{"label":1.4}"#, r#""label" is not a string"#),
            (r#"{"id":7}"#, r#""id" is not a string"#),
            (r#"{"id":"a b"}"#, "invalid release id \"a b\": use 1 to 64"),
            (&long, "invalid release id"),
            (&unknown, "unknown field `xxx"),
            (
                r#"{"policy":"loud"}"#,
                "invalid policy \"loud\": use prompt",
            ),
            (
                r#"{"Notes":"a"}"#,
                "unknown field `Notes`, expected one of `id`, `notes`, `label`, `policy`, `time`",
            ),
            (r#"{"time":-1}"#, "is not a time"),
            (r#"{"time":1e300}"#, "is not a time"),
            (r#"{"time":"yesterday"}"#, "is not a time"),
            (r#"{"time":true}"#, "is not a time"),
        ] {
            let text = Payload::parse(json.as_bytes()).unwrap_err();
            assert!(text.contains(expected), "{json:.60}: {text}");
            assert!(text.len() < 300, "{text}");
        }
    }

    #[test]
    fn long_label_is_reported_as_truncated() {
        let json = format!(r#"{{"label":"{}"}}"#, "x".repeat(101));
        let payload = Payload::parse(json.as_bytes()).unwrap();
        assert_eq!(
            payload.truncated_fields,
            ["\"label\" is cut to 100 characters"]
        );
    }

    #[test]
    fn clock_skew_above_five_minutes_is_returned() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        for (time, expected) in [
            ("1767225600", None),
            ("1767225600.5", None),
            ("\"2026-01-01T00:00:00Z\"", None),
            ("1767225300", None),
            ("1767225299", Some((301, false))),
            ("1767225900", None),
            ("1767225901", Some((301, true))),
            ("\"2026-01-01T01:00:00Z\"", Some((3600, true))),
            ("0", Some((1_767_225_600, false))),
        ] {
            let json = format!("{{\"time\":{time}}}");
            let found = Payload::parse(json.as_bytes()).unwrap().clock_skew(now);
            let found = found.map(|(skew, is_ahead)| (skew.as_secs(), is_ahead));
            assert_eq!(found, expected, "{time}");
        }
        assert_eq!(Payload::default().clock_skew(now), None);
    }
}
