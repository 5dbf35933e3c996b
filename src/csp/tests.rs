use std::sync::Arc;

use http::HeaderValue;
use http::Request;
use proptest::prelude::*;

use crate::csp::evaluation::Evaluation;
use crate::csp::mode::Csp;
use crate::csp::page_origin::PageOrigin;
use crate::csp::policy::Policy;
use crate::csp::script_permission::ScriptPermission;
use crate::csp::script_permission::ScriptVariant;
use crate::csp::violation::Violation;

const HASH: &str = "'sha256-c2NyaXB0'";

fn page_origin() -> PageOrigin {
    let request = Request::builder().header("host", "app.example");
    PageOrigin::from_request(&Arc::default(), &request.body(()).unwrap())
}

/// Header values are separated by `|`.
fn evaluate(values: &str, csp: Csp) -> Result<Evaluation, Violation> {
    let values: Vec<String> = values.split('|').map(str::to_owned).collect();
    Evaluation::new(&values, csp, &page_origin(), HASH)
}

/// What the tag needs: nothing (`client`), a nonce, `bundle`, `hash`, or two of them.
fn describe(permission: &ScriptPermission) -> String {
    let variant = match permission.variant {
        ScriptVariant::Client => "client",
        ScriptVariant::Bundle => "bundle",
        ScriptVariant::BundleByHash => "hash",
    };
    match &permission.nonce {
        Some(nonce) => format!("{variant} {}", nonce.as_str()),
        None => variant.to_owned(),
    }
}

fn describe_result(result: Result<ScriptPermission, Violation>) -> String {
    match result {
        Ok(permission) => describe(&permission),
        Err(violation) => format!("{} {:?}", violation.directive.name(), violation.reason),
    }
}

#[test]
fn header_policies_allow_or_block_the_script() {
    for (fields, expected) in [
        ("", "client"),
        ("img-src 'none'", "client"),
        (
            "upgrade-insecure-requests; frame-ancestors 'none'",
            "client",
        ),
        ("script-src 'self'", "client"),
        ("default-src 'self'", "client"),
        (
            "default-src 'none'; script-src 'self'; connect-src 'self'",
            "client",
        ),
        ("script-src *", "client"),
        ("script-src https:", "client"),
        ("script-src https://app.example", "client"),
        ("script-src app.example/__tidings/", "client"),
        ("script-src 'none' 'self'", "client"),
        ("script-src 'self' 'unsafe-inline'", "client"),
        ("SCRIPT-SRC 'Self'", "client"),
        ("script-src-elem 'self'; script-src 'none'", "client"),
        ("script-src 'self'; script-src 'none'", "client"),
        (";; ;script-src\t'self';", "client"),
        ("sandbox allow-scripts allow-same-origin", "client"),
        ("default-src *; connect-src 'self'", "client"),
        ("connect-src app.example", "client"),
        ("connect-src https://app.example/__tidings/events", "client"),
        ("script-src 'self' 'nonce-abc'", "client abc"),
        ("script-src 'nonce-abc'", "client abc"),
        (
            "script-src 'nonce-abc' 'strict-dynamic' https: 'self'",
            "client abc",
        ),
        ("default-src 'self' 'nonce-abc'", "client abc"),
        ("script-src 'nonce-a' 'nonce-b'", "client a"),
        (
            "script-src 'nonce-a'|script-src 'nonce-b' 'nonce-a'",
            "client a",
        ),
        ("script-src 'nonce-a', script-src 'self'", "client a"),
        (
            "script-src 'nonce-a'|script-src 'self' 'nonce-b'",
            "client a",
        ),
        ("script-src 'self' 'nonce-\"x'", "client"),
        // Not ASCII: no directive.
        ("script-src 'none' é", "client"),
        ("script-src 'none'", "script-src NoScripts"),
        ("script-src", "script-src NoScripts"),
        ("default-src 'none'", "default-src NoConnection"),
        (
            "default-src 'none'; connect-src 'self'",
            "default-src NoScripts",
        ),
        (
            "default-src 'self'; script-src 'none'",
            "script-src NoScripts",
        ),
        (
            "script-src 'self', script-src 'none'",
            "script-src NoScripts",
        ),
        ("sandbox", "sandbox Sandboxed"),
        ("sandbox allow-scripts", "sandbox Sandboxed"),
        ("connect-src 'none'", "connect-src NoConnection"),
        ("connect-src api.example wss:", "connect-src NoConnection"),
        ("connect-src app.example/api/", "connect-src NoConnection"),
        (
            "default-src 'self'; connect-src",
            "connect-src NoConnection",
        ),
        ("script-src 'sha256-x'", "script-src NotAmended"),
        (
            "script-src 'strict-dynamic' 'self'",
            "script-src NotAmended",
        ),
        ("script-src cdn.example", "script-src NotAmended"),
        ("script-src app.example/js/", "script-src NotAmended"),
        ("script-src 'unsafe-inline'", "script-src NotAmended"),
        ("script-src 'nonce-\"x'", "script-src NotAmended"),
        (
            "script-src 'nonce-a'|script-src 'nonce-b'",
            "script-src ConflictingNonces",
        ),
        (
            "script-src 'nonce-a'|script-src 'sha256-x'",
            "script-src NotAmended",
        ),
    ] {
        let result = evaluate(fields, Csp::Keep);
        if let Ok(evaluation) = &result {
            assert_eq!(evaluation.amended, Vec::new(), "{fields}");
        }
        assert_eq!(
            describe_result(result.map(|j| j.permission)),
            expected,
            "{fields}"
        );
    }
}

