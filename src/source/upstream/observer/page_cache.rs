//! A small cache of what pages load, so that a page that is served again and again is parsed once.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::html::page_assets::PageReader;
use crate::html::page_assets::ParsedPage;

/// What the last few distinct pages load, by a hash of their HTML.
#[derive(Debug, Default)]
pub(crate) struct PageCache {
    hasher: RandomState,
    entries: Mutex<VecDeque<(Key, Arc<ParsedPage>)>>,
}

/// Hash and length of the HTML.
type Key = (u64, usize);

impl PageCache {
    /// What this page loads, from the cache or by parsing it; `None` if it cannot be parsed.
    pub(crate) fn read(&self, html: &[u8]) -> Option<Arc<ParsedPage>> {
        let key = (self.hasher.hash_one(html), html.len());
        if let Some((_, found)) = self.entries().iter().find(|(known, _)| *known == key) {
            return Some(Arc::clone(found));
        }
        // Parsed without the lock.
        let found = Arc::new(PageReader::parse(html)?);
        let mut entries = self.entries();
        entries.push_front((key, Arc::clone(&found)));
        entries.truncate(MAX_ENTRIES);
        Some(found)
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<(Key, Arc<ParsedPage>)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A site has few shells, and pages of two builds at a time.
const MAX_ENTRIES: usize = 16;
