//! Entity tags of pages that the script was put into.
//!
//! A page with the script is another representation than the origin's, and it changes with the release even
//! where the origin's does not. So its entity tag is the origin's with a mark behind it that stands for the
//! release and the script, and behind that the coding, if the page was encoded here; all of it is taken off again
//! before the origin is asked.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::client::script_tag_builder::ScriptTagBuilder;
use crate::http::accept_encoding::AcceptEncoding;
use crate::http::coding::Coding;
use crate::http::etag::are_weakly_equal;
use crate::http::etag::entity_tags;
use crate::http::etag::is_entity_tag;
use crate::http::etag::join_fields;
use crate::release::PAGE_SUFFIX;
use crate::site::observer::PageRelease;

/// The mark of one release: `-tidings-` and what distinguishes the tag that goes into its pages.
#[derive(Debug, Clone)]
pub(crate) struct Mark(Arc<str>);

impl Mark {
    /// `distinction` stands in an entity tag: letters, digits and dashes.
    pub(crate) fn new(distinction: &str) -> Self {
        Self(format!("{MARK}{distinction}").into())
    }

    /// Makes a response's entity tag that of the page with the script, in this coding of ours.
    pub(crate) fn put(&self, headers: &mut HeaderMap, coding: Option<Coding>) {
        let Some(tag) = headers.get(header::ETAG) else {
            return;
        };
        let tag = tag.to_str().ok().filter(|tag| is_entity_tag(tag));
        let marked = tag.and_then(|tag| tag.strip_suffix('"')).and_then(|tag| {
            let (dash, token) = coding.map_or(("", ""), |coding| ("-", coding.token()));
            HeaderValue::try_from(format!("{tag}{}{dash}{token}\"", self.0)).ok()
        });
        match marked {
            Some(marked) => _ = headers.insert(header::ETAG, marked),
            // What is no entity tag (RFC 9110, section 8.8.3), or none in ASCII, can't be made one for another content.
            None => _ = headers.remove(header::ETAG),
        }
    }

    /// Makes a request's condition one on the origin's own page. What is given had this mark, so that a 304 to it stands
    /// for the page with the script.
    ///
    /// A tag with another mark is of an older page and is taken out, and so is one of a coding that the client does not
    /// take any more. One without a mark is the origin's own: see [`Unmarked`]. Without a tag left the condition goes.
    pub(crate) fn take_off(
        &self,
        headers: &mut HeaderMap,
        unmarked: Unmarked,
        accept_encoding: AcceptEncoding,
    ) -> Revisit {
        let mut revisit = Revisit::default();
        let Some(condition) = join_fields(headers, &header::IF_NONE_MATCH) else {
            // No tag of ours is like that, but one without a mark could stand beside it.
            if unmarked == Unmarked::Drop {
                headers.remove(header::IF_NONE_MATCH);
            }
            return revisit;
        };
        if unmarked == Unmarked::Keep && !condition.contains(MARK) {
            return revisit;
        }
        let tags = entity_tags(&condition).filter_map(|tag| {
            // The last: the origin may have put one on its own.
            let Some((own, mark)) = tag.rfind(MARK).map(|at| tag.split_at(at)) else {
                let stays = unmarked == Unmarked::Keep || is_of_static_page(tag);
                return stays.then(|| tag.to_owned());
            };
            let known = self.read(own, mark)?;
            let allows = |coding: Coding| accept_encoding.allows(coding.token());
            if !known.coding.is_none_or(allows) {
                return None;
            }
            let tag = known.tag.clone();
            revisit.0.push(known);
            Some(tag)
        });
        let tags: Vec<_> = tags.collect();
        // A star, or what is no tag at all, is the origin's to judge.
        if tags.is_empty() && entity_tags(&condition).next().is_none() {
            return revisit;
        }
        headers.remove(header::IF_NONE_MATCH);
        if let Ok(condition) = HeaderValue::try_from(tags.join(", "))
            && !tags.is_empty()
        {
            headers.insert(header::IF_NONE_MATCH, condition);
        }
        revisit
    }

