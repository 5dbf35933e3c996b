//! The resources of a process: open files, inotify watches, memory.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::support::wait_until;

/// A process, by its directory in `/proc`.
#[derive(Debug, Clone)]
pub(crate) struct Process(PathBuf);

impl Process {
    /// This process.
    pub(crate) fn this() -> Self {
        Self(PathBuf::from("/proc/self"))
    }

    /// The process that was started with this argument.
    #[track_caller]
    pub(crate) fn with_argument(argument: &Path) -> Self {
        let has_it = |process: &PathBuf| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let mut arguments = line.split(|byte| *byte == 0);
            arguments.any(|one| one == argument.as_os_str().as_bytes())
        };
        wait_until("the process", || {
            let all = fs::read_dir("/proc").unwrap();
            let mut all = all.filter_map(|entry| Some(entry.ok()?.path()));
            all.find(has_it).map(Self)
        })
    }

    /// The targets of its file descriptors.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.join("fd")).unwrap();
        let places = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        places.collect()
    }

    pub(crate) fn has_open(&self, place: &Path) -> bool {
        self.files().iter().any(|file| file == place)
    }

    /// The number of its inotify watches.
    pub(crate) fn watches(&self) -> usize {
        let entries = fs::read_dir(self.0.join("fdinfo")).unwrap();
        let infos = entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
        infos.map(|info| info.matches("inotify wd").count()).sum()
    }

    /// Its resident memory in KiB.
    pub(crate) fn memory(&self) -> usize {
        let status = fs::read_to_string(self.0.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}
