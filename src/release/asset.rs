//! One file of a release: its bytes, in every content coding in which they can be sent.

use std::sync::OnceLock;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderValue;

use crate::digest::Digest;
use crate::http::coding::Coding;
use crate::release::file_stamp::FileStamp;
use crate::release::representation::Content;
use crate::release::representation::Representation;

/// The bytes of one file as they were when its release was built. Releases that have the same file share it.
#[derive(Debug)]
pub struct Asset {
    utf8: bool,
    last_modified: Option<HeaderValue>,
    plain: Representation,
    encoded: OnceLock<Box<[(Coding, Representation)]>>,
    file: Option<FileState>,
    /// The end of the entity tags of all representations.
    etag_suffix: &'static str,
}

/// The metadata of a file when it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileState {
    pub(crate) stamp: FileStamp,
    /// The time at which the stamp was taken.
    pub(crate) taken_at: SystemTime,
}

impl Asset {
    /// Bytes that come from no file.
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        Self::in_memory(bytes, "")
    }

    /// A page with the script in it, which shows in its entity tags.
    pub(crate) fn from_page(bytes: Bytes) -> Self {
        Self::in_memory(bytes, PAGE_SUFFIX)
    }

    /// The content of a file with this digest. `utf8` is true if it is valid UTF-8.
    pub(crate) fn from_file(content: Content, digest: Digest, utf8: bool, file: FileState) -> Self {
        Self {
            utf8,
            last_modified: last_modified(file.stamp.modified_at()),
            plain: Representation::new(content, digest, ""),
            encoded: OnceLock::new(),
            file: Some(file),
            etag_suffix: "",
        }
    }

    fn in_memory(bytes: Bytes, etag_suffix: &'static str) -> Self {
        let digest = Digest::new(&bytes);
        let utf8 = std::str::from_utf8(&bytes).is_ok();
        Self {
            utf8,
            last_modified: None,
            plain: Representation::new(Content::Memory(bytes), digest, etag_suffix),
            encoded: OnceLock::new(),
            file: None,
            etag_suffix,
        }
    }

    /// The bytes without a content coding.
    pub fn plain(&self) -> &Representation {
        &self.plain
    }

    /// The bytes in `coding`, if they are kept in it.
    pub fn encoded(&self, coding: Coding) -> Option<&Representation> {
        let encoded = self.encoded.get()?;
        let (_, representation) = encoded.iter().find(|(kept, _)| *kept == coding)?;
        Some(representation)
    }

    /// True if it is kept in any coding.
    pub fn is_encoded(&self) -> bool {
        self.encoded
            .get()
            .is_some_and(|encoded| !encoded.is_empty())
    }

    /// The `Last-Modified` of the file (RFC 9110, section 8.8.2), unless its time is one that reproducible builds set.
    pub fn last_modified(&self) -> Option<&HeaderValue> {
        self.last_modified.as_ref()
    }

    /// The digest of the bytes without a content coding.
    pub(crate) fn digest(&self) -> &Digest {
        self.plain.digest()
    }

    pub(crate) fn is_utf8(&self) -> bool {
        self.utf8
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plain.content().len() == 0
    }

    /// True if a file with this stamp has certainly the same content.
    pub(crate) fn is_unchanged(&self, stamp: &FileStamp) -> bool {
        self.file
            .is_some_and(|file| file.stamp == *stamp && file.stamp.is_reliable(file.taken_at))
    }

    /// The modification time of the file in milliseconds since 1970; 0 for bytes that come from no file.
    pub(crate) fn modified_ms(&self) -> u64 {
        self.file.map_or(0, |file| file.stamp.modified_ms())
    }

    /// Sets the encoded representations. Only the first call has an effect.
    pub(crate) fn set_encoded(&self, encoded: Vec<(Coding, Representation)>) {
        self.encoded.get_or_init(|| encoded.into_boxed_slice());
    }

    /// True if the encoded representations were set, even if there are none.
    pub(crate) fn has_encoded_set(&self) -> bool {
        self.encoded.get().is_some()
    }

    /// Takes the encoded representations of another asset with the same bytes.
    pub(crate) fn share_encoded(&self, same: &Self) {
        if let Some(encoded) = same.encoded.get() {
            self.set_encoded(encoded.to_vec());
        }
    }

    /// A representation of this asset that consists of these encoded bytes, with an entity tag of its own.
    pub(crate) fn encoded_from(&self, encoded: Bytes) -> Representation {
        let digest = Digest::new(&encoded);
        Representation::new(Content::Memory(encoded), digest, self.etag_suffix)
    }

    /// The number of bytes in memory, in all representations.
    pub(crate) fn memory_usage(&self) -> u64 {
        let encoded = self.encoded.get().map_or(&[][..], |encoded| encoded);
        let encoded = encoded.iter();
        let encoded = encoded.map(|(_, representation)| representation.content().memory_usage());
        self.plain.content().memory_usage() + encoded.sum::<u64>()
    }
}

fn last_modified(time: SystemTime) -> Option<HeaderValue> {
    // A time that stands for "no time" in reproducible builds says nothing about the content.
    let is_real = time > SystemTime::UNIX_EPOCH + MAX_PLACEHOLDER;
    let date = is_real.then(|| httpdate::fmt_http_date(time))?;
    HeaderValue::try_from(date).ok()
}

/// The end of the entity tags of pages with the script.
pub(crate) const PAGE_SUFFIX: &str = "-tidings";

// Nix and others set every time to 0 or 1 second after the epoch.
const MAX_PLACEHOLDER: Duration = Duration::from_secs(1);