    /// What has this entity tag, cut before its mark; `None` if it is another mark.
    fn read(&self, own: &str, mark: &str) -> Option<Known> {
        let rest = mark.strip_prefix(&*self.0)?.strip_suffix('"')?;
        let coding = match rest.strip_prefix('-') {
            Some(token) => Some(Coding::from_token(token)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Known {
            tag: format!("{own}\""),
            coding,
        })
    }
}

/// The representations of a page that a client has, and that are right still.
#[derive(Debug, Default)]
pub(crate) struct Revisit(Vec<Known>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The origin's entity tag.
    tag: String,
    /// The coding in which it was sent, if it was encoded here.
    pub(crate) coding: Option<Coding>,
}

impl Revisit {
    /// The one that the origin confirms by a 304 with these fields; `None` if it confirms something else.
    pub(crate) fn confirmed_by(&self, headers: &HeaderMap) -> Option<&Known> {
        let tag = headers.get(header::ETAG);
        let tag = tag.map(|tag| tag.to_str().unwrap_or(""));
        let mut all = self.0.iter();
        all.find(|known| tag.is_none_or(|tag| are_weakly_equal(&known.tag, tag)))
    }
}

/// The marks of the pages of one layer, each made once a release. `Clone` is cheap, and all clones remember together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks(Arc<Mutex<Option<Made>>>);

/// A mark, and the release that it is of.
type Made = (Option<PageRelease>, Mark);

impl Marks {
    /// The mark of the pages that this makes tags for.
    pub(crate) fn of(&self, tag_builder: &ScriptTagBuilder) -> Mark {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((release, mark)) = &*last
            && release.as_ref() == tag_builder.release()
        {
            return mark.clone();
        }
        let mark = Mark::new(&tag_builder.tag_digest());
        *last = Some((tag_builder.release().cloned(), mark.clone()));
        mark
    }
}

/// What becomes of entity tags without a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmarked {
    /// They are of something that is no page.
    Keep,
    /// They are of a page without the script, which must not be confirmed to somebody who is to get it with the
    /// script: one that was fetched as a fragment, or is older than the layer.
    Drop,
}

/// True for a page whose origin put the script in itself.
fn is_of_static_page(tag: &str) -> bool {
    tag.trim_end_matches('"').ends_with(PAGE_SUFFIX)
}

