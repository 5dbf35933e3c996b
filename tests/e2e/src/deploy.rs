//! The methods by which a new build replaces the deployed one.

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

/// How a build is deployed. Each method also lays out the first build, in the form that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeployMethod {
    /// A real `vite build --emptyOutDir` into the served directory.
    ViteBuild,
    /// Everything is deleted, then the page is written and, after a pause, the files that it references.
    EmptyThenWrite,
    /// `rsync -a --delete`, the page some time before the rest.
    RsyncIndexFirst,
    /// `rsync -a --delete`, the page some time after the rest.
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

/// A served directory, in a temporary directory of its own.
#[derive(Debug)]
pub struct Site {
    method: DeployMethod,
    root: TempDir,
    deploys: Cell<u32>,
}

impl Site {
    /// Lays out `first` in the form that `method` needs.
    ///
    /// # Errors
    /// When a file operation or a command fails.
    pub fn new(method: DeployMethod, first: &Build) -> Result<Self> {
        let site = Self {
            method,
            root: TempDir::new().context("a directory for the site")?,
            deploys: Cell::new(0),
        };
        match method {
            DeployMethod::LinkForce | DeployMethod::LinkRename => {}
            _ => fs::create_dir(site.dir()).context("the served directory")?,
        }
        site.deploy(first)?;
        Ok(site)
    }

    /// The directory to serve; for some methods it is a symbolic link.
    pub fn dir(&self) -> PathBuf {
        self.root.path().join("site")
    }

    /// Replaces the deployed build with `build`. Returns when the last file is written.
    ///
    /// # Errors
    /// When a file operation or a command fails.
    pub fn deploy(&self, build: &Build) -> Result<()> {
        self.deploys.set(self.deploys.get() + 1);
        self.put(build)
            .with_context(|| format!("deploying by {:?}", self.method))
    }

    fn put(&self, build: &Build) -> Result<()> {
        let (root, dir, from) = (self.root.path(), self.dir(), build.dir());
        let slashed = from.join("");
        match self.method {
            DeployMethod::ViteBuild => vite(build, &dir),
            DeployMethod::EmptyThenWrite => {
                empty(&dir)?;
                pause();
                fs::copy(from.join("index.html"), dir.join("index.html"))?;
                pause();
                copy(from, &dir)
            }
            DeployMethod::RsyncIndexFirst => {
                run("rsync", [o(RSYNC), o(&from.join("index.html")), o(&dir)])?;
                pause();
                run("rsync", [o(RSYNC), o("--delete"), o(&slashed), o(&dir)])
            }
            DeployMethod::RsyncIndexLast => {
                let but = o("--exclude=/index.html");
                run("rsync", [o(RSYNC), but, o(&slashed), o(&dir)])?;
                pause();
                run("rsync", [o(RSYNC), o("--delete"), o(&slashed), o(&dir)])
            }
            DeployMethod::RemoveThenCopy => {
                fs::remove_dir_all(&dir)?;
                run("cp", [o("-r"), o(from), o(&dir)])
            }
            DeployMethod::MoveSwap => {
                let (new, old) = (root.join("site.new"), root.join("site.old"));
                run("cp", [o("-r"), o(from), o(&new)])?;
                fs::rename(&dir, &old)?;
                fs::rename(&new, &dir)?;
                Ok(fs::remove_dir_all(&old)?)
            }
            DeployMethod::LinkForce => run("ln", [o("-sfn"), o(&self.release(from)?), o(&dir)]),
            DeployMethod::LinkRename => {
                let next = root.join("next");
                symlink(self.release(from)?, &next)?;
                run("mv", [o("-T"), o(&next), o(&dir)])
            }
            DeployMethod::ConfigMap => self.config_map(from, &dir),
            DeployMethod::TarSameTimes => {
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

    /// As the kubelet does it: creates a dated directory, renames `..data` to point to it, links the files, removes the
    /// old directory.
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

/// Copies the content of `from` into the directory `to`. Every file gets a new mtime.
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

// By checksum: the pages of two builds have the same size and, built in the same second, the same mtime to rsync, which
// would then keep the old page.
const RSYNC: &str = "-ac";

/// As long as a slow upload: a server that publishes half of a build would do so within this time.
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
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {stderr}");
    Ok(())
}
