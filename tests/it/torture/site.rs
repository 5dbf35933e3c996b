//! A site that is deployed to by all methods in turn.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::deploys::build::Build;
use crate::deploys::build::Random;
use crate::deploys::build::empty;
use crate::deploys::os;
use crate::deploys::run;

/// A directory, or a symlink to one.
#[derive(Debug)]
pub(crate) struct DeployedSite {
    top: PathBuf,
    deploys: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum DeployMethod {
    /// The old directory is moved away, and the new one to its place.
    Swap,
    /// A symlink is moved over the old one.
    Link,
    /// `rsync -a --delete`
    Rsync,
    /// As rsync, in random order: each file is written under a temporary name and moved over the old one.
    /// Then old files are deleted.
    Shuffled,
    /// As Vite, in random order: all files are deleted, then written one after another.
    Emptied,
    /// `rm -rf dist && cp -r build dist`
    Removed,
}

impl DeployedSite {
    pub(crate) fn new(top: &Path) -> Self {
        Self {
            top: top.to_owned(),
            deploys: 0,
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.top.join("site")
    }

    pub(crate) fn deploy(&mut self, method: DeployMethod, build: &Build, random: &mut Random) {
        self.deploys += 1;
        let dir = self.dir();
        let source = build.source();
        match method {
            DeployMethod::Swap => {
                let new = self.top.join("site.new");
                run("cp", [os("-a"), os(source.path()), os(&new)]);
                let old = self.move_away();
                fs::rename(&new, &dir).unwrap();
                remove(&old);
            }
            DeployMethod::Link => {
                let release = self.top.join(format!("release-{}", self.deploys));
                run("cp", [os("-a"), os(source.path()), os(&release)]);
                let old = match fs::read_link(&dir) {
                    Ok(old) => old,
                    Err(_) => self.move_away(),
                };
                let next = self.top.join("next");
                symlink(&release, &next).unwrap();
                fs::rename(&next, &dir).unwrap();
                remove(&old);
            }
            DeployMethod::Rsync => {
                fs::create_dir_all(&dir).unwrap();
                let (from, to) = (source.path().join(""), dir.join(""));
                run("rsync", [os("-a"), os("--delete"), os(&from), os(&to)]);
            }
            DeployMethod::Shuffled => {
                fs::create_dir_all(dir.join("assets")).unwrap();
                for path in shuffled(build, random) {
                    let temporary = dir.join(".uploading");
                    fs::write(&temporary, build.file(path)).unwrap();
                    fs::rename(&temporary, dir.join(path)).unwrap();
                    pause(random);
                }
                self.delete_others(build, random);
            }
            DeployMethod::Emptied => {
                fs::create_dir_all(&dir).unwrap();
                empty(&dir);
                for path in shuffled(build, random) {
                    build.put(&dir, path);
                    pause(random);
                }
            }
            DeployMethod::Removed => {
                run("rm", [os("-rf"), os(&dir)]);
                run("cp", [os("-r"), os(source.path()), os(&dir)]);
            }
        }
    }

    /// Moves the old directory away, and returns its new path.
    fn move_away(&self) -> PathBuf {
        let old = self.top.join(format!("old-{}", self.deploys));
        match fs::rename(self.dir(), &old) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => old,
        }
    }

    fn delete_others(&self, build: &Build, random: &mut Random) {
        let dir = self.dir().join("assets");
        let names = fs::read_dir(&dir).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        random.shuffle(&mut names);
        let is_kept = |name: &OsStr| {
            let mut paths = build.files().map(|(path, _)| Path::new(path));
            paths.any(|path| path.file_name() == Some(name))
        };
        for name in names.iter().filter(|name| !is_kept(name)) {
            fs::remove_file(dir.join(name)).unwrap();
            pause(random);
        }
    }
}

impl DeployMethod {
    pub(crate) fn any(random: &mut Random) -> Self {
        let all = [
            Self::Swap,
            Self::Link,
            Self::Rsync,
            Self::Shuffled,
            Self::Emptied,
            Self::Removed,
        ];
        all[random.below(all.len())]
    }
}

fn shuffled<'a>(build: &'a Build, random: &mut Random) -> Vec<&'a str> {
    let mut paths = build.index_first();
    random.shuffle(&mut paths);
    paths
}

fn remove(place: &Path) {
    match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(place).unwrap(),
        Ok(_) => fs::remove_file(place).unwrap(),
        Err(_) => {}
    }
}

/// A short random pause, mostly none.
fn pause(random: &mut Random) {
    let pauses = [0, 0, 0, 1, 2, 8];
    thread::sleep(Duration::from_millis(pauses[random.below(pauses.len())]));
}