/// `#` stands for the hash of the script.
#[test]
fn amend_adds_only_the_hash() {
    for (fields, expected_permission, expected) in [
        ("script-src 'sha256-x'", "hash", "script-src 'sha256-x' #"),
        (
            "img-src *; script-src 'sha256-x' ; style-src *",
            "hash",
            "img-src *; script-src 'sha256-x' # ; style-src *",
        ),
        (
            "script-src 'self'; script-src-elem cdn.example;",
            "hash",
            "script-src 'self'; script-src-elem cdn.example #;",
        ),
        (
            "default-src cdn.example; connect-src *",
            "hash",
            "default-src cdn.example; connect-src *; script-src cdn.example #",
        ),
        (
            "connect-src *;Default-Src  cdn.example 'sha256-x'; ",
            "hash",
            "connect-src *;Default-Src  cdn.example 'sha256-x'; script-src  cdn.example 'sha256-x' #",
        ),
        (
            "script-src 'strict-dynamic' 'unsafe-inline'",
            "hash",
            "script-src 'strict-dynamic' 'unsafe-inline' #",
        ),
        (
            "script-src 'self', script-src 'sha256-x', img-src *",
            "hash",
            "script-src 'self', script-src 'sha256-x' #, img-src *",
        ),
        (
            "script-src 'nonce-a'|script-src 'nonce-b'",
            "hash a",
            "|script-src 'nonce-b' #",
        ),
        (
            "script-src 'sha256-x'|script-src 'nonce-b'|img-src é",
            "hash b",
            "script-src 'sha256-x' #||",
        ),
    ] {
        let evaluation = evaluate(fields, Csp::Amend).unwrap();
        let amended = evaluation
            .amended
            .into_iter()
            .map(Option::unwrap_or_default);
        let amended = amended.collect::<Vec<_>>().join("|");
        let expected = expected.replace('#', HASH);
        assert_eq!(amended, expected, "{fields}");
        assert_eq!(
            describe(&evaluation.permission),
            expected_permission,
            "{fields}"
        );
    }
}

#[test]
fn amend_of_forbidding_policy_is_refused() {
    for (fields, expected) in [
        ("script-src 'none'", "script-src NoScripts"),
        (
            "script-src 'sha256-x'; connect-src x.example",
            "connect-src NoConnection",
        ),
        ("sandbox; script-src 'sha256-x'", "sandbox Sandboxed"),
        (
            "script-src 'unsafe-inline' cdn.example",
            "script-src UnsafeInline",
        ),
        ("img-src é, script-src 'sha256-x'", "script-src NotAscii"),
    ] {
        let result = evaluate(fields, Csp::Amend).map(|evaluation| evaluation.permission);
        assert_eq!(describe_result(result), expected, "{fields}");
    }
    let unchanged = evaluate("script-src 'self'", Csp::Amend).unwrap();
    assert_eq!(
        (
            describe(&unchanged.permission).as_str(),
            unchanged.amended.len()
        ),
        ("client", 0)
    );
}

