//! The Content Security Policies in the head of a page (HTML, "Content security policy state").

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use aho_corasick::AhoCorasick;
use lol_html::element;
use lol_html::end_tag;
use lol_html::send::HtmlRewriter;

use crate::html::parser_settings::parser_settings;

/// The policies in this part of the head of a page, in their order, without those in `<noscript>` and `<template>`.
pub(crate) fn policies(head: &[u8]) -> Vec<String> {
    if !may_have_policy(head) {
        return Vec::new();
    }
    let state = Arc::new(Mutex::new(ParseState::default()));
    let on_element = Arc::clone(&state);
    let settings = parser_settings(MAX_PARSER_MEMORY).append_element_content_handler(element!(
        "*",
        move |element| {
            match element.tag_name().as_str() {
                "meta" => {
                    let is_policy = element
                        .get_attribute("http-equiv")
                        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(NAME));
                    let policy = element.get_attribute("content").filter(|_| is_policy);
                    let mut state = lock(&on_element);
                    if state.inert == 0 {
                        state
                            .policies
                            .extend(policy.as_deref().map(resolve_references));
                    }
                    Ok(())
                }
                "noscript" | "template" => {
                    lock(&on_element).inert += 1;
                    let on_end = Arc::clone(&on_element);
                    element.on_end_tag(end_tag!(move |_| {
                        lock(&on_end).inert -= 1;
                        Ok(())
                    }))?;
                    Ok(())
                }
                "html" | "head" | "base" | "link" | "script" | "style" | "title" => Ok(()),
                _ if lock(&on_element).inert > 0 => Ok(()),
                // The start of the body.
                name => Err(name.to_owned().into()),
            }
        }
    ));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    // A handler or the parser may stop with an error: what was found until then counts.
    if rewriter.write(head).is_ok() {
        _ = rewriter.end();
    }
    std::mem::take(&mut lock(&state).policies)
}

#[derive(Debug, Default)]
struct ParseState {
    policies: Vec<String>,
    /// The number of open elements whose content has no effect.
    inert: usize,
}

/// A quick check for the many pages without a policy.
fn may_have_policy(head: &[u8]) -> bool {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let mut finder = AhoCorasick::builder();
        finder.ascii_case_insensitive(true).build([NAME]).ok()
    });
    FINDER.as_ref().is_some_and(|finder| finder.is_match(head))
}

/// The value of an attribute with its character references resolved: numeric ones, and the named ones that frameworks
/// write for quotes and other ASCII characters.
fn resolve_references(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').filter(|end| *end <= MAX_REFERENCE);
        let resolved = end.and_then(|end| Some((end, character(&rest[1..end])?)));
        let (character, length) =
            resolved.map_or(('&', 1), |(end, character)| (character, end + 1));
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    plain
}

fn character(reference: &str) -> Option<char> {
    let number = match reference {
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        "colon" => return Some(':'),
        "sol" => return Some('/'),
        "semi" => return Some(';'),
        "comma" => return Some(','),
        "ast" => return Some('*'),
        "equals" => return Some('='),
        "plus" => return Some('+'),
        _ => reference.strip_prefix('#')?,
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

fn lock(state: &Mutex<ParseState>) -> std::sync::MutexGuard<'_, ParseState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

const NAME: &str = "content-security-policy";

// A tag must fit into it. The head of a page may have any size.
const MAX_PARSER_MEMORY: usize = 256 * 1024;

// `&#x0000027;` and the like.
const MAX_REFERENCE: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: &[&str]) {
        assert_eq!(policies(head.as_bytes()), expected, "{head}");
    }

    #[test]
    fn policy_in_the_head_is_found() {
        let meta = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\">";
        let expected = &["script-src 'self'"][..];
        check(meta, expected);
        check(
            &format!("<meta charset=utf-8><title><b></title>{meta}</head><body>"),
            expected,
        );
        check(&format!("<script>'<body>'</script>{meta}"), expected);
        check(&format!("<style>a{{}}</style></head>{meta}"), expected);
        check(
            "<META CONTENT='a' HTTP-EQUIV='content-SECURITY-policy'/><meta content=b http-equiv=content-security-policy>",
            &["a", "b"],
        );
    }

    #[test]
    fn policy_outside_of_the_head_is_ignored() {
        let meta = "<meta http-equiv=content-security-policy content=x>";
        check(&format!("<body>{meta}"), &[]);
        check(&format!("<p>{meta}"), &[]);
        check(&format!("<!-- {meta} -->"), &[]);
        check(&format!("<script>'{meta}'</script>"), &[]);
        check(&format!("<noscript>{meta}</noscript>"), &[]);
        check(&format!("<template><p>{meta}</p></template>"), &[]);
        check(&format!("<template></template>{meta}"), &["x"]);
        check(
            "<meta http-equiv=content-security-policy-report-only content=x>",
            &[],
        );
        check("<meta http-equiv=content-security-policy>", &[]);
        check("<meta http-equiv=content-security-policy content=x", &[]);
        check("", &[]);
    }

    #[test]
    fn character_references_of_quotes_are_resolved() {
        for (value, expected) in [
            ("&#39;self&#39;", "'self'"),
            ("&#x27;self&#X27;", "'self'"),
            ("&apos;self&apos;", "'self'"),
            (
                "a&b &; &#; &#x110000; &nope; &",
                "a&b &; &#; &#x110000; &nope; &",
            ),
        ] {
            assert_eq!(resolve_references(value), expected);
        }
    }
}
