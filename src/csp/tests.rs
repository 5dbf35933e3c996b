use std::sync::Arc;

use http::HeaderValue;
use http::Request;
use proptest::prelude::*;

use super::*;

fn home() -> Home {
    let request = Request::builder().header("host", "app.example");
    Home::of(&Arc::default(), &request.body(()).unwrap())
}

/// Fields are separated by `|`.
fn judged(fields: &str, csp: Csp) -> Result<Judged, Refusal> {
    let fields: Vec<String> = fields.split('|').map(str::to_owned).collect();
    judge(&fields, csp, &home())
}

/// What the tag must be: nothing, `plain`, `nonce`, `whole`, `hash`, or two of them.
fn shown(permit: &Permit) -> String {
    let form = match permit.form {
        Form::Parts => "plain",
        Form::Whole => "whole",
        Form::Pinned => "hash",
    };
    match &permit.nonce {
        Some(nonce) => format!("{form} {}", nonce.as_str()),
        None => form.to_owned(),
    }
}

fn verdict(result: Result<Permit, Refusal>) -> String {
    match result {
        Ok(permit) => shown(&permit),
        Err(refusal) => format!("{} {:?}", refusal.directive.name(), refusal.why),
    }
}

#[test]
fn a_header_permits_or_refuses() {
    for (fields, expected) in [
        ("", "plain"),
        ("img-src 'none'", "plain"),
        ("upgrade-insecure-requests; frame-ancestors 'none'", "plain"),
        ("script-src 'self'", "plain"),
        ("default-src 'self'", "plain"),
        (
            "default-src 'none'; script-src 'self'; connect-src 'self'",
            "plain",
        ),
        ("script-src *", "plain"),
        ("script-src https:", "plain"),
        ("script-src https://app.example", "plain"),
        ("script-src app.example/__tidings/", "plain"),
        ("script-src 'none' 'self'", "plain"),
        ("script-src 'self' 'unsafe-inline'", "plain"),
        ("SCRIPT-SRC 'Self'", "plain"),
        ("script-src-elem 'self'; script-src 'none'", "plain"),
        ("script-src 'self'; script-src 'none'", "plain"),
        (";; ;script-src\t'self';", "plain"),
        ("sandbox allow-scripts allow-same-origin", "plain"),
        ("default-src *; connect-src 'self'", "plain"),
        ("connect-src app.example", "plain"),
        ("connect-src https://app.example/__tidings/events", "plain"),
        ("script-src 'self' 'nonce-abc'", "plain abc"),
        ("script-src 'nonce-abc'", "plain abc"),
        (
            "script-src 'nonce-abc' 'strict-dynamic' https: 'self'",
            "plain abc",
        ),
        ("default-src 'self' 'nonce-abc'", "plain abc"),
        ("script-src 'nonce-a' 'nonce-b'", "plain a"),
        (
            "script-src 'nonce-a'|script-src 'nonce-b' 'nonce-a'",
            "plain a",
        ),
        ("script-src 'nonce-a', script-src 'self'", "plain a"),
        (
            "script-src 'nonce-a'|script-src 'self' 'nonce-b'",
            "plain a",
        ),
        ("script-src 'self' 'nonce-\"x'", "plain"),
        // Not ASCII: no directive.
        ("script-src 'none' é", "plain"),
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
            "script-src Nonces",
        ),
        (
            "script-src 'nonce-a'|script-src 'sha256-x'",
            "script-src NotAmended",
        ),
    ] {
        let result = judged(fields, Csp::Keep);
        if let Ok(judged) = &result {
            assert_eq!(judged.amended, Vec::new(), "{fields}");
        }
        assert_eq!(verdict(result.map(|j| j.permit)), expected, "{fields}");
    }
}

/// `#` stands for the hash of the script.
#[test]
fn amending_adds_the_hash_and_nothing_else() {
    for (fields, expected_permit, expected) in [
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
        let judged = judged(fields, Csp::Amend).unwrap();
        let amended = judged.amended.into_iter().map(Option::unwrap_or_default);
        let amended = amended.collect::<Vec<_>>().join("|");
        let expected = expected.replace('#', script_tag::whole_source());
        assert_eq!(amended, expected, "{fields}");
        assert_eq!(shown(&judged.permit), expected_permit, "{fields}");
    }
}

