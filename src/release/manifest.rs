//! The manifest of a release: everything but the bytes of its files, in a form that can be stored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::digest::Digest;
use crate::http::coding::Coding;
use crate::release::entry::Entry;
use crate::release::id::ReleaseId;
use crate::release::metadata::ReleaseMetadata;
use crate::release::release::Release;
use crate::release::representation::Representation;

/// The manifest of a release: its id, its metadata, and for every path the digest and the properties of the file.
///
/// The names of its fields in JSON are a format. Fields that are not known are ignored when it is read, so that a
/// manifest of a later version can be read.
///
/// ```
/// use tidings::Manifest;
/// use tidings::Release;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let release = Release::new("v1".parse()?, 1_763_824_000_000).with_label("1.0");
/// let manifest = Manifest::from_release(&release);
/// let json = serde_json::to_string(&manifest)?;
/// assert_eq!(
///     json,
///     r#"{"version":1,"id":"v1","built":1763824000000,"label":"1.0","files":{}}"#
/// );
/// assert_eq!(serde_json::from_str::<Manifest>(&json)?, manifest);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    id: ReleaseId,
    built: u64,
    #[serde(flatten)]
    metadata: ReleaseMetadata,
    files: BTreeMap<Box<str>, ManifestFile>,
}

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ManifestFile {
    sha256: Digest,
    /// In bytes.
    size: u64,
    media_type: Box<str>,
    #[serde(default, skip_serializing_if = "is_false")]
    hashed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    immutable: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    reachable: bool,
    /// The modification time in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<u64>,
    /// By the token of the coding: there may be one that is not known here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    encodings: BTreeMap<Box<str>, EncodedFile>,
}

/// A file in one content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct EncodedFile {
    sha256: Digest,
    /// In bytes.
    size: u64,
}

impl Manifest {
    /// The version of the format that is written.
    pub const VERSION: u32 = 1;

    /// The manifest of this release.
    ///
    /// It describes the files as they were on disk: pages without the script.
    pub fn from_release(release: &Release) -> Self {
        let files = release.files.iter();
        Self {
            version: Self::VERSION,
            id: release.id.clone(),
            built: release.built,
            metadata: release.metadata.clone(),
            files: files
                .map(|(path, entry)| (path.clone(), ManifestFile::new(entry)))
                .collect(),
        }
    }

    /// The version of the format that it was written in.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The id of the release.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// The build time of the release, in milliseconds since 1970.
    pub fn built(&self) -> u64 {
        self.built
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(AsRef::as_ref)
    }
}

impl ManifestFile {
    fn new(entry: &Entry) -> Self {
        let asset = &entry.asset;
        let encodings = Coding::PRECOMPRESSED.into_iter().filter_map(|coding| {
            let representation = asset.encoded(coding)?;
            Some((coding.token().into(), EncodedFile::new(representation)))
        });
        let EncodedFile { sha256, size } = EncodedFile::new(asset.plain());
        Self {
            sha256,
            size,
            media_type: String::from_utf8_lossy(entry.media_type.as_bytes()).into(),
            hashed: entry.hashed,
            immutable: entry.immutable,
            reachable: entry.reachable,
            modified: Some(asset.modified_ms()).filter(|time| *time > 0),
            encodings: encodings.collect(),
        }
    }
}

impl EncodedFile {
    fn new(representation: &Representation) -> Self {
        Self {
            sha256: *representation.digest(),
            size: representation.content().len(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "required by serde")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;
    use std::time::Duration;
    use std::time::SystemTime;

    use bytes::Bytes;
    use http::HeaderValue;
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::release::asset::Asset;
    use crate::release::asset::FileState;
    use crate::release::entry::RequestFilter;
    use crate::release::file_stamp::FileStamp;
    use crate::release::policy::Policy;
    use crate::release::representation::Content;

    const JSON: &str = r#"{
  "version": 1,
  "id": "80f78f5808fb6234fa98",
  "built": 1763824000123,
  "label": "1.4.2",
  "notes": "Dark mode.",
  "policy": "idle",
  "files": {
    "/assets/app-Ab12Cd34.js": {
      "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      "size": 1,
      "media_type": "text/javascript; charset=utf-8",
      "hashed": true,
      "immutable": true,
      "reachable": true,
      "modified": 1763824000123,
      "encodings": {
        "br": {
          "sha256": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
          "size": 1
        }
      }
    },
    "/robots.txt": {
      "sha256": "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
      "size": 1,
      "media_type": "text/plain; charset=utf-8"
    }
  }
}"#;

    fn entry(asset: Asset, media_type: &'static str, flags: bool) -> Entry {
        Entry {
            asset: Arc::new(asset),
            modified: None,
            modified_for: RequestFilter::Navigations,
            media_type: HeaderValue::from_static(media_type),
            hashed: flags,
            immutable: flags,
            reachable: flags,
        }
    }

    fn release() -> Release {
        let file = tempfile::tempfile().unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_824_000_123);
        file.set_modified(time).unwrap();
        let script = script(&file);
        script.set_encoded(vec![(
            Coding::Brotli,
            script.encoded_from(Bytes::from_static(b"b")),
        )]);
        let robots = Asset::from_bytes(Bytes::from_static(b"c"));
        let mut release = Release::new("80f78f5808fb6234fa98".parse().unwrap(), 1_763_824_000_123)
            .with_label("1.4.2")
            .with_notes("Dark mode.")
            .with_policy(Policy::Idle);
        release.files.extend([
            (
                "/assets/app-Ab12Cd34.js".into(),
                entry(script, "text/javascript; charset=utf-8", true),
            ),
            (
                "/robots.txt".into(),
                entry(robots, "text/plain; charset=utf-8", false),
            ),
        ]);
        release
    }

