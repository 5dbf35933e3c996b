//! One file of a release: its bytes, in every form in which they can be sent.

use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderValue;

use crate::digest::Digest;
use crate::http::coding::Coding;
use crate::release::file_stamp::Stamp;
use crate::release::open_file::OpenFile;

/// The bytes of one file as they were when its release was cut. Shared between the releases that have them
/// in common.
#[derive(Debug)]
pub struct Asset {
    digest: Digest,
    utf8: bool,
    last_modified: Option<HeaderValue>,
    plain: Representation,
    encoded: OnceLock<Box<[(Coding, Representation)]>>,
    origin: Option<Origin>,
    /// What the entity tags of all its forms end in.
    suffix: &'static str,
}

/// The file that an asset was read from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    stamp: Stamp,
    trusted: bool,
}

/// The bytes of an asset in one coding, with their own strong entity tag.
#[derive(Debug, Clone)]
pub struct Representation {
    content: Content,
    length: HeaderValue,
    etag: HeaderValue,
}

/// Where the bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a file that the release keeps open.
    File(Arc<OpenFile>),
}

impl Asset {
    /// Bytes that come from no file.
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        Self::in_memory(bytes, "")
    }

    /// A page that the script was put into. Its entity tags say so.
    pub(crate) fn of_page(bytes: Bytes) -> Self {
        Self::in_memory(bytes, PAGE_SUFFIX)
    }

    pub(crate) fn from_file(content: Content, digest: Digest, utf8: bool, file: FileState) -> Self {
        Self {
            digest,
            utf8,
            last_modified: last_modified(file.stamp.modified_at()),
            plain: Representation::new(content, digest, ""),
            encoded: OnceLock::new(),
            origin: Some(Origin {
                stamp: file.stamp,
                trusted: file.stamp.can_be_trusted(file.taken),
            }),
            suffix: "",
        }
    }

    fn in_memory(bytes: Bytes, suffix: &'static str) -> Self {
        let digest = Digest::of(&bytes);
        let utf8 = std::str::from_utf8(&bytes).is_ok();
        Self {
            digest,
            utf8,
            last_modified: None,
            plain: Representation::new(Content::Memory(bytes), digest, suffix),
            encoded: OnceLock::new(),
            origin: None,
            suffix,
        }
    }

    /// The bytes as they are, and their entity tag.
    pub fn plain(&self) -> &Representation {
        &self.plain
    }

    /// The bytes in `coding`, if they are kept so.
    pub fn encoded(&self, coding: Coding) -> Option<&Representation> {
        let encoded = self.encoded.get()?;
        let (_, representation) = encoded.iter().find(|(kept, _)| *kept == coding)?;
        Some(representation)
    }

    /// True if there is more than one form to choose from.
    pub fn is_encoded(&self) -> bool {
        self.encoded
            .get()
            .is_some_and(|encoded| !encoded.is_empty())
    }

    /// When the file was last modified, by its own account, as a field value (RFC 9110, section 8.8.2).
    pub fn last_modified(&self) -> Option<&HeaderValue> {
        self.last_modified.as_ref()
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn is_utf8(&self) -> bool {
        self.utf8
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plain.content.len() == 0
    }

    /// True if a file with this stamp is surely this asset.
    pub(crate) fn is_unchanged(&self, stamp: &Stamp) -> bool {
        self.origin
            .is_some_and(|origin| origin.trusted && origin.stamp == *stamp)
    }

    pub(crate) fn modified_ms(&self) -> u64 {
        self.origin.map_or(0, |origin| origin.stamp.modified_ms())
    }

    /// Keeps these forms beside the plain one. The first call counts.
    pub(crate) fn keep_encoded(&self, encoded: Vec<(Coding, Representation)>) {
        self.encoded.get_or_init(|| encoded.into_boxed_slice());
    }

    pub(crate) fn has_decided_on_codings(&self) -> bool {
        self.encoded.get().is_some()
    }

    /// Takes over what another asset with the same bytes was compressed to.
    pub(crate) fn share_encoded(&self, twin: &Self) {
        if let Some(encoded) = twin.encoded.get() {
            self.keep_encoded(encoded.to_vec());
        }
    }

    /// The form of this asset that consists of these encoded bytes, with an entity tag of its own.
    pub(crate) fn encoded_form(&self, encoded: Bytes) -> Representation {
        let digest = Digest::of(&encoded);
        Representation::new(Content::Memory(encoded), digest, self.suffix)
    }

    /// The bytes this asset keeps in memory, in all its forms.
    pub(crate) fn memory(&self) -> u64 {
        let encoded = self.encoded.get().map_or(&[][..], |encoded| encoded);
        self.plain.content.memory()
            + encoded
                .iter()
                .map(|(_, representation)| representation.content.memory())
                .sum::<u64>()
    }
}

impl Representation {
    /// `digest` is that of the bytes in this form, so that equal tags mean equal bytes everywhere.
    pub(crate) fn new(content: Content, digest: Digest, suffix: &str) -> Self {
        let etag = format!("\"{}{suffix}\"", digest.hex(ETAG_BYTES));
        Self {
            length: content.len().into(),
            content,
            etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }

    /// Where the bytes are.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Their number, as a field value.
    pub fn length(&self) -> &HeaderValue {
        &self.length
    }

    /// Their strong entity tag (RFC 9110, section 8.8.3).
    pub fn etag(&self) -> &HeaderValue {
        &self.etag
    }
}

impl Content {
    /// The number of bytes.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.len(),
        }
    }

    fn memory(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_) => 0,
        }
    }

    /// All the bytes, read from disk if need be. Blocks.
    pub(crate) fn bytes(&self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(file) => {
                let length = usize::try_from(self.len()).map_err(io::Error::other)?;
                file.read(0, length)
            }
        }
    }
}

fn last_modified(time: SystemTime) -> Option<HeaderValue> {
    // A time that stands for "no time" in reproducible builds says nothing about the content.
    let is_real = time > SystemTime::UNIX_EPOCH + NO_TIME;
    let date = is_real.then(|| httpdate::fmt_http_date(time))?;
    HeaderValue::try_from(date).ok()
}

/// What was known of a file when it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileState {
    pub(crate) stamp: Stamp,
    /// The time at which the stamp was taken.
    pub(crate) taken: SystemTime,
}

/// What the entity tags of pages with the script end in.
pub(crate) const PAGE_SUFFIX: &str = "-tidings";

// 128 bits: entity tags are compared, not reversed.
const ETAG_BYTES: usize = 16;

// Nix and the like set every time to 0 or 1 second.
const NO_TIME: std::time::Duration = std::time::Duration::from_secs(1);
