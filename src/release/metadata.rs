//! What a build says of itself, in the `tidings.json` at its top.

use std::fmt;

use serde_json::Value;

use crate::release::asset::Asset;
use crate::release::policy::Policy;

/// What is said of a release beside its files. No part of its id: it changes nothing that is served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct About {
    pub(crate) notes: Option<Box<str>>,
    pub(crate) label: Option<Box<str>>,
    pub(crate) policy: Option<Policy>,
}

/// Something that is wrong with the file; the rest of it counts all the same.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Unreadable(String),
    NoObject,
    NoText(&'static str),
    NoPolicy(String),
    TooLong(&'static str, usize),
    UnknownKey(String),
}

impl About {
    /// What is said from outside; and of each text that is too long, that it is cut.
    pub(crate) fn said(
        notes: Option<&str>,
        label: Option<&str>,
        policy: Option<Policy>,
    ) -> (Self, Vec<String>) {
        let (notes, long_notes) = notes.map_or_else(Default::default, |text| cut(NOTES, text));
        let (label, long_label) = label.map_or_else(Default::default, |text| cut(LABEL, text));
        let about = Self {
            notes,
            label,
            policy,
        };
        let cuts = long_notes.iter().chain(&long_label);
        (about, cuts.map(ToString::to_string).collect())
    }

    /// The names of what it says.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let said = [
            ("label", self.label.is_some()),
            ("notes", self.notes.is_some()),
            ("policy", self.policy.is_some()),
        ];
        let said = said.into_iter().filter(|(_, is_said)| *is_said);
        said.map(|(name, _)| name).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names().is_empty()
    }

    /// This, and where it is silent what `other` says.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            notes: self.notes.as_ref().or(other.notes.as_ref()).cloned(),
            label: self.label.as_ref().or(other.label.as_ref()).cloned(),
            policy: self.policy.or(other.policy),
        }
    }

    /// True if `other` says nothing else about what this is about.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.or(other) == other.or(self)
    }

    /// Puts what is said into a JSON object.
    pub(crate) fn write(&self, object: &mut Value) {
        let said = [
            ("label", self.label.as_deref()),
            ("notes", self.notes.as_deref()),
            ("policy", self.policy.map(Policy::as_str)),
        ];
        for (name, text) in said {
            if let Some(text) = text {
                object[name] = text.into();
            }
        }
    }

    /// What the file says; whatever is wrong with it is left out and told the operator, all in one warning. Blocks.
    pub(crate) fn read(file: &Asset) -> Self {
        let content = file.plain().content();
        let (about, faults) = if content.len() > MOST_BYTES {
            let fault = Fault::Unreadable(format!("it is larger than {MOST_BYTES} bytes"));
            (Self::default(), vec![fault])
        } else {
            match content.bytes() {
                Ok(json) => Self::parse(&json),
                Err(error) => (Self::default(), vec![Fault::Unreadable(error.to_string())]),
            }
        };
        if !faults.is_empty() {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            tracing::warn!("{} is not all right: {}", &PATH[1..], faults.join("; "));
        }
        about
    }

    fn parse(json: &[u8]) -> (Self, Vec<Fault>) {
        let mut about = Self::default();
        // Some editors put a byte order mark in front.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let object = match serde_json::from_slice(json) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return (about, vec![Fault::NoObject]),
            Err(error) => return (about, vec![Fault::Unreadable(error.to_string())]),
        };
        let mut faults = Vec::new();
        for (key, value) in object {
            match (key.as_str(), value) {
                ("notes" | "label" | "policy", Value::Null) => {}
                ("notes", Value::String(notes)) => {
                    let (notes, fault) = cut(NOTES, &notes);
                    about.notes = notes;
                    faults.extend(fault);
                }
                ("label", Value::String(label)) => {
                    let (label, fault) = cut(LABEL, &label);
                    about.label = label;
                    faults.extend(fault);
                }
                ("policy", Value::String(word)) => match word.parse() {
                    Ok(policy) => about.policy = Some(policy),
                    Err(_) => faults.push(Fault::NoPolicy(word)),
                },
                ("notes", _) => faults.push(Fault::NoText("notes")),
                ("label", _) => faults.push(Fault::NoText("label")),
                ("policy", _) => faults.push(Fault::NoText("policy")),
                _ => faults.push(Fault::UnknownKey(key)),
            }
        }
        (about, faults)
    }

    pub(crate) fn set_notes(&mut self, notes: &str) {
        self.notes = or_warn(cut(NOTES, notes));
    }

    pub(crate) fn set_label(&mut self, label: &str) {
        self.label = or_warn(cut(LABEL, label));
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it can't be read: {why}"),
            Self::NoObject => f.write_str("it is no JSON object"),
            Self::NoText(key) => write!(f, "\"{key}\" is no string"),
            Self::NoPolicy(word) => {
                let words = Policy::ALL.map(Policy::as_str).join(", ");
                let word = word.chars().take(MOST_QUOTED).collect::<String>();
                write!(f, "\"policy\" is none of {words}: {word:?}")
            }
            Self::TooLong(key, most) => {
                write!(f, "\"{key}\" is cut to {most} characters")
            }
            Self::UnknownKey(key) => {
                let key = key.chars().take(MOST_QUOTED).collect::<String>();
                write!(f, "{key:?} is no key of it")
            }
        }
    }
}

