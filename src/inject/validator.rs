//! Entity tags of pages that the script was put into.
//!
//! A page with the script is another representation than the origin's, and it changes with the release even
//! where the origin's does not. So its entity tag is the origin's with a mark behind it that stands for the
//! release and the script; the mark is taken off again before the origin is asked.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::release::PAGE_SUFFIX;

/// The mark of one release: `-tidings-` and what distinguishes the tag that goes into its pages.
#[derive(Debug, Clone)]
pub(crate) struct Mark(String);

impl Mark {
    /// `distinction` stands in an entity tag: letters, digits and dashes.
    pub(crate) fn new(distinction: &str) -> Self {
        Self(format!("{MARK}{distinction}"))
    }

    /// Makes a response's entity tag that of the page with the script.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
            return;
        };
        let marked = tag
            .strip_suffix('"')
            .and_then(|tag| HeaderValue::try_from(format!("{tag}{}\"", self.0)).ok());
        match marked {
            Some(marked) => _ = headers.insert(header::ETAG, marked),
            // What is no entity tag (RFC 9110, section 8.8.3) can't be made one for another content.
            None => _ = headers.remove(header::ETAG),
        }
    }

    /// Makes a request's condition one on the origin's own page. True if a tag with this mark was in it, so
    /// that a 304 stands for the page with the script.
    ///
    /// A tag with another mark is of an older page and is taken out. One without a mark is the origin's own: see
    /// [`Unmarked`]. Without a tag left the condition goes.
    pub(crate) fn take_off(&self, headers: &mut HeaderMap, unmarked: Unmarked) -> bool {
        let fields = headers.get_all(header::IF_NONE_MATCH).iter();
        let fields: Option<Vec<&str>> = fields.map(|field| field.to_str().ok()).collect();
        let Some(condition) = fields.map(|fields| fields.join(", ")) else {
            return false;
        };
        if unmarked == Unmarked::Keep && !condition.contains(MARK) {
            return false;
        }
        let mut had_mark = false;
        let tags = entity_tags(&condition).filter_map(|tag| {
            let Some(at) = tag.find(MARK) else {
                let stays = unmarked == Unmarked::Keep || is_of_static_page(tag);
                return stays.then(|| tag.to_owned());
            };
            let is_ours = tag[at..].strip_suffix('"') == Some(&self.0);
            had_mark |= is_ours;
            is_ours.then(|| format!("{}\"", &tag[..at]))
        });
        let tags: Vec<_> = tags.collect();
        // A star, or what is no tag at all, is the origin's to judge.
        if tags.is_empty() && entity_tags(&condition).next().is_none() {
            return false;
        }
        headers.remove(header::IF_NONE_MATCH);
        if let Ok(condition) = HeaderValue::try_from(tags.join(", "))
            && !tags.is_empty()
        {
            headers.insert(header::IF_NONE_MATCH, condition);
        }
        had_mark
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

/// The entity tags of a list, each with its quotes and its `W/`. Stops at what is none.
pub(crate) fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let opening = if rest.starts_with("W/\"") { 3 } else { 1 };
        if opening == 1 && !rest.starts_with('"') {
            return None;
        }
        let end = opening + rest[opening..].find('"')? + 1;
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag)
    })
}

const MARK: &str = "-tidings-";

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tag: &'static str) -> Option<String> {
        let mut headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static(tag))]);
        Mark::new("r1").put(&mut headers);
        Some(headers.get(header::ETAG)?.to_str().unwrap().to_owned())
    }

    fn take_off(condition: &'static str, unmarked: Unmarked) -> (Option<String>, bool) {
        let mut headers =
            HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(condition))]);
        let had_mark = Mark::new("r1").take_off(&mut headers, unmarked);
        let condition = headers.get(header::IF_NONE_MATCH);
        (condition.map(|c| c.to_str().unwrap().to_owned()), had_mark)
    }

    #[test]
    fn a_tag_gets_the_mark_of_the_release() {
        assert_eq!(put("\"x\"").unwrap(), "\"x-tidings-r1\"");
        assert_eq!(put("W/\"x\"").unwrap(), "W/\"x-tidings-r1\"");
        assert_eq!(put("\"\"").unwrap(), "\"-tidings-r1\"");
        assert_eq!(put("x"), None);
    }

    #[test]
    fn the_mark_is_taken_off_alone_in_lists_and_weak() {
        for (condition, expected, had_mark) in [
            ("\"x-tidings-r1\"", Some("\"x\""), true),
            ("W/\"x-tidings-r1\"", Some("W/\"x\""), true),
            ("\"a,b-tidings-r1\" ,\"y\"", Some("\"a,b\", \"y\""), true),
            ("\"x-tidings-r0\"", None, false),
            ("\"x-tidings-r0\", W/\"y\"", Some("W/\"y\""), false),
            ("\"y\"", Some("\"y\""), false),
            ("*", Some("*"), false),
            ("nonsense", Some("nonsense"), false),
        ] {
            let expected = (expected.map(str::to_owned), had_mark);
            assert_eq!(take_off(condition, Unmarked::Keep), expected, "{condition}");
        }
    }

    #[test]
    fn a_tag_without_a_mark_is_dropped_where_only_a_page_with_the_script_will_do() {
        for (condition, expected, had_mark) in [
            ("\"x\"", None, false),
            ("\"y\", \"x-tidings-r1\"", Some("\"x\""), true),
            ("\"x-tidings\"", Some("\"x-tidings\""), false),
            ("*", Some("*"), false),
        ] {
            let expected = (expected.map(str::to_owned), had_mark);
            assert_eq!(take_off(condition, Unmarked::Drop), expected, "{condition}");
        }
    }
}
