//! The files of a directory at one moment: their paths and metadata, not their content.

use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use walkdir::DirEntry;
use walkdir::WalkDir;

use crate::release::file_stamp::FileStamp;

/// Every file of a directory that may be served, sorted by path.
///
/// If a tree that is read before the content of the files equals one that is read after it, nothing changed in between.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TreeFile>,
    newest_change: Option<SystemTime>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TreeFile {
    /// The path of a request for it, percent-decoded: `/assets/app.js`.
    pub(crate) path: String,
    /// The path on disk.
    pub(crate) file_path: PathBuf,
    pub(crate) stamp: FileStamp,
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files
    }
}

impl Tree {
    /// Walks `root`. Follows a symbolic link only if its target is inside the real root. Skips dot files, except
    /// `.well-known`, and everything that is neither a file nor a directory.
    ///
    /// # Errors
    ///
    /// If the root is no directory or can't be read. An entry that vanishes during the walk is skipped: the second walk
    /// will differ.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let real = root.canonicalize()?;
        if !real.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                "not a directory",
            ));
        }
        let mut files = Vec::new();
        let mut newest_change = None;
        let walk = WalkDir::new(&real)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| is_public(entry) && stays_inside(entry, &real));
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if is_skipped(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if is_skipped(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            let stamp = FileStamp::new(&metadata);
            // Removing a file changes nothing but its directory.
            newest_change = newest_change.max(Some(stamp.changed_at()));
            if !entry.file_type().is_file() {
                continue;
            }
            let Some(path) = request_path(&entry, &real) else {
                tracing::debug!(file = %entry.path().display(), "skipped a file whose name is not UTF-8");
                continue;
            };
            files.push(TreeFile {
                path,
                stamp,
                file_path: entry.into_path(),
            });
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            files,
            newest_change,
        })
    }

    /// True if there is an index page at the top, and it is not empty.
    pub(crate) fn has_index(&self) -> bool {
        self.files
            .iter()
            .any(|file| file.path == INDEX && file.stamp.size > 0)
    }

    /// A hash of the files: equal for equal trees, and different for others but for collisions.
    pub(crate) fn hash_of_files(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.files.hash(&mut hasher);
        hasher.finish()
    }

    /// True if all stamps are ([`FileStamp::is_reliable`]).
    pub(crate) fn is_reliable(&self, taken_at: SystemTime) -> bool {
        self.files
            .iter()
            .all(|file| file.stamp.is_reliable(taken_at))
    }

    /// The newest change time of any file or directory, by the clock of the file system.
    pub(crate) fn newest_change(&self) -> Option<SystemTime> {
        self.newest_change
    }
}

fn is_public(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    entry.depth() == 0 || !name.starts_with(b".") || name == b".well-known"
}

fn stays_inside(entry: &DirEntry, real_root: &Path) -> bool {
    if !entry.path_is_symlink() || entry.depth() == 0 {
        return true;
    }
    entry
        .path()
        .canonicalize()
        .is_ok_and(|target| target.starts_with(real_root))
}

fn request_path(entry: &DirEntry, real_root: &Path) -> Option<String> {
    let relative = entry.path().strip_prefix(real_root).ok()?.to_str()?;
    Some(format!("/{relative}"))
}

/// True for an entry that vanished after it was listed, and for a link to nothing or to one of its own parents: there
/// is no file to serve, and the other entries are not affected.
fn is_skipped(error: &walkdir::Error) -> bool {
    error.loop_ancestor().is_some()
        || (error.depth() > 0 && error.path().is_some_and(Path::is_symlink))
        || (error.depth() > 0
            && error
                .io_error()
                .is_some_and(|error| error.kind() == io::ErrorKind::NotFound))
}

const INDEX: &str = "/index.html";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(root: &Path) -> Vec<String> {
        let tree = Tree::read(root).unwrap();
        tree.files.into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn tree_skips_dot_files_except_well_known() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            ".env",
            ".git/config",
            ".well-known/security.txt",
            "a/.b/c",
            "index.html",
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        assert_eq!(
            paths(dir.path()),
            ["/.well-known/security.txt", "/index.html"]
        );
    }

    #[test]
    fn tree_follows_links_only_inside_the_real_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/real.txt"), "x").unwrap();
        fs::write(dir.path().join("secret.txt"), "x").unwrap();
        symlink("sub/real.txt", root.join("inside.txt")).unwrap();
        symlink("../secret.txt", root.join("outside.txt")).unwrap();
        symlink("..", root.join("sub/up")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        symlink(&root, dir.path().join("current")).unwrap();
        let expected = ["/inside.txt", "/sub/real.txt"];
        assert_eq!(paths(&root), expected);
        assert_eq!(paths(&dir.path().join("current")), expected);
    }

    #[test]
    fn tree_of_a_kubernetes_volume_has_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir(root.join("..2024_01_01")).unwrap();
        fs::write(root.join("..2024_01_01/index.html"), "x").unwrap();
        symlink("..2024_01_01", root.join("..data")).unwrap();
        symlink("..data/index.html", root.join("index.html")).unwrap();
        assert_eq!(paths(root), ["/index.html"]);
    }

    #[test]
    fn tree_of_a_missing_root_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = Tree::read(&dir.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