/// A text that may be so long.
type Bound = (&'static str, usize);

/// The text within its bound; nothing for an empty one.
fn cut((key, most): Bound, text: &str) -> (Option<Box<str>>, Option<Fault>) {
    let text = text.trim();
    let end = text.char_indices().nth(most).map(|(at, _)| at);
    let kept = &text[..end.unwrap_or(text.len())];
    let kept = (!kept.is_empty()).then(|| kept.into());
    (kept, end.map(|_| Fault::TooLong(key, most)))
}

fn or_warn((text, fault): (Option<Box<str>>, Option<Fault>)) -> Option<Box<str>> {
    if let Some(fault) = fault {
        tracing::warn!("{fault}");
    }
    text
}

pub(crate) const PATH: &str = "/tidings.json";

// Notes go to every open tab with every release. What is longer belongs behind a link.
const NOTES: Bound = ("notes", 4000);
const LABEL: Bound = ("label", 100);

// Far more than the longest notes take, however they are escaped.
const MOST_BYTES: u64 = 256 * 1024;

// Enough of a wrong word to find it by.
const MOST_QUOTED: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: (&str, &str, &str), faults: &[&str]) {
        let (about, found) = About::parse(json.as_bytes());
        let said = (
            about.notes.as_deref().unwrap_or(""),
            about.label.as_deref().unwrap_or(""),
            about.policy.map_or("", Policy::as_str),
        );
        assert_eq!(said, expected, "{json}");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), faults.len(), "{found:?}");
        for (found, part) in found.iter().zip(faults) {
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn all_of_it_is_optional() {
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
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_counts() {
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
    fn a_word_agrees_with_one_about_something_else() {
        let about = |notes: &str, label: &str| About::said(Some(notes), Some(label), None).0;
        let (notes, label) = (about("n", ""), about("", "1"));
        assert!(notes.agrees_with(&label));
        assert_eq!(notes.or(&label), about("n", "1"));
        assert!(!notes.agrees_with(&about("other", "1")));
        assert_eq!(notes.or(&about("other", "1")), about("n", "1"));
        assert_eq!(label.names(), ["label"]);
        assert!(about(" ", "").is_empty());
    }

    #[test]
    fn long_notes_are_cut_between_characters() {
        let notes = "é".repeat(NOTES.1 + 1);
        let json = format!("{{\"notes\":\"{notes}\"}}");
        let expected = "é".repeat(NOTES.1);
        check(&json, (expected.as_str(), "", ""), &["cut to 4000"]);
        let json = format!("{{\"notes\":\"{expected}\"}}");
        check(&json, (expected.as_str(), "", ""), &[]);
    }
}
