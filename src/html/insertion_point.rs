//! Finds the insertion point of the script's tag in a page.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use lol_html::Selector;
use lol_html::doc_comments;
use lol_html::doc_text;
use lol_html::doctype;
use lol_html::send::Element;
use lol_html::send::ElementContentHandlers;
use lol_html::send::HtmlRewriter;

use crate::html::parser_settings::parser_settings;

/// Parses the start of a page up to the insertion point.
///
/// The parser's output is not used: the bytes of the page are sent as they came, so that neither a bug in the parser
/// nor an encoding that it does not support can change them.
pub(crate) struct InsertionPointParser {
    rewriter: HtmlRewriter<'static, fn(&[u8])>,
    search: Arc<Mutex<SearchState>>,
}

/// The state that the handlers of the parser share.
#[derive(Debug, Default)]
struct SearchState {
    /// There was a doctype, `<html>`, `<head>` or `<body>`.
    is_page: bool,
    /// The end of the last token that is no text.
    text_start: usize,
    point: Option<InsertionPoint>,
}

/// Where in a page the tag is inserted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InsertionPoint {
    /// At this offset.
    At(usize),
    /// Before the text that starts at this offset, but after its leading white space.
    BeforeText(usize),
    /// Nowhere: it is no page, or could not be parsed.
    None,
}

impl InsertionPointParser {
    /// A parser for pages whose insertion point is within the first `max_bytes` bytes.
    pub(crate) fn new(max_bytes: usize) -> Self {
        let search = Arc::new(Mutex::new(SearchState::default()));
        let on_comment = Arc::clone(&search);
        let on_doctype = Arc::clone(&search);
        let on_element = Arc::clone(&search);
        let on_text = Arc::clone(&search);
        let settings = parser_settings(2 * max_bytes)
            .append_document_content_handler(doctype!(move |doctype| {
                let mut search = lock(&on_doctype);
                search.is_page = true;
                search.text_start = doctype.source_location().bytes().end;
                Ok(())
            }))
            .append_document_content_handler(doc_comments!(move |comment| {
                lock(&on_comment).text_start = comment.source_location().bytes().end;
                Ok(())
            }))
            .append_document_content_handler(doc_text!(move |text| {
                let text = text.as_str().as_bytes();
                if leading_space(text) == text.len() {
                    return Ok(());
                }
                // Where text is split between pieces, the offset that the parser reports can be wrong by part of a
                // character.
                let mut search = lock(&on_text);
                let start = search.text_start;
                Err(search.stop_at(InsertionPoint::BeforeText(start)).into())
            }))
            .append_element_content_handler((
                Cow::Borrowed(&*EVERY),
                ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
                    let mut search = lock(&on_element);
                    let tag = element.source_location().bytes();
                    let name = element.tag_name();
                    search.is_page |= matches!(name.as_str(), "html" | "head" | "body");
                    match name.as_str() {
                        "html" => {
                            search.text_start = tag.end;
                            Ok(())
                        }
                        "head" => Err(search.stop_at(InsertionPoint::At(tag.end)).into()),
                        _ => Err(search.stop_at(InsertionPoint::At(tag.start)).into()),
                    }
                }),
            ));
        Self {
            rewriter: HtmlRewriter::new(settings, |_| {}),
            search,
        }
    }

    /// Parses the next piece. `Some` at the end of the search, by success or failure: the parser must not be used after
    /// that.
    pub(crate) fn parse(&mut self, piece: &[u8]) -> Option<InsertionPoint> {
        match self.rewriter.write(piece) {
            Ok(()) => None,
            Err(_) => Some(lock(&self.search).point.unwrap_or(InsertionPoint::None)),
        }
    }

    /// Ends the page.
    pub(crate) fn end(self: Box<Self>) -> InsertionPoint {
        let Self { rewriter, search } = *self;
        // The end of an unfinished comment or tag is no insertion point: it would be inside.
        let SearchState {
            is_page,
            text_start,
            ..
        } = *lock(&search);
        let ended = rewriter.end();
        let point = lock(&search).point;
        match (point, ended) {
            (Some(point), _) => point,
            (None, Ok(())) if is_page => InsertionPoint::BeforeText(text_start),
            _ => InsertionPoint::None,
        }
    }
}

impl InsertionPoint {
    /// The offset in `page` at which the tag is inserted.
    pub(crate) fn offset_in(self, page: &[u8]) -> Option<usize> {
        match self {
            Self::At(offset) => Some(offset),
            Self::BeforeText(start) => page.get(start..).map(|text| start + leading_space(text)),
            Self::None => None,
        }
    }
}

impl SearchState {
    /// Sets the insertion point, if this is a page. Returns the error that stops the parser.
    fn stop_at(&mut self, point: InsertionPoint) -> Stop {
        let point = if self.is_page {
            point
        } else {
            InsertionPoint::None
        };
        self.point.get_or_insert(point);
        Stop
    }
}

/// The error by which a handler stops the parser.
#[derive(Debug)]
struct Stop;

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the insertion point is known")
    }
}

impl std::error::Error for Stop {}

/// The number of leading bytes of white space and byte order marks.
fn leading_space(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix("\u{feff}".as_bytes()) {
            Some(after) => rest = after,
            None => return text.len() - rest.len(),
        }
    }
}

fn lock(search: &Mutex<SearchState>) -> std::sync::MutexGuard<'_, SearchState> {
    search.lock().unwrap_or_else(PoisonError::into_inner)
}

// Parsed once, not for every page.
static EVERY: LazyLock<Selector> = LazyLock::new(|| "*".parse().expect("a star is a selector"));
