//! The message: what the body of an announcement says.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::error::Error;
use crate::release::Policy;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;

/// What is announced. By default no more than that there may be news.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    pub(crate) id: Option<ReleaseId>,
    pub(crate) about: ReleaseMetadata,
    /// What was cut off, for who sent it.
    pub(crate) cuts: Vec<String>,
    /// When it was signed.
    pub(crate) time: Option<SystemTime>,
}

impl Message {
    /// Reads a JSON object of [`FIELDS`], each optional, or nothing at all.
    ///
    /// # Errors
    ///
    /// A text for who sent it that says what is wrong. What would be left out of it is not worth a deploy whose notes
    /// nobody sees.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let object = match serde_json::from_slice(json) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err("the body is no JSON object".to_owned()),
            Err(error) => return Err(format!("the body is no JSON: {error}")),
        };
        let mut message = Self::default();
        let (mut notes, mut label, mut policy) = (None, None, None);
        for (name, value) in object {
            match (name.as_str(), value) {
                ("id" | "notes" | "label" | "policy" | "time", Value::Null) => {}
                ("id", Value::String(id)) => message.id = Some(parsed(&id)?),
                ("notes", Value::String(text)) => notes = Some(text),
                ("label", Value::String(text)) => label = Some(text),
                ("policy", Value::String(word)) => policy = Some(parsed::<Policy>(&word)?),
                ("time", value) => message.time = Some(time(&value)?),
                ("id" | "notes" | "label" | "policy", _) => {
                    return Err(format!("\"{name}\" is no string"));
                }
                _ => {
                    let (name, known) = (start(&name), FIELDS.join(", "));
                    return Err(format!("{name:?} is no field of it: there are {known}"));
                }
            }
        }
        let (metadata, truncated) =
            ReleaseMetadata::new(notes.as_deref(), label.as_deref(), policy);
        message.about = metadata;
        message.cuts = truncated.iter().map(ToString::to_string).collect();
        Ok(message)
    }

    /// True if it says anything beyond that there may be news.
    pub(crate) fn has_content(&self) -> bool {
        self.id.is_some() || !self.about.is_empty()
    }

    /// How far its time is from `now`, if that is too far; and true if it lies ahead.
    pub(crate) fn skew(&self, now: SystemTime) -> Option<(Duration, bool)> {
        let time = self.time?;
        let (skew, is_ahead) = match now.duration_since(time) {
            Ok(age) => (age, false),
            Err(error) => (error.duration(), true),
        };
        (skew > WINDOW).then_some((skew, is_ahead))
    }
}

fn parsed<T: std::str::FromStr<Err = Error>>(word: &str) -> Result<T, String> {
    start(word)
        .parse()
        .map_err(|error: Error| error.to_string())
}

/// Enough of a wrong word to find it by; all of one that may be right.
fn start(word: &str) -> String {
    word.chars().take(MOST_QUOTED).collect()
}

/// A number of seconds since 1970, or a time as RFC 3339 has it.
fn time(value: &Value) -> Result<SystemTime, String> {
    let time = match value {
        Value::Number(seconds) => seconds
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since| UNIX_EPOCH.checked_add(since)),
        Value::String(text) => humantime::parse_rfc3339(text).ok(),
        _ => None,
    };
    time.ok_or_else(|| {
        "\"time\" is no time: use Unix seconds such as 1767225600, or 2026-01-01T00:00:00Z"
            .to_owned()
    })
}

pub(crate) const FIELDS: [&str; 5] = ["id", "notes", "label", "policy", "time"];

/// How far the clock of who signed a message may be from ours.
// Machines that set their clocks are within a second; a CI job may wait for a while between signing and sending.
pub(crate) const WINDOW: Duration = Duration::from_secs(5 * 60);

// Longer than a release id may be, or else a long one could become a right one.
const MOST_QUOTED: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &Message) -> String {
        let id = message.id.as_ref().map_or("", |id| id.as_str());
        let about = &message.about;
        let (notes, label) = (about.notes.as_deref(), about.label.as_deref());
        let policy = about.policy.map_or("", Policy::as_str);
        format!(
            "{id},{},{},{policy}",
            notes.unwrap_or(""),
            label.unwrap_or("")
        )
    }

    #[test]
    fn all_of_it_is_optional() {
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
            let message = Message::parse(json.as_bytes()).unwrap();
            assert_eq!(text(&message), expected, "{json}");
            assert_eq!(message.has_content(), expected != ",,,", "{json}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(100_000));
        for (json, expected) in [
            ("{", "no JSON: EOF"),
            ("[]", "no JSON object"),
            ("\"look\"", "no JSON object"),
            ("\u{0}", "no JSON: expected value"),
            (r#"{"notes":["a"]}"#, r#""notes" is no string"#),
            (r#"{"label":1.4}"#, r#""label" is no string"#),
            (r#"{"id":7}"#, r#""id" is no string"#),
            (r#"{"id":"a b"}"#, "\"a b\" is no release id: use 1 to 64"),
            (&long, "is no release id"),
            (r#"{"policy":"loud"}"#, "\"loud\" is no policy: use prompt"),
            (
                r#"{"Notes":"a"}"#,
                r#""Notes" is no field of it: there are id, notes, label, policy, time"#,
            ),
            (r#"{"time":-1}"#, "is no time"),
            (r#"{"time":1e300}"#, "is no time"),
            (r#"{"time":"yesterday"}"#, "is no time"),
            (r#"{"time":true}"#, "is no time"),
        ] {
            let text = Message::parse(json.as_bytes()).unwrap_err();
            assert!(text.contains(expected), "{json:.60}: {text}");
            assert!(text.len() < 300, "{text}");
        }
    }

    #[test]
    fn who_sent_too_much_is_told_of_the_cut() {
        let json = format!(r#"{{"label":"{}"}}"#, "x".repeat(101));
        let message = Message::parse(json.as_bytes()).unwrap();
        assert_eq!(message.cuts, ["\"label\" is cut to 100 characters"]);
    }

    #[test]
    fn a_clock_may_be_five_minutes_off() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        for (time, skew) in [
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
            let found = Message::parse(json.as_bytes()).unwrap().skew(now);
            let found = found.map(|(skew, is_ahead)| (skew.as_secs(), is_ahead));
            assert_eq!(found, skew, "{time}");
        }
        assert_eq!(Message::default().skew(now), None);
    }
}
