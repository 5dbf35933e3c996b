//! The content of a directory at one moment.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use sha2::Digest as _;
use sha2::Sha256;

use crate::build::not_ready::NotReady;
use crate::build::parallel::in_parallel;
use crate::build::tree::Tree;
use crate::build::tree::TreeFile;
use crate::build::utf8::Utf8Validator;
use crate::digest::Digest;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::asset::Asset;
use crate::release::asset::FileState;
use crate::release::file_stamp::FileStamp;
use crate::release::open_file::OpenFile;
use crate::release::release::Release;
use crate::release::representation::Content;

/// Every file of a directory, by path. All of them were there at the same time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) assets: BTreeMap<String, Arc<Asset>>,
}

/// Which files are kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemoryLimits {
    /// Larger files stay on disk. In bytes.
    pub(crate) file: u64,
    /// The limit for all files together, in bytes. The rest stays on disk.
    pub(crate) total: u64,
}

impl Snapshot {
    /// Reads `root`, of which `tree` was just read. Files that `known` releases have, by stamp or by content, are
    /// shared with them. Blocks.
    ///
    /// # Errors
    ///
    /// If the directory can't be read completely, changes while it is read, or has no index page.
    pub(crate) fn read(
        root: &Path,
        tree: Tree,
        known: &[Arc<Release>],
        limits: MemoryLimits,
    ) -> Result<Self, NotReady> {
        if !tree.has_index() {
            return Err(NotReady::NoIndex);
        }
        let assets = known.iter().flat_map(|release| release.assets());
        let reader = FileReader {
            by_digest: assets.map(|(_, asset)| (*asset.digest(), asset)).collect(),
            in_memory: in_memory(&tree.files, limits),
            taken_at: SystemTime::now(),
        };
        let read = in_parallel(&tree.files, |at, file| {
            match known
                .iter()
                .find_map(|release| release.get_unchanged(&file.path, &file.stamp))
            {
                Some(asset) => Ok(asset),
                None => reader.read(file, reader.in_memory[at]).map(Arc::new),
            }
        })?;
        let again = Tree::read(root).map_err(|error| NotReady::from_io(&error, root))?;
        if again != tree {
            return Err(NotReady::Changing);
        }
        let paths = tree.files.into_iter().map(|file| file.path);
        Ok(Self {
            assets: paths.zip(read).collect(),
        })
    }
}

struct FileReader {
    /// The known assets: a file that was moved or copied need not be compressed again.
    by_digest: HashMap<Digest, Arc<Asset>>,
    in_memory: Vec<bool>,
    taken_at: SystemTime,
}

impl FileReader {
    fn read(&self, file: &TreeFile, in_memory: bool) -> Result<Asset, NotReady> {
        let opened = open(&file.file_path).map_err(|error| changing_or(&error, &file.file_path))?;
        let metadata = opened
            .metadata()
            .map_err(|error| changing_or(&error, &file.file_path))?;
        if FileStamp::new(&metadata) != file.stamp {
            return Err(NotReady::Changing);
        }
        let asset = if in_memory {
            self.read_into_memory(opened, file)
        } else {
            self.keep_open(opened, file)
        };
        let asset = asset.map_err(|error| changing_or(&error, &file.file_path))?;
        asset.ok_or(NotReady::Changing)
    }

    /// `None` if the file changed while it was read.
    fn read_into_memory(&self, mut opened: File, file: &TreeFile) -> io::Result<Option<Asset>> {
        let size = usize::try_from(file.stamp.size).map_err(io::Error::other)?;
        // One byte more, so that the end is seen without another allocation.
        let mut bytes = Vec::with_capacity(size + 1);
        opened.read_to_end(&mut bytes)?;
        if bytes.len() != size || FileStamp::new(&opened.metadata()?) != file.stamp {
            return Ok(None);
        }
        let digest = Digest::new(&bytes);
        let same = self.by_digest.get(&digest);
        let content = if let Some(Content::Memory(shared)) = same.map(|same| same.plain().content())
        {
            Content::Memory(shared.clone())
        } else {
            bytes.shrink_to_fit();
            Content::Memory(Bytes::from(bytes))
        };
        let utf8 = match &content {
            Content::Memory(bytes) => std::str::from_utf8(bytes).is_ok(),
            Content::File(_) => false,
        };
        let asset = Asset::from_file(content, digest, utf8, self.state(file));
        if let Some(same) = same {
            asset.share_encoded(same);
        }
        Ok(Some(asset))
    }

