//! A release is one immutable version of the site.

pub(crate) mod asset;
pub(crate) mod diff;
pub(crate) mod file_stamp;
pub(crate) mod fingerprint;
pub(crate) mod hashed_names;
pub(crate) mod id;
pub(crate) mod metadata;
pub(crate) mod open_file;
pub(crate) mod policy;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub use crate::release::asset::Asset;
pub use crate::release::asset::Content;
pub(crate) use crate::release::asset::PAGE_SUFFIX;
pub use crate::release::asset::Representation;
use crate::release::file_stamp::Stamp;
use crate::release::hashed_names::Evidence;
pub use crate::release::id::ReleaseId;
use crate::release::metadata::About;
pub use crate::release::open_file::OpenFile;
pub use crate::release::policy::Policy;
use http::HeaderValue;

/// One immutable version of the site: a table of paths, with an id made of what visitors can reach.
///
/// It never changes; a change on disk is another release.
pub struct Release {
    pub(crate) id: ReleaseId,
    pub(crate) built: u64,
    pub(crate) files: HashMap<Box<str>, Entry>,
    pub(crate) missing: BTreeSet<String>,
    pub(crate) evidence: Evidence,
    pub(crate) about: About,
}

/// What the table of a release has at one path.
#[derive(Debug)]
pub struct Entry {
    pub(crate) asset: Arc<Asset>,
    pub(crate) changed: Option<Arc<Asset>>,
    pub(crate) audience: Audience,
    pub(crate) media_type: HeaderValue,
    pub(crate) hashed: bool,
    pub(crate) immutable: bool,
    pub(crate) reached: bool,
}

/// Who gets a file as we changed it, as against as it was on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Who asks for a document.
    Documents,
    /// Whoever asks.
    Everybody,
}

impl Release {
    /// A release without files, for a site whose pages come from somewhere else. `built` is its time in
    /// milliseconds since 1970: what is built later is newer.
    pub fn named(id: ReleaseId, built: u64) -> Self {
        Self {
            id,
            built,
            files: HashMap::new(),
            missing: BTreeSet::new(),
            evidence: Evidence::default(),
            about: About::default(),
        }
    }

    /// The same release without its files, to be published once more.
    pub(crate) fn once_more(&self) -> Self {
        let mut release = Self::named(self.id.clone(), self.built);
        release.about = self.about.clone();
        release
    }

    /// Says what is new in it: a text, or the URL of one. Of more than 4000 characters the rest is cut off.
    pub fn with_notes(mut self, notes: &str) -> Self {
        self.about.set_notes(notes);
        self
    }

    /// Gives it the name that people know it by: `1.4.2`. Of more than 100 characters the rest is cut off.
    pub fn with_label(mut self, label: &str) -> Self {
        self.about.set_label(label);
        self
    }

    /// Says how tabs go over to it.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.about.policy = Some(policy);
        self
    }

    /// The id: equal if, and only if, visitors can reach the same content.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// The newest modification time among the reachable files, in milliseconds since 1970.
    pub fn built(&self) -> u64 {
        self.built
    }

    /// What is new in it, if somebody said so: a text, or the URL of one.
    pub fn notes(&self) -> Option<&str> {
        self.about.notes.as_deref()
    }

    /// The name that people know it by, if it has one.
    pub fn label(&self) -> Option<&str> {
        self.about.label.as_deref()
    }

    /// How tabs go over to it, if it says so itself.
    pub fn policy(&self) -> Option<Policy> {
        self.about.policy
    }

    /// All that it says of itself.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// What is served at `path`, decoded and with its leading slash: `/assets/app.js`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.files.get(path)
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True for a release without files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All paths, in no order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(AsRef::as_ref)
    }

    pub(crate) fn assets(&self) -> impl Iterator<Item = (&str, Arc<Asset>)> {
        let files = self.files.iter();
        files.map(|(path, entry)| (path.as_ref(), Arc::clone(&entry.asset)))
    }

    /// Everything that takes memory, shared or not: files, and pages with the script in them.
    pub(crate) fn in_memory(&self) -> impl Iterator<Item = &Arc<Asset>> {
        self.files
            .values()
            .flat_map(|entry| std::iter::once(&entry.asset).chain(entry.changed.as_ref()))
    }

    /// The asset at `path`, if a file with this stamp is surely the same.
    pub(crate) fn unchanged(&self, path: &str, stamp: &Stamp) -> Option<Arc<Asset>> {
        let entry = self.files.get(path)?;
        entry
            .asset
            .is_unchanged(stamp)
            .then(|| Arc::clone(&entry.asset))
    }

    /// True if a file at `path`, if there were one, would carry a hash in its name like its neighbours.
    pub(crate) fn would_be_hashed(&self, path: &str) -> bool {
        self.evidence.is_hashed(path)
    }

    pub(crate) fn missing(&self) -> &BTreeSet<String> {
        &self.missing
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("id", &self.id)
            .field("built", &self.built)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// The file as it was on disk.
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    /// The page with the script in it; `None` for what is no page, or can't carry one.
    pub fn page(&self) -> Option<&Asset> {
        self.changed.as_deref().filter(|_| self.is_page())
    }

    /// The file as we changed it, and who gets it so: a page with the script in it, or what has to go with that.
    pub(crate) fn changed(&self) -> Option<(&Asset, Audience)> {
        Some((self.changed.as_deref()?, self.audience))
    }

    /// The `Content-Type`.
    pub fn media_type(&self) -> &HeaderValue {
        &self.media_type
    }

    /// True if the name carries a hash of the content: the file outlives its release.
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// True if it may be cached for ever: its name carries a hash, and never stood for other bytes.
    pub fn is_immutable(&self) -> bool {
        self.immutable
    }

    /// True if a page leads here.
    pub fn is_reached(&self) -> bool {
        self.reached
    }

    /// True for HTML.
    pub fn is_page(&self) -> bool {
        self.media_type.as_bytes().starts_with(b"text/html")
    }
}
