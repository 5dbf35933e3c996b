//! A release in preparation.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::build::immutability::ImmutableFiles;
use crate::build::metadata_file;
use crate::build::parallel::in_parallel;
use crate::build::reachability::Reachability;
use crate::build::service_workers::angular;
use crate::build::service_workers::angular::UpdatedManifest;
use crate::build::service_workers::workbox;
use crate::build::snapshot::Snapshot;
use crate::build::variants;
use crate::http::coding::Coding;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::entry::Entry;
use crate::release::entry::RequestFilter;
use crate::release::hashed_names::HashPatterns;
use crate::release::id::ReleaseId;
use crate::release::metadata::ReleaseMetadata;
use crate::release::release::Release;
use crate::release::representation::Content;

/// The release that a directory would be published as. Its pages do not have the script yet, and nothing is compressed.
#[derive(Debug)]
pub(crate) struct PreparedRelease {
    pub(crate) id: ReleaseId,
    /// The newest modification time of the reachable files, in milliseconds since 1970.
    pub(crate) built: u64,
    /// The references of reachable files to files that do not exist.
    pub(crate) missing_references: BTreeSet<String>,
    snapshot: Snapshot,
    reachable: BTreeSet<String>,
    hash_patterns: HashPatterns,
    /// The file with the metadata, which is not served.
    metadata_file: Option<Arc<Asset>>,
}

impl PreparedRelease {
    /// Finds the reachable files of a snapshot. Blocks.
    ///
    /// # Errors
    ///
    /// If a file that is not in memory can't be read.
    pub(crate) fn from_snapshot(mut snapshot: Snapshot) -> io::Result<Self> {
        let metadata_file = snapshot.assets.remove(metadata_file::PATH);
        for coding in Coding::PRECOMPRESSED {
            if let Some(copy) = variants::copy_path(metadata_file::PATH, coding) {
                snapshot.assets.remove(&copy);
            }
        }
        let hash_patterns = HashPatterns::from_paths(snapshot.assets.keys().map(String::as_str));
        let Reachability {
            reachable,
            missing_references,
        } = Reachability::find(&snapshot.assets, &hash_patterns)?;
        let assets = || {
            reachable
                .iter()
                .map(|path| (path.as_str(), &snapshot.assets[path]))
        };
        let id = ReleaseId::from_content(assets().map(|(path, asset)| (path, asset.digest())));
        let built = assets().map(|(_, asset)| asset.modified_ms()).max();
        Ok(Self {
            id,
            built: built.unwrap_or(0),
            missing_references,
            snapshot,
            reachable,
            hash_patterns,
            metadata_file,
        })
    }

    /// The release without its files.
    pub(crate) fn into_release_without_files(self) -> Release {
        Release {
            missing_references: self.missing_references,
            metadata: read_metadata(self.metadata_file.as_deref()),
            ..Release::new(self.id, self.built)
        }
    }

