//! How many older releases a site retains.

use std::collections::HashSet;
use std::sync::Arc;

use crate::release::Release;

/// The limits of what is retained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetentionLimits {
    /// The number of older releases.
    pub(crate) releases: usize,
    /// The bytes that the current and the retained releases may take in memory together.
    pub(crate) memory: u64,
}

impl RetentionLimits {
    /// Drops the oldest of `retained`, newest first, until the rest is within the limits. The current release is never
    /// dropped. Assets that several releases share count once.
    pub(crate) fn apply(self, current: Option<&Release>, retained: &mut Vec<Arc<Release>>) {
        retained.truncate(self.releases);
        let mut seen = HashSet::new();
        let mut used: u64 = 0;
        let mut add = |release: &Release| {
            let new = release
                .all_assets()
                .filter(|asset| seen.insert(Arc::as_ptr(asset)));
            used += new.map(|asset| asset.memory_usage()).sum::<u64>();
            used
        };
        if let Some(current) = current {
            add(current);
        }
        let within = retained
            .iter()
            .take_while(|release| add(release) <= self.memory)
            .count();
        if within < retained.len() {
            tracing::warn!(
                dropped = retained.len() - within,
                memory_limit = self.memory,
                "memory limit reached, older releases dropped"
            );
        }
        retained.truncate(within);
    }
}

impl Default for RetentionLimits {
    fn default() -> Self {
        Self {
            releases: DEFAULT_RETAIN_RELEASES,
            memory: DEFAULT_MEMORY_LIMIT,
        }
    }
}

/// How many older releases a new [`Site`](crate::Site) retains.
pub const DEFAULT_RETAIN_RELEASES: usize = 3;

/// The bytes that the releases of a new [`Site`](crate::Site) may take in memory: 512 MiB.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 * 1024 * 1024;
