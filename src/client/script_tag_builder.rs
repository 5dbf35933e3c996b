//! What makes the tag for the pages of one release, whatever policies they come with.

use bytes::Bytes;
use http::HeaderMap;

use crate::client::script_tag;
use crate::csp::Guard;
use crate::csp::Home;
use crate::csp::Permit;
use crate::release::ReleaseId;
use crate::site::traffic::Stamp;

/// Makes tags for the pages of one release. `Clone` is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Tagger {
    /// `None` if there is none yet.
    release: Option<Stamp>,
    home: Home,
    guard: Guard,
}

impl Tagger {
    pub(crate) fn new(id: &ReleaseId, built: u64, home: Home, guard: &Guard) -> Self {
        Self {
            release: Some((id.clone(), built)),
            home,
            guard: guard.clone(),
        }
    }

    /// For a site without a release: makes no tag, unless a page tells what it is.
    pub(crate) fn without_release(home: Home, guard: &Guard) -> Self {
        Self {
            release: None,
            home,
            guard: guard.clone(),
        }
    }

    /// For a page that tells of which release it is, if it does.
    pub(crate) fn with(self, release: Option<Stamp>) -> Self {
        Self {
            release: release.or(self.release),
            ..self
        }
    }

    /// See [`Guard::judge`].
    pub(crate) fn judge(&self, headers: &mut HeaderMap) -> Option<Permit> {
        self.guard.judge(headers, &self.home)
    }

    /// The tag for a page that has this behind the tag's place; `None` if the script could not run there, or nobody
    /// knows of which release it is.
    pub(crate) fn tag(&self, permit: Permit, head: &[u8]) -> Option<Bytes> {
        let permit = self.guard.read_page(permit, head, &self.home)?;
        let (id, built) = self.release.as_ref()?;
        Some(script_tag::tag(self.home.prefix(), id, *built, &permit))
    }

    /// The release whose pages get its tags, unless a page tells of another.
    pub(crate) fn release(&self) -> Option<&Stamp> {
        self.release.as_ref()
    }

    /// What all these tags have in common: another release, another script, or another way with policies, has another.
    /// What a policy wants of a tag comes with the page, as its nonce does, and does not count.
    pub(crate) fn distinction(&self) -> String {
        let prefix = self.home.prefix();
        let csp = self.guard.csp();
        match &self.release {
            Some((id, built)) => script_tag::distinction(prefix, id, *built, csp),
            None => script_tag::distinction(prefix, &ReleaseId::called("-"), 0, csp),
        }
    }
}
