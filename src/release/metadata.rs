//! The metadata of a release: label, notes and policy.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::release::policy::Policy;

/// What is known of a release beside its files. It is not part of the id, since it changes nothing that is served.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReleaseMetadata {
    /// The name for humans: `1.4.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<Box<str>>,
    /// The release notes: a text, or the URL of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<Box<str>>,
    /// The policy by which open tabs update to the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Policy>,
}

/// A field that was longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truncated {
    field: &'static str,
    max_chars: usize,
}

impl ReleaseMetadata {
    /// Metadata with these texts, trimmed, and the fields that had to be truncated. An empty text counts as none.
    pub(crate) fn new(
        notes: Option<&str>,
        label: Option<&str>,
        policy: Option<Policy>,
    ) -> (Self, Vec<Truncated>) {
        let (notes, long_notes) = notes.map_or_else(Default::default, |text| truncate(NOTES, text));
        let (label, long_label) = label.map_or_else(Default::default, |text| truncate(LABEL, text));
        let metadata = Self {
            label,
            notes,
            policy,
        };
        (metadata, long_notes.into_iter().chain(long_label).collect())
    }

    /// The names of the fields that are set.
    pub(crate) fn field_names(&self) -> Vec<&'static str> {
        let fields = [
            ("label", self.label.is_some()),
            ("notes", self.notes.is_some()),
            ("policy", self.policy.is_some()),
        ];
        let set = fields.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(name, _)| name).collect()
    }

    /// True if no field is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.field_names().is_empty()
    }

    /// Returns `self`, with missing fields taken from `other`.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            label: self.label.as_ref().or(other.label.as_ref()).cloned(),
            notes: self.notes.as_ref().or(other.notes.as_ref()).cloned(),
            policy: self.policy.or(other.policy),
        }
    }

    /// True if no field is set in both with different values.
    pub(crate) fn is_compatible_with(&self, other: &Self) -> bool {
        self.or(other) == other.or(self)
    }

    /// Sets the notes; truncates them, with a warning, if they are too long.
    pub(crate) fn set_notes(&mut self, notes: &str) {
        self.notes = truncate_with_warning(NOTES, notes);
    }

    /// Sets the label; truncates it, with a warning, if it is too long.
    pub(crate) fn set_label(&mut self, label: &str) {
        self.label = truncate_with_warning(LABEL, label);
    }
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, max_chars } = self;
        write!(f, "\"{field}\" is cut to {max_chars} characters")
    }
}

/// The name of a text field, and the number of characters it may have.
type TextField = (&'static str, usize);

/// The text within its limit; `None` for an empty one.
fn truncate((field, max_chars): TextField, text: &str) -> (Option<Box<str>>, Option<Truncated>) {
    let text = text.trim();
    let end = text.char_indices().nth(max_chars).map(|(at, _)| at);
    let kept = &text[..end.unwrap_or(text.len())];
    let kept = (!kept.is_empty()).then(|| kept.into());
    (kept, end.map(|_| Truncated { field, max_chars }))
}

fn truncate_with_warning(field: TextField, text: &str) -> Option<Box<str>> {
    let (text, truncated) = truncate(field, text);
    if let Some(Truncated { field, max_chars }) = truncated {
        tracing::warn!(field, max_chars, "release metadata truncated");
    }
    text
}

// Notes go to every open tab with every release. Longer texts belong behind a URL.
const NOTES: TextField = ("notes", 4000);
const LABEL: TextField = ("label", 100);

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(notes: &str, label: &str) -> ReleaseMetadata {
        ReleaseMetadata::new(Some(notes), Some(label), None).0
    }

    #[test]
    fn metadata_with_other_fields_is_compatible() {
        let (notes, label) = (metadata("n", ""), metadata("", "1"));
        assert!(notes.is_compatible_with(&label));
        assert_eq!(notes.or(&label), metadata("n", "1"));
        assert!(!notes.is_compatible_with(&metadata("other", "1")));
        assert_eq!(notes.or(&metadata("other", "1")), metadata("n", "1"));
        assert_eq!(label.field_names(), ["label"]);
        assert!(metadata(" ", "").is_empty());
    }

    #[test]
    fn notes_past_their_limit_are_truncated_between_characters() {
        let notes = "é".repeat(NOTES.1 + 1);
        let (metadata, truncated) = ReleaseMetadata::new(Some(&notes), None, None);
        assert_eq!(metadata.notes.as_deref(), Some(&*"é".repeat(NOTES.1)));
        let truncated: Vec<_> = truncated.iter().map(ToString::to_string).collect();
        assert_eq!(truncated, ["\"notes\" is cut to 4000 characters"]);
        let (_, truncated) = ReleaseMetadata::new(metadata.notes.as_deref(), None, None);
        assert_eq!(truncated, []);
    }

    #[test]
    fn metadata_as_json_has_only_fields_that_are_set() {
        let (metadata, _) = ReleaseMetadata::new(Some("n"), None, Some(Policy::Idle));
        let json = serde_json::to_string(&metadata).unwrap();
        assert_eq!(json, r#"{"notes":"n","policy":"idle"}"#);
        let read: ReleaseMetadata = serde_json::from_str(&json).unwrap();
        assert_eq!(read, metadata);
    }
}
