//! The recent deploys: what was published, when, and by whom.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use std::time::SystemTime;

use serde_json::Value;

use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::ReleaseMetadata;

/// The last releases that were published, newest first. The first of them is the current one.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeployHistory(VecDeque<Arc<DeployRecord>>);

/// One release, when it became the current one.
#[derive(Debug, Clone)]
pub(crate) struct DeployRecord {
    id: ReleaseId,
    built: u64,
    about: ReleaseMetadata,
    published: SystemTime,
    since: Instant,
    by: PublishedBy,
}

/// Who published a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishedBy {
    /// Who has seen it.
    Source,
    /// Who named it from outside.
    Webhook,
}

impl DeployHistory {
    pub(crate) fn push(
        &mut self,
        release: &Release,
        about: ReleaseMetadata,
        published: SystemTime,
        by: PublishedBy,
        now: Instant,
    ) {
        self.0.push_front(Arc::new(DeployRecord {
            id: release.id().clone(),
            built: release.built(),
            about,
            published,
            since: now,
            by,
        }));
        self.0.truncate(MAX_RECORDS);
    }

    /// Takes over what is now known of the current release.
    pub(crate) fn amend(&mut self, release: &Release, about: ReleaseMetadata) {
        if let Some(last) = self.0.front_mut() {
            let last = Arc::make_mut(last);
            last.built = release.built();
            last.about = about;
        }
    }

    pub(crate) fn last(&self) -> Option<&DeployRecord> {
        self.0.front().map(AsRef::as_ref)
    }

    /// `[{"id":…,"published":…,"built":…,"by":…},…]`, newest first, and `label`, `notes` and `policy` where they are
    /// known.
    pub(crate) fn json(&self) -> Value {
        self.0.iter().map(|deploy| deploy.json()).collect()
    }
}

impl DeployRecord {
    pub(crate) fn about(&self) -> &ReleaseMetadata {
        &self.about
    }

    /// When it became the current release.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    fn json(&self) -> Value {
        let published = humantime::format_rfc3339_millis(self.published);
        let mut json = serde_json::json!({
            "id": self.id.as_str(),
            "published": published.to_string(),
            "built": self.built,
            "by": match self.by {
                PublishedBy::Source => "source",
                PublishedBy::Webhook => "webhook",
            },
        });
        self.about.write_to(&mut json);
        json
    }
}

// A few weeks of a busy site.
const MAX_RECORDS: usize = 50;

#[cfg(test)]
pub(crate) fn deploy(about: ReleaseMetadata, since: Instant) -> DeployRecord {
    DeployRecord {
        id: "a".parse().unwrap(),
        built: 1,
        about,
        published: SystemTime::now(),
        since,
        by: PublishedBy::Source,
    }
}
