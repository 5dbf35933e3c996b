//! The bytes of an asset in one content coding.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use crate::digest::Digest;
use crate::release::open_file::OpenFile;

/// The bytes of an asset in one content coding, with a strong entity tag of their own.
#[derive(Debug, Clone)]
pub struct Representation {
    content: Content,
    digest: Digest,
    length: HeaderValue,
    etag: HeaderValue,
}

/// Bytes in memory or on disk.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a file that the release keeps open.
    File(Arc<OpenFile>),
}

impl Representation {
    /// `digest` is that of the bytes in this coding, so that equal entity tags mean equal bytes everywhere. `suffix` is
    /// appended to the entity tag.
    pub(crate) fn new(content: Content, digest: Digest, suffix: &str) -> Self {
        let etag = format!("\"{}{suffix}\"", digest.hex(ETAG_BYTES));
        Self {
            length: content.len().into(),
            content,
            digest,
            etag: HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }

    /// The bytes.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The number of bytes, as a `Content-Length`.
    pub fn length(&self) -> &HeaderValue {
        &self.length
    }

    /// The strong entity tag (RFC 9110, section 8.8.3).
    pub fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// The digest of the bytes.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl Content {
    /// The number of bytes.
    #[expect(clippy::len_without_is_empty, reason = "not needed")]
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.len(),
        }
    }

    /// The number of bytes in memory.
    pub(crate) fn memory_usage(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_) => 0,
        }
    }

    /// All the bytes, read from disk where they are there. Blocks.
    ///
    /// # Errors
    ///
    /// Those of [`OpenFile::read`].
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

// 128 bits: entity tags are compared, not reversed.
const ETAG_BYTES: usize = 16;
