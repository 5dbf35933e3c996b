//! A release is one immutable version of the site.

pub(crate) mod asset;
mod changes;
mod compress;
pub(crate) mod hashed;
mod id;
pub(crate) mod media;
mod open_file;
mod policy;
mod promises;
mod reach;
mod references;
pub(crate) mod snapshot;
mod tree;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

pub use crate::release::asset::Asset;
pub use crate::release::asset::Coding;
pub use crate::release::asset::Content;
pub(crate) use crate::release::asset::PAGE_SUFFIX;
pub use crate::release::asset::Representation;
pub(crate) use crate::release::changes::Changes;
use crate::release::hashed::Evidence;
pub(crate) use crate::release::id::Digest;
pub use crate::release::id::ReleaseId;
use crate::release::media::Kind;
pub use crate::release::open_file::OpenFile;
pub use crate::release::policy::Policy;
pub(crate) use crate::release::promises::Promises;
use crate::release::reach::Reach;
pub(crate) use crate::release::snapshot::Limits;
pub(crate) use crate::release::snapshot::Snapshot;
pub(crate) use crate::release::snapshot::Unsettled;
use crate::release::snapshot::in_parallel;
use crate::release::tree::Stamp;
pub(crate) use crate::release::tree::Tree;

/// One immutable version of the site: a table of paths, with an id made of what visitors can reach.
///
/// It never changes; a change on disk is another release.
pub struct Release {
    id: ReleaseId,
    built: u64,
    files: HashMap<Box<str>, Entry>,
    missing: BTreeSet<String>,
    evidence: Evidence,
}

/// What the table of a release has at one path.
#[derive(Debug)]
pub struct Entry {
    asset: Arc<Asset>,
    page: Option<Arc<Asset>>,
    media_type: HeaderValue,
    hashed: bool,
    immutable: bool,
    reached: bool,
}

