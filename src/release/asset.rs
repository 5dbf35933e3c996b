//! One file of a release: its bytes, in every form in which they can be sent.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderValue;
use sha2::Digest as _;
use sha2::Sha256;

use crate::release::compress;
use crate::release::id::Digest;
use crate::release::tree::Stamp;

/// The bytes of one file as they were when its release was cut. Shared between the releases that have them
/// in common.
#[derive(Debug)]
pub struct Asset {
    digest: Digest,
    utf8: bool,
    modified: Option<SystemTime>,
    plain: Representation,
    encoded: OnceLock<Box<[(Coding, Representation)]>>,
    origin: Option<Origin>,
}

/// The file that an asset was read from.
#[derive(Debug, Clone, Copy)]
struct Origin {
    stamp: Stamp,
    trusted: bool,
}

/// A content coding (RFC 9110, section 8.4.1) in which assets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coding {
    /// Brotli, `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
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

/// A file that is kept open, and checked against the digest it had: deleting or renaming it changes
/// nothing, and a byte of what somebody writes into it afterwards is never handed out.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    digest: Digest,
    /// As it was when the content was last known to have the digest.
    verified: Mutex<Stamp>,
}

impl Asset {
    /// Bytes that come from no file, such as a page that the script was put into.
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        let digest = Digest::of(&bytes);
        let utf8 = std::str::from_utf8(&bytes).is_ok();
        let plain = Representation::new(Content::Memory(bytes), digest);
        Self::assemble(digest, utf8, plain, None)
    }

    pub(crate) fn from_file(content: Content, digest: Digest, utf8: bool, file: FileState) -> Self {
        Self::assemble(
            digest,
            utf8,
            Representation::new(content, digest),
            Some(file),
        )
    }

    fn assemble(
        digest: Digest,
        utf8: bool,
        plain: Representation,
        file: Option<FileState>,
    ) -> Self {
        Self {
            digest,
            utf8,
            // A time that stands for "no time" in reproducible builds says nothing about the content.
            modified: file
                .map(|file| file.stamp.modified_at())
                .filter(|time| *time > SystemTime::UNIX_EPOCH + NO_TIME),
            plain,
            encoded: OnceLock::new(),
            origin: file.map(|file| Origin {
                stamp: file.stamp,
                trusted: file.stamp.can_be_trusted(file.taken),
            }),
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

    /// When the file was last modified, by its own account.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
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

    /// Keeps every form that pays, if the bytes are in memory.
    pub(crate) fn compress(&self) {
        let forms = Coding::ALL.into_iter();
        self.keep_encoded(
            forms
                .filter_map(|coding| Some((coding, self.compressed(coding)?)))
                .collect(),
        );
    }

    /// The bytes in `coding`, if they are in memory and it pays.
    pub(crate) fn compressed(&self, coding: Coding) -> Option<Representation> {
        let Content::Memory(bytes) = &self.plain.content else {
            return None;
        };
        let small = compress::smaller(coding, bytes)?;
        let digest = Digest::of(&small);
        Some(Representation::new(Content::Memory(small), digest))
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

impl Coding {
    /// All of them, the one we would rather send first.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The token in `Content-Encoding` and `Accept-Encoding`.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What build tools add to the name of a file that they compressed so.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

impl Representation {
    /// `digest` is that of the bytes in this form, so that equal tags mean equal bytes everywhere.
    pub(crate) fn new(content: Content, digest: Digest) -> Self {
        let etag = format!("\"{}\"", digest.hex(ETAG_BYTES));
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
            Self::File(file) => file.verified().size,
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

impl OpenFile {
    pub(crate) fn new(file: File, stamp: Stamp, digest: Digest) -> Self {
        Self {
            file,
            digest,
            verified: Mutex::new(stamp),
        }
    }

    /// `length` bytes from `offset` on, as they were when the release was cut. Blocks.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if the file was written to since; or what reading said.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, offset)?;
        // Checked after reading: what was written before the read shows in the stamp by now.
        self.verify()?;
        Ok(buffer.into())
    }

    /// Makes sure that the content is still what it was. Reads the whole file when only its change time
    /// differs, as it does after a link or a rename, and then takes that as the new normal. Blocks.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn verify(&self) -> io::Result<()> {
        let known = self.verified();
        let now = Stamp::of(&self.file.metadata()?);
        if now == known {
            return Ok(());
        }
        if now.same_but_for_change_time(&known) && self.hash()? == self.digest {
            let after = Stamp::of(&self.file.metadata()?);
            if after == now {
                *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = now;
                return Ok(());
            }
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file was overwritten in place since its release was cut",
        ))
    }

    fn verified(&self) -> Stamp {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self) -> io::Result<Digest> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        loop {
            let read = self.file.read_at(&mut buffer, offset)?;
            if read == 0 {
                return Ok(Digest::finish(hasher));
            }
            hasher.update(&buffer[..read]);
            offset += read as u64;
        }
    }
}

/// What was known of a file when it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileState {
    pub(crate) stamp: Stamp,
    /// The time at which the stamp was taken.
    pub(crate) taken: SystemTime,
}

// 128 bits: entity tags are compared, not reversed.
const ETAG_BYTES: usize = 16;

// Nix and the like set every time to 0 or 1 second.
const NO_TIME: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    fn open(place: &std::path::Path) -> OpenFile {
        let file = File::open(place).unwrap();
        let stamp = Stamp::of(&file.metadata().unwrap());
        let digest = Digest::of(&fs::read(place).unwrap());
        OpenFile::new(file, stamp, digest)
    }

    #[test]
    fn deleting_a_kept_file_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("video.mp4");
        fs::write(&place, "0123456789").unwrap();
        let kept = open(&place);
        fs::remove_file(&place).unwrap();
        assert_eq!(kept.read(2, 3).unwrap(), "234");
    }

    #[test]
    fn a_file_overwritten_in_place_is_never_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("video.mp4");
        fs::write(&place, "0123456789").unwrap();
        let kept = open(&place);
        let modified = fs::metadata(&place).unwrap().modified().unwrap();
        let mut file = File::options().write(true).open(&place).unwrap();
        // The clock of the file system may tick as seldom as every 10 ms: write until it shows.
        let known = kept.verified();
        while Stamp::of(&fs::metadata(&place).unwrap()) == known {
            file.write_all(b"9").unwrap();
            file.set_modified(modified).unwrap();
        }
        let error = kept.read(0, 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
