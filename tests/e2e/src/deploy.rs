//! The ways in which people put a new build where the old one was.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;

use crate::build::Build;
use crate::root;

/// How a build is deployed. Each way also lays the first build out, in the form that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A real `vite build --emptyOutDir` into the served directory.
    ViteBuild,
    /// Everything is deleted, then the page is written, then, a while later, what it names.
    EmptyThenWrite,
    /// `rsync -a --delete`, the page a while before the rest.
    RsyncIndexFirst,
    /// `rsync -a --delete`, the page a while after the rest.
    RsyncIndexLast,
    /// `rm -rf dist && cp -r build dist`
    RemoveThenCopy,
    /// `mv dist dist.old && mv dist.new dist`
    MoveSwap,
    /// `ln -sfn releases/N current`: for an instant there is no `current`.
    LinkForce,
    /// `ln -s releases/N next && mv -T next current`
    LinkRename,
    /// A Kubernetes config map: files are links into `..data`, which is a link to a dated directory.
    ConfigMap,
    /// `tar x` with old times: pages of the same size and the same mtime as before.
    TarSameTimes,
}

/// A served directory in a directory of its own.
#[derive(Debug)]
pub struct Site {
    way: Way,
    root: TempDir,
    deploys: Cell<u32>,
}

impl Site {
    /// Lays `first` out in the form that `way` needs.
    ///
    /// # Errors
    /// When a file operation or a command fails.
    pub fn new(way: Way, first: &Build) -> Result<Self> {
        let site = Self {
            way,
            root: TempDir::new().context("a place for the site")?,
            deploys: Cell::new(0),
        };
        match way {
            Way::LinkForce | Way::LinkRename => {}
            _ => fs::create_dir(site.dir()).context("the served directory")?,
        }
        site.deploy(first)?;
        Ok(site)
    }

    /// The directory to serve. Depending on the way it is a link.
    pub fn dir(&self) -> PathBuf {
        self.root.path().join("site")
    }

    /// Puts `build` where the last one was. Returns when the last file is there.
    ///
    /// # Errors
    /// When a file operation or a command fails.
    pub fn deploy(&self, build: &Build) -> Result<()> {
        self.deploys.set(self.deploys.get() + 1);
        self.put(build)
            .with_context(|| format!("deploying by {:?}", self.way))
    }

    fn put(&self, build: &Build) -> Result<()> {
        let (root, dir, from) = (self.root.path(), self.dir(), build.dir());
        let slashed = from.join("");
        match self.way {
            Way::ViteBuild => vite(build, &dir),
            Way::EmptyThenWrite => {
                empty(&dir)?;
                pause();
                fs::copy(from.join("index.html"), dir.join("index.html"))?;
                pause();
                copy(from, &dir)
            }
            Way::RsyncIndexFirst => {
                run("rsync", [o(RSYNC), o(&from.join("index.html")), o(&dir)])?;
                pause();
                run("rsync", [o(RSYNC), o("--delete"), o(&slashed), o(&dir)])
            }
            Way::RsyncIndexLast => {
                let but = o("--exclude=/index.html");
                run("rsync", [o(RSYNC), but, o(&slashed), o(&dir)])?;
                pause();
                run("rsync", [o(RSYNC), o("--delete"), o(&slashed), o(&dir)])
            }
            Way::RemoveThenCopy => {
                fs::remove_dir_all(&dir)?;
                run("cp", [o("-r"), o(from), o(&dir)])
            }
            Way::MoveSwap => {
                let (new, old) = (root.join("site.new"), root.join("site.old"));
                run("cp", [o("-r"), o(from), o(&new)])?;
                fs::rename(&dir, &old)?;
                fs::rename(&new, &dir)?;
                Ok(fs::remove_dir_all(&old)?)
            }
            Way::LinkForce => run("ln", [o("-sfn"), o(&self.release(from)?), o(&dir)]),
            Way::LinkRename => {
                let next = root.join("next");
                symlink(self.release(from)?, &next)?;
                run("mv", [o("-T"), o(&next), o(&dir)])
            }
            Way::ConfigMap => self.config_map(from, &dir),
            Way::TarSameTimes => {
                let archive = root.join("build.tar");
                let (flag, date) = (o("--mtime"), o("2020-02-02 02:02:02Z"));
                let (c, x, here) = (o("-C"), o("-xf"), o("."));
                run("tar", [flag, date, o("-cf"), o(&archive), c, o(from), here])?;
                empty(&dir)?;
                run("tar", [x, o(&archive), c, o(&dir)])
            }
        }
    }

    /// Copies a build to `releases/N` and returns the path, relative as deploy scripts write it.
    fn release(&self, from: &Path) -> Result<PathBuf> {
        let relative = Path::new("releases").join(self.deploys.get().to_string());
        let to = self.root.path().join(&relative);
        fs::create_dir_all(&to)?;
        copy(from, &to)?;
        Ok(relative)
    }

    /// What the kubelet does: a new dated directory, `..data` renamed over, the links to files, the old one gone.
    fn config_map(&self, from: &Path, dir: &Path) -> Result<()> {
        let dated = format!("..2026_11_22_00_00_{:02}", self.deploys.get());
        let data = dir.join("..data");
        let before = fs::read_link(&data).ok();
        fs::create_dir(dir.join(&dated))?;
        copy(from, &dir.join(&dated))?;
        symlink(&dated, dir.join("..data_tmp"))?;
        fs::rename(dir.join("..data_tmp"), &data)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            let link = dir.join(&name);
            if link.symlink_metadata().is_err() {
                symlink(Path::new("..data").join(&name), link)?;
            }
        }
        match before {
            Some(old) => Ok(fs::remove_dir_all(dir.join(old))?),
            None => Ok(()),
        }
    }
}

/// Copies what is in `from` into the directory `to`. Every file gets a new mtime.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    run("cp", [o("-r"), o(&from.join(".")), o(to)])
}

fn vite(build: &Build, dir: &Path) -> Result<()> {
    let mode = build.mode().context("Vite makes no altered builds")?;
    let spa = root().join("tests/spa");
    let mut vite = Command::new(spa.join("node_modules/.bin/vite"));
    vite.current_dir(&spa).args(["build", "--mode", mode]);
    finish(vite.arg("--outDir").arg(dir).arg("--emptyOutDir"))
}

fn empty(dir: &Path) -> Result<()> {
    let (at, least, one) = (o(dir), o("-mindepth"), o("1"));
    run("find", [at, least, one, o("-delete")])
}

// By checksum: the pages of two builds have the same size, and, built in the same second, the same mtime to rsync,
// which then would leave the old page there.
const RSYNC: &str = "-ac";

/// An upload takes its time: long enough for a server that is fooled by half of a build to be caught at it.
fn pause() {
    sleep(Duration::from_millis(600));
}

fn o<S: AsRef<OsStr> + ?Sized>(arg: &S) -> &OsStr {
    arg.as_ref()
}

fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a OsStr>) -> Result<()> {
    finish(Command::new(program).args(args))
}

fn finish(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {complaint}");
    Ok(())
}
