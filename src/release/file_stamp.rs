//! The metadata of a file, by which a change is noticed without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// What the file system says of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    modified: i128,
    changed: i128,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// True if a later change would have given another stamp.
    ///
    /// Git's rule for its index: a file that changed within the clock's last tick may change again within the
    /// same tick, and then look unchanged. `now` is the time at which the stamp was taken.
    pub(crate) fn can_be_trusted(&self, now: SystemTime) -> bool {
        // A file system that counts whole seconds shows it by having no fraction.
        let tick = if self.changed % 1_000_000_000 == 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_millis(50)
        };
        now.duration_since(self.changed_at())
            .is_ok_and(|age| age > tick)
    }

    pub(crate) fn modified_at(&self) -> SystemTime {
        time(self.modified)
    }

    pub(crate) fn changed_at(&self) -> SystemTime {
        // The modification time can be set at will, and be in the future; the change time can't.
        time(self.changed)
    }

    /// Milliseconds since 1970; earlier times count as 0.
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
    fn a_fresh_stamp_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        fs::write(&place, "x").unwrap();
        let stamp = Stamp::of(&fs::metadata(&place).unwrap());
        assert!(!stamp.can_be_trusted(stamp.changed_at()));
        assert!(!stamp.can_be_trusted(stamp.changed_at() - Duration::from_secs(60)));
        assert!(stamp.can_be_trusted(stamp.changed_at() + Duration::from_secs(3)));
    }
}
