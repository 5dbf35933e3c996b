//! A file that a release keeps open instead of its bytes in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use bytes::Bytes;
use sha2::Digest as _;
use sha2::Sha256;

use crate::digest::Digest;
use crate::release::file_stamp::FileStamp;

/// A file that is kept open, and whose content is verified against a digest.
///
/// Deleting or renaming it makes no difference, and bytes that were written into it afterwards are never returned.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    digest: Digest,
    verified: Mutex<Verified>,
}

#[derive(Debug, Clone, Copy)]
struct Verified {
    /// The stamp when the content last had the digest.
    stamp: FileStamp,
    /// Whether any change since then would show in the stamp.
    is_reliable: bool,
    /// The stamp when the content last had another digest.
    overwritten: Option<FileStamp>,
}

impl OpenFile {
    /// A file that had this digest when it had this stamp, which was taken at `taken_at`.
    pub(crate) fn new(file: File, stamp: FileStamp, taken_at: SystemTime, digest: Digest) -> Self {
        Self {
            file,
            digest,
            verified: Mutex::new(Verified {
                stamp,
                is_reliable: stamp.is_reliable(taken_at),
                overwritten: None,
            }),
        }
    }

    /// `length` bytes from `offset`, as they were when the release was built. Blocks.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if the file was written to since, or the error of reading.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, offset)?;
        // Verified after reading: a write before the read shows in the stamp by now.
        self.verify()?;
        Ok(buffer.into())
    }

    /// Verifies that the content is what it was. Blocks.
    ///
    /// Reads the whole file if its metadata has changed, as by a link, a rename or a `touch`; if the content has not,
    /// the new metadata is remembered.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn verify(&self) -> io::Result<()> {
        let verified = self.verified();
        let taken_at = SystemTime::now();
        let now = FileStamp::new(&self.file.metadata()?);
        if now == verified.stamp && verified.is_reliable {
            return Ok(());
        }
        if now.size != verified.stamp.size || verified.overwritten == Some(now) {
            return Err(overwritten());
        }
        let is_same = self.hash()? == self.digest;
        // It may have been written to while it was hashed.
        if FileStamp::new(&self.file.metadata()?) != now {
            return Err(overwritten());
        }
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if is_same {
            verified.stamp = now;
            verified.is_reliable = now.is_reliable(taken_at);
            Ok(())
        } else {
            verified.overwritten = Some(now);
            Err(overwritten())
        }
    }

    /// The number of bytes.
    pub(crate) fn len(&self) -> u64 {
        self.verified().stamp.size
    }

    fn verified(&self) -> Verified {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self) -> io::Result<Digest> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        loop {
            let read = self.file.read_at(&mut buffer, offset)?;
            if read == 0 {
                return Ok(Digest::from_hasher(hasher));
            }
            hasher.update(&buffer[..read]);
            offset += read as u64;
        }
    }
}

fn overwritten() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file was overwritten in place since its release was built",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    fn open(path: &std::path::Path) -> OpenFile {
        let file = File::open(path).unwrap();
        let stamp = FileStamp::new(&file.metadata().unwrap());
        let digest = Digest::new(&fs::read(path).unwrap());
        OpenFile::new(file, stamp, SystemTime::now(), digest)
    }

    #[test]
    fn open_file_that_was_deleted_is_readable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("video.mp4");
        fs::write(&path, "0123456789").unwrap();
        let open_file = open(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(open_file.read(2, 3).unwrap(), "234");
    }

    #[test]
    fn open_file_overwritten_in_place_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("video.mp4");
        fs::write(&path, "0123456789").unwrap();
        let open_file = open(&path);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let mut file = File::options().write(true).open(&path).unwrap();
        // The clock of the file system may tick as seldom as every 10 ms: write until it shows.
        let stamp = open_file.verified().stamp;
        while FileStamp::new(&fs::metadata(&path).unwrap()) == stamp {
            file.write_all(b"9").unwrap();
            file.set_modified(modified).unwrap();
        }
        let error = open_file.read(0, 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
