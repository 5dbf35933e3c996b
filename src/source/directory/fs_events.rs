//! File-system events, reduced to the one thing they are good for: "look again".

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
    watcher: Option<RecommendedWatcher>,
    /// What is watched, and which directory was there at the time: another may take its place.
    armed: HashMap<(PathBuf, bool), Identity>,
    rings: Arc<Notify>,
    /// What the system said when it could not tell of some changes.
    failure: Arc<OnceLock<String>>,
}

/// Device, inode, and where the file system knows it the time of birth: the number of a directory that is gone may
/// be given to the next.
type Identity = (u64, u64, Option<SystemTime>);

impl DirectoryWatcher {
    /// An watcher that rings `rings`. Where the system has no events to give, it never does, and says so.
    pub(crate) fn new(rings: Arc<Notify>) -> Self {
        let bell = Arc::clone(&rings);
        let failure = Arc::new(OnceLock::new());
        let failed = Arc::clone(&failure);
        let on_event = move |event: notify::Result<Event>| match event {
            Ok(event) if !is_change(event.kind) => {}
            Ok(_) => bell.notify_one(),
            Err(error) => {
                // Such as a new folder that is one too many for the system's limit.
                _ = failed.set(error.to_string());
                bell.notify_one();
            }
        };
        // The real root is watched with all that is really in it; a link that leads elsewhere is none of ours.
        let config = notify::Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(on_event, config);
        let mut this = Self {
            watcher: None,
            armed: HashMap::new(),
            rings,
            failure,
        };
        match watcher {
            Ok(watcher) => this.watcher = Some(watcher),
            Err(error) => this.give_up(&error.to_string()),
        }
        this
    }

    /// An watcher that never rings by itself.
    pub(crate) fn silent(rings: Arc<Notify>) -> Self {
        Self {
            watcher: None,
            armed: HashMap::new(),
            rings,
            failure: Arc::default(),
        }
    }

    /// Watches whatever now stands on the way to `root`, and no longer what doesn't. True if all of it is
    /// watched. Blocks.
    pub(crate) fn rewatch(&mut self, root: &Path) -> bool {
        if let Some(failure) = self.failure.get().filter(|_| self.watcher.is_some()) {
            self.give_up(&failure.clone());
        }
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let wanted: HashMap<_, _> = places(root)
            .into_iter()
            .filter_map(|place| Some((identity(&place.0).ok()?, place)))
            .map(|(identity, place)| (place, identity))
            .collect();
        if wanted == self.armed {
            return true;
        }
        for (place, _) in self.armed.drain() {
            // It may be gone already.
            drop(watcher.unwatch(&place.0));
        }
        let mut complaint = None;
        for (place, identity) in wanted {
            let mode = if place.1 {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            match watcher.watch(&place.0, mode) {
                Ok(()) => _ = self.armed.insert(place, identity),
                // It went away this moment: that rings by another watch, or the poll finds out.
                Err(error) if is_absence(&error) => {}
                Err(error) => complaint = Some(error),
            }
        }
        // What changed before the watch was there did not ring.
        self.rings.notify_one();
        match complaint {
            None => true,
            Some(error) => {
                self.give_up(&error.to_string());
                false
            }
        }
    }

    fn give_up(&mut self, error: &str) {
        self.armed.clear();
        self.watcher = None;
        tracing::warn!(
            error,
            "the system gives no file events (a limit such as fs.inotify.max_user_watches?): polling instead"
        );
    }
}

/// True for whatever may come from a change. Opening and reading a file are events too, and would make every
/// look the reason for the next.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn is_absence(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// The directories whose entries decide what `root` is, each with whether it is watched with all below it: those
/// that hold a symbolic link on the way, the real root and its parent, or the nearest directory that is there.
fn places(root: &Path) -> Vec<(PathBuf, bool)> {
    let mut places = Vec::new();
    let mut real = PathBuf::from("/");
    let Ok(absolute) = std::path::absolute(root) else {
        return places;
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
            places.push((real, false));
            return places;
        };
        if !metadata.is_symlink() {
            real = next;
            continue;
        }
        places.push((real.clone(), false));
        links += 1;
        let Some(target) = fs::read_link(&next).ok().filter(|_| links <= MOST_LINKS) else {
            return places;
        };
        for step in steps(&target).collect::<Vec<_>>().into_iter().rev() {
            ahead.push_front(step);
        }
    }
    if let Some(parent) = real.parent() {
        places.push((parent.to_owned(), false));
    }
    places.push((real, true));
    places
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

fn identity(place: &Path) -> io::Result<Identity> {
    let metadata = fs::metadata(place)?;
    Ok((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

// As many as the kernel follows.
const MOST_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_watched_where_it_stands() {
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
        assert_eq!(places(&top.join("www/current/dist")), expected);
        let expected = [
            (top.clone(), false),
            (top.join("srv"), false),
            (top.join("releases/7"), false),
        ];
        assert_eq!(places(&top.join("www/current/none/dist")), expected);
    }

    #[test]
    fn a_loop_of_links_ends() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(places(&dir.path().join("a")).len() > 2);
    }
}
