//! What makes the tag for the pages of one release, whatever policies they come with.

use bytes::Bytes;
use http::HeaderMap;

use crate::inject::csp::Guard;
use crate::inject::csp::Home;
use crate::inject::csp::Permit;
use crate::inject::snippet;
use crate::release::ReleaseId;

/// Makes tags for the pages of one release. `Clone` is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Tagger {
    id: ReleaseId,
    built: u64,
    home: Home,
    guard: Guard,
}

impl Tagger {
    pub(crate) fn new(id: &ReleaseId, built: u64, home: Home, guard: &Guard) -> Self {
        Self {
            id: id.clone(),
            built,
            home,
            guard: guard.clone(),
        }
    }

    /// See [`Guard::judge`].
    pub(crate) fn judge(&self, headers: &mut HeaderMap) -> Option<Permit> {
        self.guard.judge(headers, &self.home)
    }

    /// The tag for a page that has this behind the tag's place; `None` if the script could not run there.
    pub(crate) fn tag(&self, permit: Permit, head: &[u8]) -> Option<Bytes> {
        let permit = self.guard.read_page(permit, head, &self.home)?;
        let prefix = self.home.prefix();
        Some(snippet::tag(prefix, &self.id, self.built, &permit))
    }

    /// What all these tags have in common: another release, another script, or another way with policies, has another.
    /// What a policy wants of a tag comes with the page, as its nonce does, and does not count.
    pub(crate) fn distinction(&self) -> String {
        snippet::distinction(self.home.prefix(), &self.id, self.built, self.guard.csp())
    }
}
