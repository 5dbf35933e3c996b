//! The place in a page where the tag goes, found by parsing.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use lol_html::MemorySettings;
use lol_html::Selector;
use lol_html::doc_comments;
use lol_html::doc_text;
use lol_html::doctype;
use lol_html::send::Element;
use lol_html::send::ElementContentHandlers;
use lol_html::send::HtmlRewriter;
use lol_html::send::Settings;

/// The parser only tells the place: what is sent are the bytes that came, so that no fault of the parser, and
/// no encoding that it does not know, can change them.
pub(crate) struct Parser {
    rewriter: HtmlRewriter<'static, fn(&[u8])>,
    search: Arc<Mutex<Search>>,
}

/// What the parser's handlers share with us.
#[derive(Debug, Default)]
struct Search {
    /// A doctype, an `<html>`, `<head>` or `<body>` was seen.
    is_page: bool,
    /// Where the last token that is no text ended.
    text_from: usize,
    verdict: Option<Verdict>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    /// The tag goes in at this byte of the page.
    At(usize),
    /// It goes in before the text that begins here, but behind its blanks.
    BeforeText(usize),
    /// This is no page, or nobody knows.
    Pass,
}

impl Parser {
    /// A parser for pages whose place lies within the first `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        let search = Arc::new(Mutex::new(Search::default()));
        let on_comment = Arc::clone(&search);
        let on_doctype = Arc::clone(&search);
        let on_element = Arc::clone(&search);
        let on_text = Arc::clone(&search);
        let settings = Settings::new_send()
            // An odd page is not ours to judge.
            .with_strict(false)
            .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(2 * most))
            .append_document_content_handler(doctype!(move |doctype| {
                let mut search = lock(&on_doctype);
                search.is_page = true;
                search.text_from = doctype.source_location().bytes().end;
                Ok(())
            }))
            .append_document_content_handler(doc_comments!(move |comment| {
                lock(&on_comment).text_from = comment.source_location().bytes().end;
                Ok(())
            }))
            .append_document_content_handler(doc_text!(move |text| {
                let text = text.as_str().as_bytes();
                if blanks(text) == text.len() {
                    return Ok(());
                }
                // Where the text is cut in pieces, the parser's own account of its place can be off by half a
                // character.
                let mut search = lock(&on_text);
                let start = search.text_from;
                Err(search.decide(Verdict::BeforeText(start)).into())
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
                            search.text_from = tag.end;
                            Ok(())
                        }
                        "head" => Err(search.decide(Verdict::At(tag.end)).into()),
                        _ => Err(search.decide(Verdict::At(tag.start)).into()),
                    }
                }),
            ));
        Self {
            rewriter: HtmlRewriter::new(settings, |_| {}),
            search,
        }
    }

    /// Some once it is over, by decision or by failure: the parser must not be used after that.
    pub(crate) fn parse(&mut self, piece: &[u8]) -> Option<Verdict> {
        match self.rewriter.write(piece) {
            Ok(()) => None,
            Err(_) => Some(lock(&self.search).verdict.unwrap_or(Verdict::Pass)),
        }
    }

    /// The verdict on a page that ends here.
    pub(crate) fn end(self: Box<Self>) -> Verdict {
        let Self { rewriter, search } = *self;
        // What the parser makes of a comment or a tag that is not finished is no place: it would be inside.
        let Search {
            is_page, text_from, ..
        } = *lock(&search);
        let ended = rewriter.end();
        let verdict = lock(&search).verdict;
        match (verdict, ended) {
            (Some(verdict), _) => verdict,
            (None, Ok(())) if is_page => Verdict::BeforeText(text_from),
            _ => Verdict::Pass,
        }
    }
}

impl Verdict {
    /// The byte of `page` at which the tag goes in.
    pub(crate) fn place(self, page: &[u8]) -> Option<usize> {
        match self {
            Self::At(place) => Some(place),
            Self::BeforeText(start) => page.get(start..).map(|text| start + blanks(text)),
            Self::Pass => None,
        }
    }
}

impl Search {
    /// Decides so, if what came so far is a page; gives the error that ends the parsing.
    fn decide(&mut self, verdict: Verdict) -> Decided {
        let verdict = if self.is_page { verdict } else { Verdict::Pass };
        self.verdict.get_or_insert(verdict);
        Decided
    }
}

/// The error by which a handler tells the parser to stop.
#[derive(Debug)]
struct Decided;

impl std::fmt::Display for Decided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the place is known")
    }
}

impl std::error::Error for Decided {}

/// How many bytes of white space, and of byte order marks, `text` begins with.
fn blanks(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        match rest.strip_prefix("\u{feff}".as_bytes()) {
            Some(after) => rest = after,
            None => return text.len() - rest.len(),
        }
    }
}

fn lock(search: &Mutex<Search>) -> std::sync::MutexGuard<'_, Search> {
    search.lock().unwrap_or_else(PoisonError::into_inner)
}

// Parsed once, not for each page.
static EVERY: LazyLock<Selector> = LazyLock::new(|| "*".parse().expect("a star is a selector"));
