//! A directory, read whole at one moment.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
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

use crate::build::parallel::in_parallel;
use crate::build::tree::Tree;
use crate::build::tree::TreeFile;
use crate::digest::Digest;
use crate::http::media_type;
use crate::http::media_type::Kind;
use crate::release::Release;
use crate::release::asset::Asset;
use crate::release::asset::Content;
use crate::release::asset::FileState;
use crate::release::file_stamp::Stamp;
use crate::release::open_file::OpenFile;

/// Every file of a directory, by path, such that all of them stood there together.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) assets: BTreeMap<String, Arc<Asset>>,
}

/// What is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Larger files stay on disk.
    pub(crate) file: u64,
    /// What is over this, all files together, stays on disk.
    pub(crate) total: u64,
}

/// Why a directory is no release yet.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// It isn't there.
    Absent,
    /// It, or something in it, can't be read.
    Unreadable(String),
    /// It has no `index.html` at its top, or an empty one.
    NoIndex,
    /// It changed while it was read.
    Changing,
}

impl Snapshot {
    /// Reads `root`, of which `tree` is a fresh walk. What `known` releases have, by stamp or by content, is
    /// taken over from them. Blocks.
    ///
    /// # Errors
    ///
    /// If the directory can't be read whole as it stood at one moment, or has no index page.
    pub(crate) fn read(
        root: &Path,
        tree: Tree,
        known: &[Arc<Release>],
        limits: Limits,
    ) -> Result<Self, Unsettled> {
        if !tree.has_index() {
            return Err(Unsettled::NoIndex);
        }
        let assets = known.iter().flat_map(|release| release.assets());
        let reader = Reader {
            twins: assets.map(|(_, asset)| (*asset.digest(), asset)).collect(),
            in_memory: in_memory(&tree.files, limits),
            taken: SystemTime::now(),
        };
        let read = in_parallel(&tree.files, |at, file| {
            match known
                .iter()
                .find_map(|release| release.unchanged(&file.path, &file.stamp))
            {
                Some(asset) => Ok(asset),
                None => reader.read(file, reader.in_memory[at]).map(Arc::new),
            }
        })?;
        let again = Tree::read(root).map_err(|error| Unsettled::of(&error, root))?;
        if again != tree {
            return Err(Unsettled::Changing);
        }
        let paths = tree.files.into_iter().map(|file| file.path);
        Ok(Self {
            assets: paths.zip(read).collect(),
        })
    }
}

impl Unsettled {
    pub(crate) fn of(error: &io::Error, place: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            _ => Self::Unreadable(format!("{}: {error}", place.display())),
        }
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no such directory"),
            Self::Unreadable(what) => write!(f, "it can't be read ({what})"),
            Self::NoIndex => f.write_str("it has no index.html, or an empty one"),
            Self::Changing => f.write_str("it is being changed"),
        }
    }
}

struct Reader {
    /// What is known, by content: what was moved or copied need not be compressed again.
    twins: HashMap<Digest, Arc<Asset>>,
    in_memory: Vec<bool>,
    taken: SystemTime,
}

impl Reader {
    fn read(&self, file: &TreeFile, in_memory: bool) -> Result<Asset, Unsettled> {
        let opened = open(&file.place).map_err(|error| changing_or(&error, &file.place))?;
        let metadata = opened
            .metadata()
            .map_err(|error| changing_or(&error, &file.place))?;
        if Stamp::of(&metadata) != file.stamp {
            return Err(Unsettled::Changing);
        }
        let asset = if in_memory {
            self.read_into_memory(opened, file)
        } else {
            self.keep_open(opened, file)
        };
        let asset = asset.map_err(|error| changing_or(&error, &file.place))?;
        asset.ok_or(Unsettled::Changing)
    }

    /// `None` if the file changed meanwhile.
    fn read_into_memory(&self, mut opened: File, file: &TreeFile) -> io::Result<Option<Asset>> {
        let size = usize::try_from(file.stamp.size).map_err(io::Error::other)?;
        // One byte more, to see the end without another allocation.
        let mut bytes = Vec::with_capacity(size + 1);
        opened.read_to_end(&mut bytes)?;
        if bytes.len() != size || Stamp::of(&opened.metadata()?) != file.stamp {
            return Ok(None);
        }
        let digest = Digest::of(&bytes);
        let twin = self.twins.get(&digest);
        let content = if let Some(Content::Memory(shared)) = twin.map(|twin| twin.plain().content())
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
        if let Some(twin) = twin {
            asset.share_encoded(twin);
        }
        Ok(Some(asset))
    }