#[test]
fn meta_policy_restricts_imports_and_connections() {
    let header = |fields: &str, csp| evaluate(fields, csp).unwrap().permission;
    let plain = header("", Csp::Keep);
    let nonce = header("script-src 'nonce-h'", Csp::Keep);
    let pinned = header("script-src 'sha256-x'", Csp::Amend);
    for (permission, metas, expected) in [
        (&plain, &["script-src 'self'"][..], "client"),
        (&plain, &["sandbox"], "client"),
        (&plain, &["script-src 'self' 'nonce-m'"], "client m"),
        (&plain, &["script-src 'nonce-m'"], "client m"),
        (
            &plain,
            &["script-src 'nonce-m'", "script-src 'self'"],
            "client m",
        ),
        (&plain, &["script-src 'sha256-x'"], "bundle"),
        (
            &plain,
            &["script-src 'nonce-m'", "script-src 'sha256-x'"],
            "bundle",
        ),
        (&plain, &["script-src 'strict-dynamic'"], "bundle"),
        (&plain, &["script-src 'none'"], "script-src NoScripts"),
        (
            &plain,
            &["default-src 'none'; connect-src *"],
            "default-src NoScripts",
        ),
        (&plain, &["connect-src 'none'"], "connect-src NoConnection"),
        (
            &plain,
            &["img-src *", "default-src x.example"],
            "default-src NoConnection",
        ),
        (&nonce, &["script-src 'nonce-h'"], "client h"),
        (&nonce, &["script-src 'nonce-m'"], "bundle h"),
        (&pinned, &["script-src 'nonce-m'"], "hash m"),
        (&pinned, &["script-src 'sha256-x'"], "hash"),
    ] {
        let metas: Vec<String> = metas.iter().map(|meta| (*meta).to_owned()).collect();
        let result = permission.clone().restrict_to(&metas, &page_origin());
        assert_eq!(
            describe_result(result),
            expected,
            "{permission:?} under {metas:?}"
        );
    }
}

fn policies() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("script-src".to_owned()),
        Just("Script-Src-Elem".to_owned()),
        Just("default-src".to_owned()),
        Just("connect-src".to_owned()),
        Just("'self'".to_owned()),
        Just("'none'".to_owned()),
        Just("'strict-dynamic'".to_owned()),
        Just("'unsafe-inline'".to_owned()),
        Just("'nonce-abc'".to_owned()),
        Just("'sha256-x'".to_owned()),
        Just("https://cdn.example/js/".to_owned()),
        "[ -~]{0,6}",
        any::<String>(),
    ];
    let blank = prop_oneof![Just(" "), Just("; "), Just(";"), Just(", "), Just("\t")];
    proptest::collection::vec((word, blank), 0..14).prop_map(|parts| {
        let parts = parts.into_iter();
        parts.map(|(word, blank)| word + blank).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_is_amended_only_by_the_hash(field in policies(), meta in policies()) {
        let fields = [field];
        for csp in [Csp::Keep, Csp::Amend] {
            let Ok(evaluation) = Evaluation::new(&fields, csp, &page_origin(), HASH) else { continue };
            prop_assert!(csp == Csp::Amend || evaluation.amended.is_empty());
            _ = evaluation.permission.clone().restrict_to(std::slice::from_ref(&meta), &page_origin());
            let Some(Some(amended)) = evaluation.amended.first() else { continue };
            prop_assert!(HeaderValue::try_from(fields[0].as_str()).is_err()
                || HeaderValue::try_from(amended.as_str()).is_ok());
            let mut texts = fields[0].split(',').zip(amended.split(','));
            prop_assert_eq!(fields[0].split(',').count(), amended.split(',').count());
            let only_added = texts.all(|(before, after)| is_only_added(before, after));
            prop_assert!(only_added, "{:?} became {:?}", fields[0], amended);
            let again = Evaluation::new(std::slice::from_ref(amended), Csp::Amend, &page_origin(), HASH);
            prop_assert!(again.is_ok());
        }
    }
}

/// True if `after` is `before` with the hash put in, or with a `script-src` of the sources of `default-src` behind it.
fn is_only_added(before: &str, after: &str) -> bool {
    let Some((start, end)) = after.split_once(&format!(" {HASH}")) else {
        return before == after;
    };
    let default = Policy::parse(before).script_sources();
    format!("{start}{end}") == before
        || default.is_some_and(|sources| {
            let added = start.strip_prefix(before.trim_end()).unwrap_or_default();
            let added = added.trim_start_matches([';', ' ']);
            added.strip_prefix("script-src") == Some(sources.value()) && end.is_empty()
        })
}
