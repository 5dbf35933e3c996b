//! What the entry pages of one release show.

use std::sync::Arc;

use crate::html::page_assets::Elements;
use crate::html::page_assets::Likeness;
use crate::html::page_assets::Print;
use crate::release::id::ReleaseId;

/// By what a release that something else serves is known from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pages {
    /// The prints of its entry pages, each behind the path.
    Prints(Vec<(Arc<str>, Print)>),
    /// What it calls itself.
    Value(Arc<str>),
}

impl Pages {
    /// The id of a release with these pages: the same on every machine that sees them.
    pub(crate) fn id(&self) -> ReleaseId {
        match self {
            Self::Value(value) => ReleaseId::called(value),
            Self::Prints(prints) => {
                let digests: Vec<_> = prints
                    .iter()
                    .map(|(path, print)| (path, print.digest()))
                    .collect();
                ReleaseId::of(digests.iter().map(|(path, digest)| (&***path, digest)))
            }
        }
    }

    /// See [`Print::is_sure`].
    pub(crate) fn is_sure(&self) -> bool {
        match self {
            Self::Value(_) => true,
            Self::Prints(prints) => prints.iter().all(|(_, print)| print.is_sure()),
        }
    }

    /// How far all pages are like those of `other`; only as far as the least like.
    pub(crate) fn likeness(&self, other: &Self) -> Likeness {
        match (self, other) {
            (Self::Prints(own), Self::Prints(others)) if own.len() == others.len() => {
                let pairs = own.iter().zip(others);
                let likeness = pairs.map(|((_, own), (_, other))| own.likeness(other));
                likeness.max().unwrap_or(Likeness::Same)
            }
            (Self::Value(own), Self::Value(other)) if own == other => Likeness::Same,
            _ => Likeness::Other,
        }
    }

    /// See [`Print::joined`].
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Prints(own), Self::Prints(others)) if own.len() == others.len() => {
                let pairs = own.iter().zip(others);
                let joined = pairs
                    .map(|((path, own), (_, other))| Some((Arc::clone(path), own.joined(other)?)));
                Some(Self::Prints(joined.collect::<Option<_>>()?))
            }
            (Self::Value(own), Self::Value(other)) if own == other => Some(self.clone()),
            _ => None,
        }
    }

    /// True if what differs between two answers is known to change by itself here.
    pub(crate) fn excuses(&self, one: &Self, other: &Self) -> bool {
        let (prints, (ones, others)) = (self.prints(), (one.prints(), other.prints()));
        prints.len() == ones.len()
            && prints.len() == others.len()
            && prints.iter().zip(ones.iter().zip(others)).all(
                |((_, print), ((_, one), (_, other)))| {
                    let as_here = |print_of: &Print| print.another(print_of.elements().clone());
                    as_here(one).likeness(&as_here(other)) == Likeness::Same
                },
            )
    }

    /// How like the most like of the entry pages is to a whole page.
    pub(crate) fn likeness_of(&self, page: &Print) -> Likeness {
        let likeness = self.prints().iter().map(|(_, print)| print.likeness(page));
        likeness.min().unwrap_or(Likeness::Other)
    }

    /// True if one of the entry pages could begin like that.
    pub(crate) fn may_begin(&self, start: &Elements) -> bool {
        let mut prints = self.prints().iter();
        prints.any(|(_, print)| print.may_begin(start))
    }

    /// The entry page, if there is one and no other.
    pub(crate) fn only(&self) -> Option<(&Arc<str>, &Print)> {
        match self.prints() {
            [(path, print)] => Some((path, print)),
            _ => None,
        }
    }

    fn prints(&self) -> &[(Arc<str>, Print)] {
        match self {
            Self::Prints(prints) => prints,
            Self::Value(_) => &[],
        }
    }
}