#[test]
fn what_an_operator_forbids_is_not_amended() {
    for (fields, expected) in [
        ("script-src 'none'", "script-src NoScripts"),
        (
            "script-src 'sha256-x'; connect-src x.example",
            "connect-src NoConnection",
        ),
        ("sandbox; script-src 'sha256-x'", "sandbox Sandboxed"),
        (
            "script-src 'unsafe-inline' cdn.example",
            "script-src Inline",
        ),
        ("img-src é, script-src 'sha256-x'", "script-src Odd"),
    ] {
        let result = judged(fields, Csp::Amend).map(|judged| judged.permit);
        assert_eq!(verdict(result), expected, "{fields}");
    }
    let unchanged = judged("script-src 'self'", Csp::Amend).unwrap();
    assert_eq!(
        (shown(&unchanged.permit).as_str(), unchanged.amended.len()),
        ("plain", 0)
    );
}

#[test]
fn a_policy_in_the_page_rules_over_what_comes_behind_it() {
    let header = |fields: &str, csp| judged(fields, csp).unwrap().permit;
    let plain = header("", Csp::Keep);
    let nonce = header("script-src 'nonce-h'", Csp::Keep);
    let pinned = header("script-src 'sha256-x'", Csp::Amend);
    for (permit, metas, expected) in [
        (&plain, &["script-src 'self'"][..], "plain"),
        (&plain, &["sandbox"], "plain"),
        (&plain, &["script-src 'self' 'nonce-m'"], "plain m"),
        (&plain, &["script-src 'nonce-m'"], "plain m"),
        (
            &plain,
            &["script-src 'nonce-m'", "script-src 'self'"],
            "plain m",
        ),
        (&plain, &["script-src 'sha256-x'"], "whole"),
        (
            &plain,
            &["script-src 'nonce-m'", "script-src 'sha256-x'"],
            "whole",
        ),
        (&plain, &["script-src 'strict-dynamic'"], "whole"),
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
        (&nonce, &["script-src 'nonce-h'"], "plain h"),
        (&nonce, &["script-src 'nonce-m'"], "whole h"),
        (&pinned, &["script-src 'nonce-m'"], "hash m"),
        (&pinned, &["script-src 'sha256-x'"], "hash"),
    ] {
        let metas: Vec<String> = metas.iter().map(|meta| (*meta).to_owned()).collect();
        let result = permit.clone().under(&metas, &home());
        assert_eq!(verdict(result), expected, "{permit:?} under {metas:?}");
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
    fn any_policy_is_judged_and_amended_only_by_the_hash(field in policies(), meta in policies()) {
        let fields = [field];
        for csp in [Csp::Keep, Csp::Amend] {
            let Ok(judged) = judge(&fields, csp, &home()) else { continue };
            prop_assert!(csp == Csp::Amend || judged.amended.is_empty());
            _ = judged.permit.clone().under(std::slice::from_ref(&meta), &home());
            let Some(Some(amended)) = judged.amended.first() else { continue };
            prop_assert!(HeaderValue::try_from(fields[0].as_str()).is_err()
                || HeaderValue::try_from(amended.as_str()).is_ok());
            let mut texts = fields[0].split(',').zip(amended.split(','));
            prop_assert_eq!(fields[0].split(',').count(), amended.split(',').count());
            let is_only_added = texts.all(|(before, after)| only_added(before, after));
            prop_assert!(is_only_added, "{:?} became {:?}", fields[0], amended);
            let again = judge(std::slice::from_ref(amended), Csp::Amend, &home());
            prop_assert!(again.is_ok());
        }
    }
}

/// True if `after` is `before` with the hash put in, or with a `script-src` of the sources of `default-src` behind it.
fn only_added(before: &str, after: &str) -> bool {
    let Some((start, end)) = after.split_once(&format!(" {}", script_tag::whole_source())) else {
        return before == after;
    };
    let default = Policy::parse(before).script();
    format!("{start}{end}") == before
        || default.is_some_and(|sources| {
            let added = start.strip_prefix(before.trim_end()).unwrap_or_default();
            let added = added.trim_start_matches([';', ' ']);
            added.strip_prefix("script-src") == Some(sources.value()) && end.is_empty()
        })
}
