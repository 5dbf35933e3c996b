//! A file that a release keeps open instead of holding its bytes.

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
use crate::release::file_stamp::Stamp;

/// A file that is kept open, and checked against the digest it had: deleting or renaming it changes
/// nothing, and a byte of what somebody writes into it afterwards is never handed out.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    digest: Digest,
    known: Mutex<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// As it was when the content was last known to have the digest.
    verified: Stamp,
    /// What was written since then would show in the stamp.
    trusted: bool,
    /// As it was when the content was last known to have another.
    spoilt: Option<Stamp>,
}

impl OpenFile {
    /// `file` had the digest when it had the stamp, which was taken at the time `taken`.
    pub(crate) fn new(file: File, stamp: Stamp, taken: SystemTime, digest: Digest) -> Self {
        Self {
            file,
            digest,
            known: Mutex::new(Known {
                verified: stamp,
                trusted: stamp.can_be_trusted(taken),
                spoilt: None,
            }),
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

    /// Makes sure that the content is still what it was. Reads the whole file when anything else about it differs,
    /// as after a link, a rename or a `touch`, and then takes that as the new normal. Blocks.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn verify(&self) -> io::Result<()> {
        let known = self.known();
        let taken = SystemTime::now();
        let now = Stamp::of(&self.file.metadata()?);
        if now == known.verified && known.trusted {
            return Ok(());
        }
        if now.size != known.verified.size || known.spoilt == Some(now) {
            return Err(overwritten());
        }
        let is_same = self.hash()? == self.digest;
        // It may have been written to behind the back of the hash.
        if Stamp::of(&self.file.metadata()?) != now {
            return Err(overwritten());
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if is_same {
            known.verified = now;
            known.trusted = now.can_be_trusted(taken);
            Ok(())
        } else {
            known.spoilt = Some(now);
            Err(overwritten())
        }
    }

    /// The number of bytes it had, and has.
    pub(crate) fn len(&self) -> u64 {
        self.known().verified.size
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

fn overwritten() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file was overwritten in place since its release was cut",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    fn open(place: &std::path::Path) -> OpenFile {
        let file = File::open(place).unwrap();
        let stamp = Stamp::of(&file.metadata().unwrap());
        let digest = Digest::of(&fs::read(place).unwrap());
        OpenFile::new(file, stamp, SystemTime::now(), digest)
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
        let known = kept.known().verified;
        while Stamp::of(&fs::metadata(&place).unwrap()) == known {
            file.write_all(b"9").unwrap();
            file.set_modified(modified).unwrap();
        }
        let error = kept.read(0, 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