// What every mark begins with.
pub(crate) const MARK: &str = "-tidings-";

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(token: &str) -> Option<Coding> {
        Coding::from_token(token)
    }

    fn put(tag: &'static str, coding: Option<Coding>) -> Option<String> {
        let mut headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static(tag))]);
        Mark::new("r1").put(&mut headers, coding);
        Some(headers.get(header::ETAG)?.to_str().unwrap().to_owned())
    }

    /// What becomes of a condition of a client that takes gzip, and what a 304 confirms.
    fn take_off(condition: &'static str, unmarked: Unmarked) -> (Option<String>, Revisit) {
        let condition = (header::IF_NONE_MATCH, HeaderValue::from_static(condition));
        let gzip = (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut headers = HeaderMap::from_iter([condition, gzip]);
        let accept_encoding = AcceptEncoding::from_headers(&headers);
        let revisit = Mark::new("r1").take_off(&mut headers, unmarked, accept_encoding);
        let condition = headers.get(header::IF_NONE_MATCH);
        let condition = condition.map(|condition| condition.to_str().unwrap().to_owned());
        (condition, revisit)
    }

    #[track_caller]
    fn check(
        unmarked: Unmarked,
        condition: &'static str,
        expected: Option<&str>,
        known: &[(&str, &str)],
    ) {
        let (left, revisit) = take_off(condition, unmarked);
        assert_eq!(left.as_deref(), expected, "{condition}");
        let known = known.iter();
        let known = known.map(|(tag, token)| Known {
            tag: (*tag).to_owned(),
            coding: coding(token),
        });
        assert_eq!(revisit.0, known.collect::<Vec<_>>(), "{condition}");
    }

    #[test]
    fn a_tag_gets_the_mark_of_the_release() {
        assert_eq!(put("\"x\"", None).unwrap(), "\"x-tidings-r1\"");
        assert_eq!(put("W/\"x\"", None).unwrap(), "W/\"x-tidings-r1\"");
        assert_eq!(put("\"\"", None).unwrap(), "\"-tidings-r1\"");
        assert_eq!(
            put("\"x-tidings-r0\"", None).unwrap(),
            "\"x-tidings-r0-tidings-r1\""
        );
        for none in ["x", "x\"", "\"", "W/\"", "\"x\", \"y\"", "w/\"x\""] {
            assert_eq!(put(none, None), None, "{none}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_neither_given_nor_asked_for() {
        let tag = HeaderValue::from_bytes(b"\"\xe9\"").unwrap();
        let mut headers = HeaderMap::from_iter([(header::ETAG, tag)]);
        Mark::new("r1").put(&mut headers, None);
        assert!(headers.is_empty());
        for (unmarked, is_left) in [(Unmarked::Keep, true), (Unmarked::Drop, false)] {
            let list = HeaderValue::from_bytes(b"\"x\", \"\xe9\"").unwrap();
            let mut headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, list)]);
            Mark::new("r1").take_off(&mut headers, unmarked, AcceptEncoding::default());
            assert_eq!(!headers.is_empty(), is_left);
        }
    }

    #[test]
    fn what_is_encoded_here_has_its_own_tag() {
        for (token, expected) in [
            ("gzip", "\"x-tidings-r1-gzip\""),
            ("br", "\"x-tidings-r1-br\""),
            ("deflate", "\"x-tidings-r1-deflate\""),
        ] {
            assert_eq!(put("\"x\"", coding(token)).unwrap(), expected);
        }
        let weak = put("W/\"x-gzip\"", coding("gzip")).unwrap();
        assert_eq!(weak, "W/\"x-gzip-tidings-r1-gzip\"");
    }

    #[test]
    fn the_mark_is_taken_off_alone_in_lists_and_weak() {
        for (condition, expected, known) in [
            ("\"x-tidings-r1\"", Some("\"x\""), &[("\"x\"", "")][..]),
            ("W/\"x-tidings-r1\"", Some("W/\"x\""), &[("W/\"x\"", "")]),
            (
                "\"a,b-tidings-r1\" ,\"y\"",
                Some("\"a,b\", \"y\""),
                &[("\"a,b\"", "")],
            ),
            ("\"x-tidings-r1-gzip\"", Some("\"x\""), &[("\"x\"", "gzip")]),
            (
                "W/\"x-tidings-r1-gzip\", \"y\", \"z-tidings-r1\"",
                Some("W/\"x\", \"y\", \"z\""),
                &[("W/\"x\"", "gzip"), ("\"z\"", "")],
            ),
            (
                "\"x-tidings-r0-br-tidings-r1\"",
                Some("\"x-tidings-r0-br\""),
                &[("\"x-tidings-r0-br\"", "")],
            ),
            ("\"x-tidings-r0\"", None, &[]),
            ("\"x-tidings-r0-gzip\"", None, &[]),
            ("\"x-tidings-r11\"", None, &[]),
            ("\"x-tidings-r1-\"", None, &[]),
            ("\"x-tidings-r1-compress\"", None, &[]),
            ("\"x-tidings-r0\", W/\"y\"", Some("W/\"y\""), &[]),
            ("\"y\"", Some("\"y\""), &[]),
            ("*", Some("*"), &[]),
            ("nonsense", Some("nonsense"), &[]),
        ] {
            check(Unmarked::Keep, condition, expected, known);
        }
    }

    #[test]
    fn what_is_in_a_coding_that_the_client_takes_no_more_is_not_confirmed() {
        check(Unmarked::Keep, "\"x-tidings-r1-br\"", None, &[]);
        let condition = "\"x-tidings-r1-br\", \"x-tidings-r1-gzip\"";
        check(
            Unmarked::Keep,
            condition,
            Some("\"x\""),
            &[("\"x\"", "gzip")],
        );
    }

    #[test]
    fn a_tag_without_a_mark_is_dropped_where_only_a_page_with_the_script_will_do() {
        for (condition, expected, known) in [
            ("\"x\"", None, &[][..]),
            ("\"y\", \"x-tidings-r1\"", Some("\"x\""), &[("\"x\"", "")]),
            ("\"x-tidings\"", Some("\"x-tidings\""), &[]),
            ("*", Some("*"), &[]),
        ] {
            check(Unmarked::Drop, condition, expected, known);
        }
    }

    #[test]
    fn a_304_confirms_the_representation_that_has_its_tag() {
        let condition = "\"x-tidings-r1\", W/\"y-tidings-r1-gzip\", \"z\"";
        let (_, revisit) = take_off(condition, Unmarked::Keep);
        for (tag, expected) in [
            (Some("\"x\""), Some("")),
            (Some("W/\"x\""), Some("")),
            (Some("\"y\""), Some("gzip")),
            (Some("\"z\""), None),
            (None, Some("")),
        ] {
            let tag = tag.map(|tag| (header::ETAG, HeaderValue::from_static(tag)));
            let headers = tag.clone().into_iter().collect();
            let confirmed = revisit.confirmed_by(&headers);
            let token = confirmed.map(|known| known.coding.map_or("", Coding::token));
            assert_eq!(token, expected, "{tag:?}");
        }
        let nothing = Revisit::default();
        assert_eq!(nothing.confirmed_by(&HeaderMap::new()), None);
    }
}