    fn script(file: &File) -> Asset {
        let state = FileState {
            stamp: FileStamp::new(&file.metadata().unwrap()),
            taken_at: SystemTime::now(),
        };
        let content = Content::Memory(Bytes::from_static(b"a"));
        Asset::from_file(content, Digest::new(b"a"), true, state)
    }

    #[test]
    fn manifest_of_a_release_has_this_json() {
        let manifest = Manifest::from_release(&release());
        assert_eq!(serde_json::to_string_pretty(&manifest).unwrap(), JSON);
        assert_eq!(serde_json::from_str::<Manifest>(JSON).unwrap(), manifest);
    }

    #[test]
    fn manifest_of_a_later_version_is_read() {
        let json = JSON.replacen("\"version\": 1", "\"version\": 9, \"more\": [1]", 1);
        let json = json.replacen("\"size\": 1,", "\"size\": 1, \"mode\": 420,", 1);
        let json = json.replacen("\"br\":", "\"dcb\":", 1);
        let manifest: Manifest = serde_json::from_str(&json).unwrap();
        assert_eq!(manifest.version(), 9);
        assert_eq!(manifest.id(), release().id());
        assert_eq!(manifest.built(), release().built());
        let paths: Vec<_> = manifest.paths().collect();
        assert_eq!(paths, ["/assets/app-Ab12Cd34.js", "/robots.txt"]);
    }

    #[test]
    fn manifest_with_an_invalid_id_or_digest_is_an_error() {
        for (valid, invalid) in [("80f78f58", "80f7 8f58"), ("ca978112", "CA978112")] {
            let json = JSON.replacen(valid, invalid, 1);
            assert_ne!(json, JSON);
            assert!(serde_json::from_str::<Manifest>(&json).is_err());
        }
    }

    fn digest() -> impl Strategy<Value = Digest> {
        any::<[u8; 8]>().prop_map(|bytes| Digest::new(&bytes))
    }

    fn file() -> impl Strategy<Value = ManifestFile> {
        let encoded = (digest(), any::<u64>());
        let encoded = encoded.prop_map(|(sha256, size)| EncodedFile { sha256, size });
        let encodings = btree_map("br|gzip|zstd".prop_map(Into::into), encoded, 0..3);
        (
            (digest(), any::<u64>(), any::<String>()),
            any::<[bool; 3]>(),
            option::of(any::<u64>()),
            encodings,
        )
            .prop_map(|((sha256, size, media_type), flags, modified, encodings)| {
                ManifestFile {
                    sha256,
                    size,
                    media_type: media_type.into(),
                    hashed: flags[0],
                    immutable: flags[1],
                    reachable: flags[2],
                    modified,
                    encodings,
                }
            })
    }

    fn manifest() -> impl Strategy<Value = Manifest> {
        let text = || option::of(any::<String>().prop_map(Into::into));
        let policy = option::of(proptest::sample::select(Policy::ALL.to_vec()));
        let files = btree_map(any::<String>().prop_map(Into::into), file(), 0..5);
        (
            (any::<u32>(), "[A-Za-z0-9._-]{1,64}", any::<u64>()),
            (text(), text(), policy),
            files,
        )
            .prop_map(
                |((version, id, built), (label, notes, policy), files)| Manifest {
                    version,
                    id: id.parse().unwrap(),
                    built,
                    metadata: ReleaseMetadata {
                        label,
                        notes,
                        policy,
                    },
                    files,
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn manifest_read_from_its_json_is_equal(manifest in manifest()) {
            let json = serde_json::to_vec(&manifest).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Manifest>(&json).unwrap(), manifest);
        }
    }
}