    /// Inserts the script into the pages with `insert_script`, and compresses what gets smaller. Assets that are the
    /// same in `current` are shared with it. Blocks.
    pub(crate) fn into_release(
        self,
        current: Option<&Release>,
        immutable_files: &mut ImmutableFiles,
        insert_script: impl Fn(&[u8]) -> Option<Bytes> + Sync,
    ) -> Release {
        let Self {
            id,
            built,
            missing_references,
            snapshot,
            reachable,
            hash_patterns,
            metadata_file,
        } = self;
        let assets = snapshot.assets;
        // The tag of the script has the id and the build time in it.
        let same_script = current.filter(|current| current.id == id && current.built == built);
        let files: Vec<(&String, &Arc<Asset>)> = assets.iter().collect();
        let pages = in_parallel(&files, |_, &(path, asset)| -> Result<_, ()> {
            if media_type::kind(path) != Kind::Page {
                set_encoded(path, asset, &assets);
                return Ok(None);
            }
            let known = same_script.and_then(|current| current.get(path));
            if let Some(known) = known.filter(|known| known.asset.digest() == asset.digest()) {
                return Ok(known.modified.clone());
            }
            let Content::Memory(html) = asset.plain().content() else {
                return Ok(None);
            };
            // It is sent without the script too, to requests that fetch it as a fragment.
            variants::compress(asset);
            let page = insert_script(html).map(Asset::from_page);
            page.iter().for_each(variants::compress);
            Ok(page.map(Arc::new))
        });
        let pages = files.iter().zip(pages.unwrap_or_default());
        let mut modified: BTreeMap<&str, Arc<Asset>> = pages
            .filter_map(|(&(path, _), page)| Some((path.as_str(), page?)))
            .collect();
        let mut for_all_requests = workbox::precached_pages(&assets, &modified);
        for_all_requests.extend(update_angular_manifest(&assets, &mut modified, current));
        let table = files.iter().map(|&(path, asset)| {
            let hashed = hash_patterns.is_hashed(path);
            let immutable = hashed && immutable_files.record(path, asset.digest());
            let utf8 = asset.is_utf8() && !declares_other_charset(path, asset);
            let entry = Entry {
                media_type: media_type::content_type(path, utf8),
                reachable: reachable.contains(path),
                asset: Arc::clone(asset),
                modified: modified.remove(path.as_str()),
                modified_for: if for_all_requests.contains(path) {
                    RequestFilter::All
                } else {
                    RequestFilter::Navigations
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
            missing_references,
            hash_patterns,
            metadata: read_metadata(metadata_file.as_deref()),
        }
    }
}

fn read_metadata(file: Option<&Asset>) -> ReleaseMetadata {
    file.map(metadata_file::read).unwrap_or_default()
}

/// Updates Angular's manifest with the hashes of the modified pages. Returns the files that all requests must get
/// modified. A manifest that is the same in `current` is shared with it.
fn update_angular_manifest(
    files: &BTreeMap<String, Arc<Asset>>,
    modified: &mut BTreeMap<&str, Arc<Asset>>,
    current: Option<&Release>,
) -> BTreeSet<String> {
    let Some(UpdatedManifest { manifest, pages }) = UpdatedManifest::new(files, modified) else {
        return BTreeSet::new();
    };
    let manifest = Asset::from_bytes(manifest);
    let known = current.and_then(|current| current.get(angular::MANIFEST)?.modified.as_ref());
    let known = known.filter(|known| known.digest() == manifest.digest());
    let manifest = known.cloned().unwrap_or_else(|| {
        variants::compress(&manifest);
        Arc::new(manifest)
    });
    modified.insert(angular::MANIFEST, manifest);
    let mut for_all_requests = pages;
    for_all_requests.insert(angular::MANIFEST.to_owned());
    for_all_requests
}

/// Sets the encoded representations of an asset: the copies that the build has made, where there are any, else our own.
fn set_encoded(path: &str, asset: &Asset, assets: &BTreeMap<String, Arc<Asset>>) {
    if asset.has_encoded_set() {
        return;
    }
    let compressible = media_type::is_compressible(path);
    let encoded = Coding::PRECOMPRESSED.into_iter().filter_map(|coding| {
        let copy = variants::copy_path(path, coding).and_then(|copy| assets.get(&copy));
        let copied = copy.filter(|copy| is_copy(path, coding, asset, copy));
        match copied {
            Some(copy) => Some((coding, copy.plain().clone())),
            None if compressible => Some((coding, variants::compressed(asset, coding)?)),
            None => None,
        }
    });
    asset.set_encoded(encoded.collect());
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
            "a compressed copy does not decode to its file and is not used"
        );
    }
    is_copy
}

/// True for a page whose `<meta>` names a charset other than UTF-8, which the header must not override.
fn declares_other_charset(path: &str, asset: &Asset) -> bool {
    let (Kind::Page, Content::Memory(html)) = (media_type::kind(path), asset.plain().content())
    else {
        return false;
    };
    // Where browsers search for it (HTML, "prescan a byte stream to determine its encoding").
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