/// What a directory would be published as; its pages still without the script, nothing compressed yet.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: ReleaseId,
    pub(crate) built: u64,
    /// What the pages lead to but isn't there.
    pub(crate) missing: BTreeSet<String>,
    snapshot: Snapshot,
    reached: BTreeSet<String>,
    evidence: Evidence,
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
        }
    }

    /// The id: equal if, and only if, visitors can reach the same content.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// The newest modification time among the reachable files, in milliseconds since 1970.
    pub fn built(&self) -> u64 {
        self.built
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
            .flat_map(|entry| std::iter::once(&entry.asset).chain(entry.page.as_ref()))
    }

    /// The asset at `path`, if a file with this stamp is surely the same.
    fn unchanged(&self, path: &str, stamp: &Stamp) -> Option<Arc<Asset>> {
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
        self.page.as_deref()
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

impl Draft {
    /// Follows the names in a snapshot. Blocks.
    ///
    /// # Errors
    ///
    /// If a file that is not in memory can't be read any more.
    pub(crate) fn of(snapshot: Snapshot) -> io::Result<Self> {
        let evidence = Evidence::gather(snapshot.assets.keys().map(String::as_str));
        let Reach { reached, missing } = Reach::of(&snapshot.assets, &evidence)?;
        let assets = || {
            reached
                .iter()
                .map(|path| (path.as_str(), &snapshot.assets[path]))
        };
        let id = ReleaseId::of(assets().map(|(path, asset)| (path, asset.digest())));
        let built = assets().map(|(_, asset)| asset.modified_ms()).max();
        Ok(Self {
            id,
            built: built.unwrap_or(0),
            missing,
            snapshot,
            reached,
            evidence,
        })
    }

    /// The release without its files.
    pub(crate) fn forget(self) -> Release {
        Release {
            missing: self.missing,
            ..Release::named(self.id, self.built)
        }
    }

    /// Puts the script into the pages, with `inject`, and compresses what is worth it. What `current` has the
    /// same is taken over. Blocks.
    pub(crate) fn finish(
        self,
        current: Option<&Release>,
        promises: &mut Promises,
        inject: impl Fn(&[u8]) -> Option<Bytes> + Sync,
    ) -> Release {
        let Self {
            id,
            built,
            missing,
            snapshot,
            reached,
            evidence,
        } = self;
        let assets = snapshot.assets;
        let same_tag = current.filter(|current| current.id == id && current.built == built);
        let files: Vec<(&String, &Arc<Asset>)> = assets.iter().collect();
        let pages = in_parallel(&files, |_, &(path, asset)| -> Result<_, ()> {
            if media::kind(path) != Kind::Page {
                prepare(path, asset, &assets);
                return Ok(None);
            }
            let known = same_tag.and_then(|current| current.get(path));
            if let Some(known) = known.filter(|known| known.asset.digest() == asset.digest()) {
                return Ok(known.page.clone());
            }
            let Content::Memory(html) = asset.plain().content() else {
                return Ok(None);
            };
            // It is sent without the script too, to whoever fetches it as a fragment.
            asset.compress();
            let page = inject(html).map(Asset::of_page);
            page.iter().for_each(Asset::compress);
            Ok(page.map(Arc::new))
        });
        let pages = pages.unwrap_or_default();
        let table = files.iter().zip(pages).map(|(&(path, asset), page)| {
            let hashed = evidence.is_hashed(path);
            let immutable = hashed && promises.may_promise(path, asset.digest());
            let utf8 = asset.is_utf8() && !declares_other_charset(path, asset);
            let entry = Entry {
                media_type: media::content_type(path, utf8),
                reached: reached.contains(path),
                asset: Arc::clone(asset),
                page,
                hashed,
                immutable,
            };
            (path.as_str().into(), entry)
        });
        Release {
            id,
            built,
            files: table.collect(),
            missing,
            evidence,
        }
    }
}

/// Gives an asset its compressed forms: the copies that the build made, where they are there, else our own.
fn prepare(path: &str, asset: &Asset, assets: &BTreeMap<String, Arc<Asset>>) {
    if asset.has_decided_on_codings() {
        return;
    }
    let compressible = media::is_compressible(path);
    let forms = Coding::ALL.into_iter().filter_map(|coding| {
        let copy = assets.get(&format!("{path}{}", coding.suffix()));
        let copied = copy.filter(|copy| is_copy(path, coding, asset, copy));
        match copied {
            Some(copy) => Some((coding, copy.plain().clone())),
            None if compressible => Some((coding, asset.compressed(coding)?)),
            None => None,
        }
    });
    asset.keep_encoded(forms.collect());
}

fn is_copy(path: &str, coding: Coding, asset: &Asset, copy: &Asset) -> bool {
    let bytes = |asset: &Asset| asset.plain().content().bytes();
    let is_copy = match (bytes(asset), bytes(copy)) {
        (Ok(plain), Ok(copied)) => compress::decodes_to(coding, &copied, &plain),
        _ => false,
    };
    if !is_copy {
        let coding = coding.token();
        tracing::warn!(
            path,
            coding,
            "the compressed copy beside this file is not a copy of it and is not used"
        );
    }
    is_copy
}

/// True for a page whose own `<meta>` names a charset that is not UTF-8: the header must not overrule it.
fn declares_other_charset(path: &str, asset: &Asset) -> bool {
    let (Kind::Page, Content::Memory(html)) = (media::kind(path), asset.plain().content()) else {
        return false;
    };
    // Where browsers look for it (HTML, "prescan a byte stream").
    let head = html[..html.len().min(1024)].to_ascii_lowercase();
    memchr::memmem::find_iter(&head, b"charset=").any(|at| {
        let value = head[at + b"charset=".len()..].trim_ascii_start();
        let value = value
            .strip_prefix(b"\"")
            .or_else(|| value.strip_prefix(b"'"))
            .unwrap_or(value);
        !value.starts_with(b"utf-8") && !value.starts_with(b"utf8")
    })
}
