//! The history of deploys: which releases were published, when, and by what.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;
use crate::site::unix_millis;

/// The last releases that were published, newest first. The first is the current one.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeployHistory(VecDeque<Arc<DeployRecord>>);

/// The record of one publish. It holds no time of a clock that ends with the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeployRecord {
    pub(crate) id: ReleaseId,
    /// When the release was built, in milliseconds since 1970.
    pub(crate) built: u64,
    #[serde(with = "unix_millis")]
    pub(crate) published: SystemTime,
    pub(crate) by: PublishedBy,
    #[serde(flatten)]
    pub(crate) metadata: ReleaseMetadata,
}

/// What published a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PublishedBy {
    /// A source that found it.
    Source,
    /// An announcement with an id.
    Webhook,
}

/// A record as the webhook lists it.
#[derive(Serialize)]
struct ListedDeploy<'a> {
    id: &'a ReleaseId,
    /// As a timestamp (RFC 3339).
    published: String,
    built: u64,
    by: PublishedBy,
    #[serde(flatten)]
    metadata: &'a ReleaseMetadata,
}

impl DeployHistory {
    /// Adds the record of the current release.
    pub(crate) fn push(&mut self, record: DeployRecord) {
        self.0.push_front(Arc::new(record));
        self.0.truncate(MAX_RECORDS);
    }

    /// Replaces what the record of the current release says of its build and metadata.
    pub(crate) fn update_current(&mut self, release: &Release, metadata: ReleaseMetadata) {
        if let Some(current) = self.0.front_mut() {
            let current = Arc::make_mut(current);
            current.built = release.built();
            current.metadata = metadata;
        }
    }

    /// The record of the current release.
    pub(crate) fn current(&self) -> Option<&DeployRecord> {
        self.0.front().map(AsRef::as_ref)
    }

    /// `[{"id":…,"published":…,"built":…,"by":…},…]`, newest first, with `label`, `notes` and `policy` where they are
    /// known.
    pub(crate) fn json(&self) -> Value {
        let listed = self.0.iter().map(|record| ListedDeploy {
            id: &record.id,
            published: humantime::format_rfc3339_millis(record.published).to_string(),
            built: record.built,
            by: record.by,
            metadata: &record.metadata,
        });
        // Strings and numbers always serialize.
        listed
            .map(|deploy| serde_json::to_value(deploy).unwrap_or_default())
            .collect()
    }
}

// A few weeks of a busy site.
const MAX_RECORDS: usize = 50;

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn deploy_record_is_read_back_as_written() {
        let record = DeployRecord {
            id: "v1".parse().unwrap(),
            built: 7,
            published: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            by: PublishedBy::Webhook,
            metadata: ReleaseMetadata::new(None, Some("1.4.2"), None).0,
        };
        let json = serde_json::to_string(&record).unwrap();
        let expected =
            r#"{"id":"v1","built":7,"published":1700000000123,"by":"webhook","label":"1.4.2"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<DeployRecord>(&json).unwrap(), record);
    }

    #[test]
    fn deploy_list_has_timestamps_and_metadata() {
        let mut history = DeployHistory::default();
        history.push(DeployRecord {
            id: "v1".parse().unwrap(),
            built: 7,
            published: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            by: PublishedBy::Source,
            metadata: ReleaseMetadata::new(Some("New"), Some("1.4.2"), None).0,
        });
        let expected = concat!(
            r#"[{"id":"v1","published":"2023-11-14T22:13:20.123Z","built":7,"by":"source","#,
            r#""label":"1.4.2","notes":"New"}]"#
        );
        assert_eq!(history.json().to_string(), expected);
    }
}
