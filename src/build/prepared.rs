//! A directory on its way to being a release.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::build::immutability::Promises;
use crate::build::parallel::in_parallel;
use crate::build::reachability::Reach;
use crate::build::service_workers::angular;
use crate::build::service_workers::angular::Rehashed;
use crate::build::service_workers::workbox;
use crate::build::snapshot::Snapshot;
use crate::build::variants;
use crate::http::coding::Coding;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::Audience;
use crate::release::Entry;
use crate::release::Release;
use crate::release::asset::Asset;
use crate::release::asset::Content;
use crate::release::hashed_names::Evidence;
use crate::release::id::ReleaseId;
use crate::release::metadata;
use crate::release::metadata::About;

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
    /// The file in which the build speaks of itself; not one of those that are served.
    about: Option<Arc<Asset>>,
}

impl Draft {
    /// Follows the names in a snapshot. Blocks.
    ///
    /// # Errors
    ///
    /// If a file that is not in memory can't be read any more.
    pub(crate) fn of(mut snapshot: Snapshot) -> io::Result<Self> {
        let about = snapshot.assets.remove(metadata::PATH);
        for coding in Coding::PRECOMPRESSED {
            if let Some(copy) = variants::copy_of(metadata::PATH, coding) {
                snapshot.assets.remove(&copy);
            }
        }
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
            about,
        })
    }

    /// The release without its files.
    pub(crate) fn forget(self) -> Release {
        Release {
            missing: self.missing,
            about: read(self.about.as_deref()),
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
            about,
        } = self;
        let assets = snapshot.assets;
        let same_tag = current.filter(|current| current.id == id && current.built == built);
        let files: Vec<(&String, &Arc<Asset>)> = assets.iter().collect();
        let pages = in_parallel(&files, |_, &(path, asset)| -> Result<_, ()> {
            if media_type::kind(path) != Kind::Page {
                prepare(path, asset, &assets);
                return Ok(None);
            }
            let known = same_tag.and_then(|current| current.get(path));
            if let Some(known) = known.filter(|known| known.asset.digest() == asset.digest()) {
                return Ok(known.changed.clone());
            }
            let Content::Memory(html) = asset.plain().content() else {
                return Ok(None);
            };
            // It is sent without the script too, to whoever fetches it as a fragment.
            variants::compress(asset);
            let page = inject(html).map(Asset::of_page);
            page.iter().for_each(variants::compress);
            Ok(page.map(Arc::new))
        });
        let pages = files.iter().zip(pages.unwrap_or_default());
        let mut changed: BTreeMap<&str, Arc<Asset>> = pages
            .filter_map(|(&(path, _), page)| Some((path.as_str(), page?)))
            .collect();
        let mut for_all = workbox::listed(&assets, &changed);
        for_all.extend(rehash(&assets, &mut changed, current));
        let table = files.iter().map(|&(path, asset)| {
            let hashed = evidence.is_hashed(path);
            let immutable = hashed && promises.may_promise(path, asset.digest());
            let utf8 = asset.is_utf8() && !declares_other_charset(path, asset);
            let entry = Entry {
                media_type: media_type::content_type(path, utf8),
                reached: reached.contains(path),
                asset: Arc::clone(asset),
                changed: changed.remove(path.as_str()),
                audience: if for_all.contains(path) {
                    Audience::Everybody
                } else {
                    Audience::Documents
                },
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
            about: read(about.as_deref()),
        }
    }
}

fn read(about: Option<&Asset>) -> About {
    about.map(About::read).unwrap_or_default()
}

/// Changes Angular's manifest as the pages were changed, and says what everybody must get so. What `current` has the
/// same is taken over.
fn rehash(
    files: &BTreeMap<String, Arc<Asset>>,
    changed: &mut BTreeMap<&str, Arc<Asset>>,
    current: Option<&Release>,
) -> BTreeSet<String> {
    let Some(Rehashed { manifest, pages }) = Rehashed::of(files, changed) else {
        return BTreeSet::new();
    };
    let manifest = Asset::from_bytes(manifest);
    let known = current.and_then(|current| current.get(angular::MANIFEST)?.changed.as_ref());
    let known = known.filter(|known| known.digest() == manifest.digest());
    let manifest = known.cloned().unwrap_or_else(|| {
        variants::compress(&manifest);
        Arc::new(manifest)
    });
    changed.insert(angular::MANIFEST, manifest);
    let mut for_all = pages;
    for_all.insert(angular::MANIFEST.to_owned());
    for_all
}

/// Gives an asset its compressed forms: the copies that the build made, where they are there, else our own.
fn prepare(path: &str, asset: &Asset, assets: &BTreeMap<String, Arc<Asset>>) {
    if asset.has_decided_on_codings() {
        return;
    }
    let compressible = media_type::is_compressible(path);
    let forms = Coding::PRECOMPRESSED.into_iter().filter_map(|coding| {
        let copy = variants::copy_of(path, coding).and_then(|copy| assets.get(&copy));
        let copied = copy.filter(|copy| is_copy(path, coding, asset, copy));
        match copied {
            Some(copy) => Some((coding, copy.plain().clone())),
            None if compressible => Some((coding, variants::compressed(asset, coding)?)),
            None => None,
        }
    });
    asset.keep_encoded(forms.collect());
}

fn is_copy(path: &str, coding: Coding, asset: &Asset, copy: &Asset) -> bool {
    let bytes = |asset: &Asset| asset.plain().content().bytes();
    let is_copy = match (bytes(asset), bytes(copy)) {
        (Ok(plain), Ok(copied)) => variants::decodes_to(coding, &copied, &plain),
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
    let (Kind::Page, Content::Memory(html)) = (media_type::kind(path), asset.plain().content())
    else {
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
