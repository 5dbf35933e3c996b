//! What tabs are told of a release.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;

use crate::digest::Digest;
use crate::release::Policy;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::release::diff::ReleaseDiff;

/// What tabs are told of a release: state, not history.
#[derive(Debug)]
pub(crate) struct Announcement {
    number: u64,
    pub(crate) published: SystemTime,
    data: AnnouncementData,
    json: Bytes,
    etag: HeaderValue,
    event: OnceLock<Bytes>,
    /// By the older release, for as long as this is the current one: thousands of tabs ask at the same time.
    changes: Mutex<HashMap<ReleaseId, Bytes>>,
}

/// The announcement as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct AnnouncementData {
    id: String,
    /// In milliseconds since 1970.
    built: u64,
    /// As a timestamp (RFC 3339).
    published: String,
    previous: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'static str>,
}

impl Announcement {
    /// The next one, of this release and what is said of it.
    pub(crate) fn after(
        last: Option<&Self>,
        release: &Release,
        about: &ReleaseMetadata,
        previous: &[ReleaseId],
    ) -> Self {
        let number = last.map_or(0, |last| last.number) + 1;
        // Whatever the clock does, a later publish has a later time.
        let earliest = last.map_or(UNIX_EPOCH, |last| last.published + Duration::from_millis(1));
        let published = SystemTime::now().max(earliest);
        Self::new(number, published, release, about, previous)
    }

    /// The same news, of a release with other times, with more to say, or with other files that no page leads to.
    pub(crate) fn again(
        &self,
        release: &Release,
        about: &ReleaseMetadata,
        previous: &[ReleaseId],
    ) -> Self {
        Self::new(self.number, self.published, release, about, previous)
    }

    fn new(
        number: u64,
        published: SystemTime,
        release: &Release,
        about: &ReleaseMetadata,
        previous: &[ReleaseId],
    ) -> Self {
        let data = AnnouncementData {
            id: release.id().to_string(),
            built: release.built(),
            published: humantime::format_rfc3339_millis(published).to_string(),
            previous: previous.iter().map(ToString::to_string).collect(),
            label: about.label.clone(),
            notes: about.notes.clone(),
            policy: about.policy.map(Policy::as_str),
        };
        // Strings and numbers always serialize.
        let json = serde_json::to_vec(&data).unwrap_or_default();
        let digest = Digest::new(&json).hex(8);
        let etag = HeaderValue::try_from(format!("\"{digest}\""));
        Self {
            number,
            published,
            data,
            etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
            json: json.into(),
            event: OnceLock::new(),
            changes: Mutex::default(),
        }
    }

    /// The n of the n-th publish of this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn data(&self) -> &AnnouncementData {
        &self.data
    }

    /// `{"id":…,"built":…,"published":…,"previous":[…]}`, and `label`, `notes` and `policy` where they are known.
    pub(crate) fn json(&self) -> &Bytes {
        &self.json
    }

    /// A strong entity tag of that.
    pub(crate) fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// The announcement as an event, encoded once for all streams.
    pub(crate) fn event(&self, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.event.get_or_init(|| encode(self)).clone()
    }

    /// What `current`, the release that this is of, changed against `old`, as JSON.
    pub(crate) fn changes(&self, old: &Release, current: &Release) -> Option<Bytes> {
        let mut known = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(json) = known.get(old.id()) {
            return Some(json.clone());
        }
        let ReleaseDiff {
            added,
            changed,
            removed,
        } = ReleaseDiff::new(old, current, MAX_CHANGED_PATHS)?;
        let json = serde_json::json!({
            "added": added,
            "changed": changed,
            "removed": removed,
        });
        let json = Bytes::from(json.to_string());
        known.insert(old.id().clone(), json.clone());
        Some(json)
    }
}

// What changed more than this changed for everybody.
const MAX_CHANGED_PATHS: usize = 2000;