    fn keep_open(&self, mut opened: File, file: &TreeFile) -> io::Result<Option<Asset>> {
        let mut hasher = Sha256::new();
        let mut utf8 = Utf8::default();
        let mut buffer = vec![0; 256 * 1024];
        let mut size = 0;
        loop {
            let read = opened.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hasher.update(&buffer[..read]);
            utf8.check(&buffer[..read]);
        }
        if size != file.stamp.size || Stamp::of(&opened.metadata()?) != file.stamp {
            return Ok(None);
        }
        let digest = Digest::finish(hasher);
        let content = Content::File(Arc::new(OpenFile::new(
            opened, file.stamp, self.taken, digest,
        )));
        Ok(Some(Asset::from_file(
            content,
            digest,
            utf8.is_whole(),
            self.state(file),
        )))
    }

    fn state(&self, file: &TreeFile) -> FileState {
        FileState {
            stamp: file.stamp,
            taken: self.taken,
        }
    }
}

/// Checks text that comes in pieces.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character that the last piece ended in.
    rest: Vec<u8>,
    broken: bool,
}

impl Utf8 {
    fn check(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        self.rest.extend_from_slice(piece);
        match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.clear(),
            Err(error) if error.error_len().is_none() => {
                self.rest.drain(..error.valid_up_to());
            }
            Err(_) => self.broken = true,
        }
    }

    fn is_whole(&self) -> bool {
        !self.broken && self.rest.is_empty()
    }
}

/// Which files fit into memory: pages always, since the script goes into them; then in order of path.
fn in_memory(files: &[TreeFile], limits: Limits) -> Vec<bool> {
    let is_page = |file: &TreeFile| media_type::kind(&file.path) == Kind::Page;
    let mut left = limits.total;
    for page in files.iter().filter(|file| is_page(file)) {
        left = left.saturating_sub(page.stamp.size);
    }
    let mut fits = |file: &TreeFile| {
        if is_page(file) {
            return true;
        }
        let fits = file.stamp.size <= limits.file && file.stamp.size <= left;
        if fits {
            left -= file.stamp.size;
        }
        fits
    };
    files.iter().map(&mut fits).collect()
}

/// Opens what was a file a moment ago; should it be a pipe by now, that must not wait for a writer.
fn open(place: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    options.open(place)
}

fn changing_or(error: &io::Error, place: &Path) -> Unsettled {
    match error.kind() {
        // It was listed a moment ago.
        io::ErrorKind::NotFound => Unsettled::Changing,
        _ => Unsettled::of(error, place),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ROOMY: Limits = Limits {
        file: 1 << 20,
        total: 1 << 30,
    };

    #[test]
    fn a_directory_without_an_index_page_is_no_release() {
        let dir = tempfile::tempdir().unwrap();
        let read = || {
            let tree = Tree::read(dir.path()).unwrap();
            Snapshot::read(dir.path(), tree, &[], ROOMY)
        };
        assert!(matches!(read().unwrap_err(), Unsettled::NoIndex));
        fs::write(dir.path().join("index.html"), "").unwrap();
        assert!(matches!(read().unwrap_err(), Unsettled::NoIndex));
        fs::write(dir.path().join("index.html"), "x").unwrap();
        assert_eq!(read().unwrap().assets.len(), 1);
    }

    #[test]
    fn a_tree_that_has_changed_since_its_walk_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("index.html"), "x").unwrap();
        let tree = Tree::read(dir.path()).unwrap();
        fs::write(dir.path().join("new.js"), "x").unwrap();
        let error = Snapshot::read(dir.path(), tree, &[], ROOMY).unwrap_err();
        assert!(matches!(error, Unsettled::Changing));
    }

    #[test]
    fn what_does_not_fit_into_memory_is_kept_open() {
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
        let limits = Limits {
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

    #[test]
    fn text_in_pieces_is_checked_across_their_borders() {
        let text = "aé漢😀z".as_bytes();
        for cut in 0..=text.len() {
            let mut utf8 = Utf8::default();
            utf8.check(&text[..cut]);
            utf8.check(&text[cut..]);
            assert!(utf8.is_whole(), "cut at {cut}");
        }
        let mut utf8 = Utf8::default();
        utf8.check(&text[..2]);
        assert!(!utf8.is_whole());
        utf8.check(b"x");
        assert!(!utf8.is_whole());
    }
}
