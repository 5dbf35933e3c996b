//! A release: one immutable version of the site.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::iter;
use std::sync::Arc;

use crate::release::asset::Asset;
use crate::release::entry::Entry;
use crate::release::file_stamp::FileStamp;
use crate::release::hashed_names::HashPatterns;
use crate::release::id::ReleaseId;
use crate::release::metadata::ReleaseMetadata;
use crate::release::policy::Policy;

/// One immutable version of the site: a table of paths, with an id computed from the reachable content.
///
/// A release never changes; a change on disk is another release. One that is published by hand has no files:
///
/// ```
/// use tidings::Policy;
/// use tidings::Release;
///
/// # fn main() -> Result<(), tidings::Error> {
/// let release = Release::new("1.4.2".parse()?, 1_763_824_000_000)
///     .with_label("1.4.2")
///     .with_notes("Dark mode.")
///     .with_policy(Policy::Idle);
/// assert_eq!(release.id().as_str(), "1.4.2");
/// assert!(release.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Release {
    pub(crate) id: ReleaseId,
    pub(crate) built: u64,
    pub(crate) files: HashMap<Box<str>, Entry>,
    pub(crate) missing_references: BTreeSet<String>,
    pub(crate) hash_patterns: HashPatterns,
    pub(crate) metadata: ReleaseMetadata,
}

impl Release {
    /// A release without files, for a site whose pages are served by something else.
    ///
    /// `built` is its build time in milliseconds since 1970: a release with a later one is newer.
    pub fn new(id: ReleaseId, built: u64) -> Self {
        Self {
            id,
            built,
            files: HashMap::new(),
            missing_references: BTreeSet::new(),
            hash_patterns: HashPatterns::default(),
            metadata: ReleaseMetadata::default(),
        }
    }

    /// A copy without files, to be published again.
    pub(crate) fn clone_without_files(&self) -> Self {
        let mut release = Self::new(self.id.clone(), self.built);
        release.metadata = self.metadata.clone();
        release
    }

    /// Sets the release notes: a text, or the URL of one. Truncated to 4000 characters.
    pub fn with_notes(mut self, notes: &str) -> Self {
        self.metadata.set_notes(notes);
        self
    }

    /// Sets the name for humans, such as `1.4.2`. Truncated to 100 characters.
    pub fn with_label(mut self, label: &str) -> Self {
        self.metadata.set_label(label);
        self
    }

    /// Sets the policy by which open tabs update to this release.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.metadata.policy = Some(policy);
        self
    }

    /// The id. Two releases of a directory have the same id if, and only if, their reachable content is the same.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// The newest modification time of the reachable files, in milliseconds since 1970.
    pub fn built(&self) -> u64 {
        self.built
    }

    /// The release notes, if there are any: a text, or the URL of one.
    pub fn notes(&self) -> Option<&str> {
        self.metadata.notes.as_deref()
    }

    /// The name for humans, if there is one.
    pub fn label(&self) -> Option<&str> {
        self.metadata.label.as_deref()
    }

    /// The policy by which open tabs update to this release, if it has one of its own.
    pub fn policy(&self) -> Option<Policy> {
        self.metadata.policy
    }

    pub(crate) fn metadata(&self) -> &ReleaseMetadata {
        &self.metadata
    }

    /// The file at `path`, which is percent-decoded and starts with a slash: `/assets/app.js`.
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

    /// All paths, in no particular order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(AsRef::as_ref)
    }

    /// All files as they were on disk, with their paths.
    pub(crate) fn assets(&self) -> impl Iterator<Item = (&str, Arc<Asset>)> {
        let files = self.files.iter();
        files.map(|(path, entry)| (path.as_ref(), Arc::clone(&entry.asset)))
    }

    /// All assets that may use memory, shared with other releases or not: files, and their modified versions.
    pub(crate) fn all_assets(&self) -> impl Iterator<Item = &Arc<Asset>> {
        self.files
            .values()
            .flat_map(|entry| iter::once(&entry.asset).chain(entry.modified.as_ref()))
    }

    /// The asset at `path`, if a file with this stamp has certainly the same content.
    pub(crate) fn get_unchanged(&self, path: &str, stamp: &FileStamp) -> Option<Arc<Asset>> {
        let entry = self.files.get(path)?;
        entry
            .asset
            .is_unchanged(stamp)
            .then(|| Arc::clone(&entry.asset))
    }

    /// True if the name of a file at `path`, if there were one, would carry a hash, judging by the names beside it.
    pub(crate) fn would_be_hashed(&self, path: &str) -> bool {
        self.hash_patterns.is_hashed(path)
    }

    /// The references of reachable files to files that do not exist.
    pub(crate) fn missing_references(&self) -> &BTreeSet<String> {
        &self.missing_references
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
