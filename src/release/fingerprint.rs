//! The fingerprint of a release of an upstream.

use std::sync::Arc;

use crate::html::page_assets::Difference;
use crate::html::page_assets::PageAssets;
use crate::html::page_assets::PageFingerprint;
use crate::release::id::ReleaseId;

/// By what a release of an upstream is told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReleaseFingerprint {
    /// The paths and fingerprints of its entry pages.
    Pages(Vec<(Arc<str>, PageFingerprint)>),
    /// The version that the upstream itself names.
    Version(Arc<str>),
}

impl ReleaseFingerprint {
    /// The id of a release with this fingerprint, the same on every machine that computes it.
    pub(crate) fn id(&self) -> ReleaseId {
        match self {
            Self::Version(version) => ReleaseId::from_version(version),
            Self::Pages(pages) => {
                let digests: Vec<_> = pages
                    .iter()
                    .map(|(path, page)| (path, page.digest()))
                    .collect();
                ReleaseId::from_content(digests.iter().map(|(path, digest)| (&***path, digest)))
            }
        }
    }

    /// True if nothing is left in it that could turn out to change by itself.
    pub(crate) fn is_stable(&self) -> bool {
        match self {
            Self::Version(_) => true,
            Self::Pages(pages) => pages.iter().all(|(_, page)| page.is_stable()),
        }
    }

    /// The greatest difference between any two pages with the same path.
    pub(crate) fn difference(&self, other: &Self) -> Difference {
        match (self, other) {
            (Self::Pages(own), Self::Pages(others)) if own.len() == others.len() => {
                let pairs = own.iter().zip(others);
                let differences = pairs.map(|((_, own), (_, other))| own.difference(other));
                differences.max().unwrap_or(Difference::None)
            }
            (Self::Version(own), Self::Version(other)) if own == other => Difference::None,
            _ => Difference::Files,
        }
    }

    /// What both have in common; see [`PageFingerprint::merged_with`]. `None` if they are of different releases.
    pub(crate) fn merged_with(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Pages(own), Self::Pages(others)) if own.len() == others.len() => {
                let pairs = own.iter().zip(others);
                let merged = pairs.map(|((path, own), (_, other))| {
                    Some((Arc::clone(path), own.merged_with(other)?))
                });
                Some(Self::Pages(merged.collect::<Option<_>>()?))
            }
            (Self::Version(own), Self::Version(other)) if own == other => Some(self.clone()),
            _ => None,
        }
    }

    /// True if everything in which two others differ is known to change by itself in this one.
    pub(crate) fn explains_difference(&self, one: &Self, other: &Self) -> bool {
        let (pages, (ones, others)) = (self.pages(), (one.pages(), other.pages()));
        pages.len() == ones.len()
            && pages.len() == others.len()
            && pages.iter().zip(ones.iter().zip(others)).all(
                |((_, page), ((_, one), (_, other)))| {
                    let stable = |of: &PageFingerprint| page.with_assets(of.assets().clone());
                    stable(one).difference(&stable(other)) == Difference::None
                },
            )
    }

    /// The difference between a whole page and the entry page that is most like it.
    pub(crate) fn difference_to_page(&self, page: &PageFingerprint) -> Difference {
        let differences = self.pages().iter().map(|(_, own)| own.difference(page));
        differences.min().unwrap_or(Difference::Files)
    }

    /// True if a page of which only the start is known, with these assets, could be one of the entry pages.
    pub(crate) fn may_start_with(&self, start: &PageAssets) -> bool {
        let mut pages = self.pages().iter();
        pages.any(|(_, page)| page.may_start_with(start))
    }

    /// The entry page, if there is exactly one.
    pub(crate) fn single_page(&self) -> Option<(&Arc<str>, &PageFingerprint)> {
        match self.pages() {
            [(path, page)] => Some((path, page)),
            _ => None,
        }
    }

    fn pages(&self) -> &[(Arc<str>, PageFingerprint)] {
        match self {
            Self::Pages(pages) => pages,
            Self::Version(_) => &[],
        }
    }
}