    fn keep_open(&self, mut opened: File, file: &TreeFile) -> io::Result<Option<Asset>> {
        let mut hasher = Sha256::new();
        let mut utf8 = Utf8Validator::default();
        let mut buffer = vec![0; 256 * 1024];
        let mut size = 0;
        loop {
            let read = opened.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hasher.update(&buffer[..read]);
            utf8.push(&buffer[..read]);
        }
        if size != file.stamp.size || FileStamp::new(&opened.metadata()?) != file.stamp {
            return Ok(None);
        }
        let digest = Digest::from_hasher(hasher);
        let content = Content::File(Arc::new(OpenFile::new(
            opened,
            file.stamp,
            self.taken_at,
            digest,
        )));
        Ok(Some(Asset::from_file(
            content,
            digest,
            utf8.is_valid(),
            self.state(file),
        )))
    }

    fn state(&self, file: &TreeFile) -> FileState {
        FileState {
            stamp: file.stamp,
            taken_at: self.taken_at,
        }
    }
}

/// Which files are kept in memory: all pages, since the script is inserted into them; then others in order of path.
fn in_memory(files: &[TreeFile], limits: MemoryLimits) -> Vec<bool> {
    let is_page = |file: &TreeFile| media_type::kind(&file.path) == Kind::Page;
    let mut remaining = limits.total;
    for page in files.iter().filter(|file| is_page(file)) {
        remaining = remaining.saturating_sub(page.stamp.size);
    }
    let mut fits = |file: &TreeFile| {
        if is_page(file) {
            return true;
        }
        let fits = file.stamp.size <= limits.file && file.stamp.size <= remaining;
        if fits {
            remaining -= file.stamp.size;
        }
        fits
    };
    files.iter().map(&mut fits).collect()
}

/// Opens a regular file. Should it have been replaced by a pipe, this must not wait for a writer.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    options.open(path)
}

fn changing_or(error: &io::Error, path: &Path) -> NotReady {
    match error.kind() {
        // It was there when the directory was listed.
        io::ErrorKind::NotFound => NotReady::Changing,
        _ => NotReady::from_io(error, path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const UNLIMITED: MemoryLimits = MemoryLimits {
        file: 1 << 20,
        total: 1 << 30,
    };

    #[test]
    fn snapshot_without_an_index_page_is_not_ready() {
        let dir = tempfile::tempdir().unwrap();
        let read = || {
            let tree = Tree::read(dir.path()).unwrap();
            Snapshot::read(dir.path(), tree, &[], UNLIMITED)
        };
        assert!(matches!(read().unwrap_err(), NotReady::NoIndex));
        fs::write(dir.path().join("index.html"), "").unwrap();
        assert!(matches!(read().unwrap_err(), NotReady::NoIndex));
        fs::write(dir.path().join("index.html"), "x").unwrap();
        assert_eq!(read().unwrap().assets.len(), 1);
    }

    #[test]
    fn snapshot_of_a_changed_tree_is_not_ready() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("index.html"), "x").unwrap();
        let tree = Tree::read(dir.path()).unwrap();
        fs::write(dir.path().join("new.js"), "x").unwrap();
        let error = Snapshot::read(dir.path(), tree, &[], UNLIMITED).unwrap_err();
        assert!(matches!(error, NotReady::Changing));
    }

    #[test]
    fn snapshot_past_its_memory_limits_keeps_files_open() {
        let dir = tempfile::tempdir().unwrap();
        for (name, size) in [
            ("index.html", 10),
            ("a.bin", 60),
            ("b.bin", 60),
            ("c.txt", 20),
            ("big.txt", 101),
        ] {
            fs::write(
                dir.path().join(name),
                "é".repeat(size / 2) + &"x".repeat(size % 2),
            )
            .unwrap();
        }
        let limits = MemoryLimits {
            file: 100,
            total: 100,
        };
        let tree = Tree::read(dir.path()).unwrap();
        let snapshot = Snapshot::read(dir.path(), tree, &[], limits).unwrap();
        let on_disk: Vec<_> = snapshot
            .assets
            .iter()
            .filter(|(_, asset)| matches!(asset.plain().content(), Content::File(_)))
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(on_disk, ["/b.bin", "/big.txt"]);
        assert!(snapshot.assets.values().all(|asset| asset.is_utf8()));
    }
}
