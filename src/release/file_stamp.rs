//! The metadata of a file, by which a change is noticed without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// The metadata of a file that changes whenever its content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileStamp {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    modified: i128,
    changed: i128,
}

impl FileStamp {
    pub(crate) fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// True if any later change gives another stamp. `taken_at` is the time at which the stamp was taken.
    ///
    /// Git's rule for its index: a file that changed within the last tick of the clock may change again within the same
    /// tick, without another stamp.
    pub(crate) fn is_reliable(&self, taken_at: SystemTime) -> bool {
        // Without a fraction, the file system has timestamps in whole seconds.
        let tick = if self.changed % 1_000_000_000 == 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_millis(50)
        };
        taken_at
            .duration_since(self.changed_at())
            .is_ok_and(|age| age > tick)
    }

    /// The modification time.
    pub(crate) fn modified_at(&self) -> SystemTime {
        time(self.modified)
    }

    /// The change time (`ctime`).
    pub(crate) fn changed_at(&self) -> SystemTime {
        // Unlike the modification time, it can't be set.
        time(self.changed)
    }

    /// The modification time in milliseconds since 1970; 0 for earlier ones.
    pub(crate) fn modified_ms(&self) -> u64 {
        u64::try_from(self.modified / 1_000_000).unwrap_or(0)
    }
}

fn nanos(seconds: i64, nanos: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

fn time(nanos: i128) -> SystemTime {
    let distance = Duration::from_nanos(u64::try_from(nanos.unsigned_abs()).unwrap_or(u64::MAX));
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn fresh_stamp_is_not_reliable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "x").unwrap();
        let stamp = FileStamp::new(&fs::metadata(&path).unwrap());
        assert!(!stamp.is_reliable(stamp.changed_at()));
        assert!(!stamp.is_reliable(stamp.changed_at() - Duration::from_secs(60)));
        assert!(stamp.is_reliable(stamp.changed_at() + Duration::from_secs(3)));
    }
}
