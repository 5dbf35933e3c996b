//! The announcement of the current release to open tabs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::release::diff::ReleaseDiff;

/// The announcement of the current release: state, not history.
#[derive(Debug)]
pub(crate) struct Announcement {
    number: u64,
    published: SystemTime,
    data: AnnouncementData,
    json: Bytes,
    etag: HeaderValue,
    event: OnceLock<Bytes>,
    /// By the older release, for as long as this one is current: thousands of tabs ask at the same time.
    changes: Mutex<HashMap<ReleaseId, Arc<RawValue>>>,
}

/// The announcement as JSON.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnnouncementData {
    id: ReleaseId,
    /// In milliseconds since 1970.
    built: u64,
    /// As a timestamp (RFC 3339).
    published: String,
    /// The ids of the releases that this one supersedes, newest first.
    #[serde(rename = "previous")]
    superseded_ids: Vec<ReleaseId>,
    #[serde(flatten)]
    metadata: ReleaseMetadata,
}

impl Announcement {
    /// The announcement of a new release, which follows `last`.
    pub(crate) fn new(
        last: Option<&Self>,
        release: &Release,
        metadata: &ReleaseMetadata,
        superseded_ids: &[ReleaseId],
        now: SystemTime,
    ) -> Self {
        let number = last.map_or(0, |last| last.number) + 1;
        // The times of publishes increase, even if the clock is set back.
        let earliest = last.map_or(UNIX_EPOCH, |last| last.published + Duration::from_millis(1));
        let published = now.max(earliest);
        Self::with_number(number, published, release, metadata, superseded_ids)
    }

    /// The announcement of the same publish, with other metadata, or other files that are not reachable.
    pub(crate) fn updated(
        &self,
        release: &Release,
        metadata: &ReleaseMetadata,
        superseded_ids: &[ReleaseId],
    ) -> Self {
        Self::with_number(
            self.number,
            self.published,
            release,
            metadata,
            superseded_ids,
        )
    }

    /// The number of the publish in this process, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// When the release was published. Later than all before it.
    pub(crate) fn published(&self) -> SystemTime {
        self.published
    }

    /// What is serialized, for messages with more fields.
    pub(crate) fn data(&self) -> &AnnouncementData {
        &self.data
    }

    /// `{"id":…,"built":…,"published":…,"previous":[…]}`, with `label`, `notes` and `policy` where they are known.
    pub(crate) fn json(&self) -> &Bytes {
        &self.json
    }

    /// A strong entity tag of [`json`](Self::json).
    pub(crate) fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// The announcement as an event, encoded once for all streams.
    pub(crate) fn event(&self, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.event.get_or_init(|| encode(self)).clone()
    }

    /// What `current`, the announced release, changed against `old`, as JSON. See [`ReleaseDiff::new`].
    pub(crate) fn changes(&self, old: &Release, current: &Release) -> Option<Arc<RawValue>> {
        let mut known = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(json) = known.get(old.id()) {
            return Some(Arc::clone(json));
        }
        let diff = ReleaseDiff::new(old, current, MAX_CHANGED_PATHS)?;
        let json: Arc<RawValue> = serde_json::value::to_raw_value(&diff).ok()?.into();
        known.insert(old.id().clone(), Arc::clone(&json));
        Some(json)
    }

    fn with_number(
        number: u64,
        published: SystemTime,
        release: &Release,
        metadata: &ReleaseMetadata,
        superseded_ids: &[ReleaseId],
    ) -> Self {
        let data = AnnouncementData {
            id: release.id().clone(),
            built: release.built(),
            published: humantime::format_rfc3339_millis(published).to_string(),
            superseded_ids: superseded_ids.to_vec(),
            metadata: metadata.clone(),
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
}

// With more changed paths than this, the update is taken to concern every page.
const MAX_CHANGED_PATHS: usize = 2000;
