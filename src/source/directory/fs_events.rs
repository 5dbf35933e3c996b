//! File-system events, reduced to their one reliable meaning: "scan again".

use std::collections::HashMap;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

use notify::Event;
use notify::EventKind;
use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher as _;
use notify::event::AccessKind;
use notify::event::AccessMode;
use tokio::sync::Notify;

/// Watches a directory, its parent, and every symbolic link on the way to it.
pub(crate) struct DirectoryWatcher {
    /// `None` where there are no events.
    watcher: Option<RecommendedWatcher>,
    /// What is watched, and which directory was there at the time: another may take its place.
    watched: HashMap<WatchedPath, Identity>,
    changed: Arc<Notify>,
    /// The error with which the system reported that it cannot watch all of it.
    failure: Arc<OnceLock<String>>,
}

/// How changes to a directory are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WatchMode {
    /// By file-system events where there are any, with a slow rescan in addition.
    #[default]
    Native,
    /// By rescans alone: for file systems without events, such as network mounts.
    Poll,
}

/// A directory, and whether it is watched with all below it.
type WatchedPath = (PathBuf, bool);

/// Device, inode, and where the file system has it the time of birth: the number of a directory that is gone may be
/// given to the next.
type Identity = (u64, u64, Option<SystemTime>);

impl DirectoryWatcher {
    /// A watcher that notifies `changed`. It never does in [`WatchMode::Poll`], nor, with a warning, where the system
    /// has no events.
    pub(crate) fn new(mode: WatchMode, changed: Arc<Notify>) -> Self {
        let mut this = Self {
            watcher: None,
            watched: HashMap::new(),
            changed,
            failure: Arc::default(),
        };
        if mode == WatchMode::Poll {
            return this;
        }
        let changed = Arc::clone(&this.changed);
        let failure = Arc::clone(&this.failure);
        let on_event = move |event: notify::Result<Event>| match event {
            Ok(event) if !is_change(event.kind) => {}
            Ok(_) => changed.notify_one(),
            Err(error) => {
                // Such as a new folder that is one too many for the system's limit.
                _ = failure.set(error.to_string());
                changed.notify_one();
            }
        };
        // The real root is watched with all that is really below it; where links in it lead is outside the site.
        let config = notify::Config::default().with_follow_symlinks(false);
        match RecommendedWatcher::new(on_event, config) {
            Ok(watcher) => this.watcher = Some(watcher),
            Err(error) => this.give_up(&error.to_string()),
        }
        this
    }

    /// Watches what now stands on the way to `root`, and no longer what does not. True if all of it is watched. Blocks.
    pub(crate) fn rewatch(&mut self, root: &Path) -> bool {
        if let Some(failure) = self.failure.get().filter(|_| self.watcher.is_some()) {
            self.give_up(&failure.clone());
        }
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let wanted: HashMap<_, _> = paths_to_watch(root)
            .into_iter()
            .filter_map(|path| Some((identity(&path.0).ok()?, path)))
            .map(|(identity, path)| (path, identity))
            .collect();
        if wanted == self.watched {
            return true;
        }
        for (path, _) in self.watched.drain() {
            // It may be gone already.
            drop(watcher.unwatch(&path.0));
        }
        let mut failure = None;
        for (path, identity) in wanted {
            let mode = if path.1 {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            match watcher.watch(&path.0, mode) {
                Ok(()) => _ = self.watched.insert(path, identity),
                // It was removed this moment: another watch reports that, or the rescan finds out.
                Err(error) if is_not_found(&error) => {}
                Err(error) => failure = Some(error),
            }
        }
        // What changed before the watch was set caused no event.
        self.changed.notify_one();
        match failure {
            None => true,
            Some(error) => {
                self.give_up(&error.to_string());
                false
            }
        }
    }

    fn give_up(&mut self, error: &str) {
        self.watched.clear();
        self.watcher = None;
        tracing::warn!(
            error,
            "no file-system events (a limit such as fs.inotify.max_user_watches?), polling instead"
        );
    }
}

/// True for any event that a change may cause. Opening and reading a file cause events, too: each scan would cause the
/// next.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn is_not_found(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// The directories whose entries decide what `root` is: those that hold a symbolic link on the way, the real root and
/// its parent, or the nearest directory that exists.
fn paths_to_watch(root: &Path) -> Vec<WatchedPath> {
    let mut paths = Vec::new();
    let mut real = PathBuf::from("/");
    let Ok(absolute) = std::path::absolute(root) else {
        return paths;
    };
    let mut ahead: VecDeque<Step> = steps(&absolute).collect();
    let mut links = 0;
    while let Some(step) = ahead.pop_front() {
        let name = match step {
            Step::Root => {
                real = PathBuf::from("/");
                continue;
            }
            Step::Up => {
                real.pop();
                continue;
            }
            Step::Into(name) => name,
        };
        let next = real.join(name);
        let Ok(metadata) = fs::symlink_metadata(&next) else {
            paths.push((real, false));
            return paths;
        };
        if !metadata.is_symlink() {
            real = next;
            continue;
        }
        paths.push((real.clone(), false));
        links += 1;
        let Some(target) = fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS) else {
            return paths;
        };
        for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
            ahead.push_front(step);
        }
    }
    if let Some(parent) = real.parent() {
        paths.push((parent.to_owned(), false));
    }
    paths.push((real, true));
    paths
}

enum Step {
    Root,
    Up,
    Into(OsString),
}

fn steps(path: &Path) -> impl Iterator<Item = Step> + '_ {
    path.components().filter_map(|component| match component {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    })
}

fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

// As many as the kernel follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn symbolic_links_to_root_are_watched_in_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("releases/7/dist")).unwrap();
        fs::create_dir(top.join("srv")).unwrap();
        symlink("../releases/7", top.join("srv/current")).unwrap();
        symlink(top.join("srv"), top.join("www")).unwrap();
        let expected = [
            (top.clone(), false),
            (top.join("srv"), false),
            (top.join("releases/7"), false),
            (top.join("releases/7/dist"), true),
        ];
        assert_eq!(paths_to_watch(&top.join("www/current/dist")), expected);
        let expected = [
            (top.clone(), false),
            (top.join("srv"), false),
            (top.join("releases/7"), false),
        ];
        assert_eq!(paths_to_watch(&top.join("www/current/none/dist")), expected);
    }

    #[test]
    fn symbolic_link_loop_ends() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(paths_to_watch(&dir.path().join("a")).len() > 2);
    }
}
