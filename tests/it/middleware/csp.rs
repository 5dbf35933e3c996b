//! Pages with a `Content-Security-Policy`, in the header or in a meta element.

use tidings::Csp;

use super::*;
use crate::support::bodies::Step;

const HTML: (&str, &str) = ("content-type", "text/html");
const CSP: &str = "content-security-policy";

/// Sends a page with these policies in its header through the layer.
async fn page_with_policies(csp: Csp, policies: &[&str]) -> Reply {
    let fields = policies.iter().map(|policy| (CSP, *policy));
    let fields: Vec<_> = [HTML, ("etag", "\"v1\"")]
        .into_iter()
        .chain(fields)
        .collect();
    let service = service_fn(|_request: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(answer(200, &fields, page().as_bytes())))
    });
    let app = UpdateNotifierLayer::new(site("r1")).csp(csp).layer(service);
    let request = [NAVIGATION, &[("host", "app.example")]].concat();
    Reply::read(send(app, "GET", "/", &request).await).await
}

fn policies(reply: &Reply) -> Vec<&str> {
    let policies = reply.headers.get_all(CSP).iter();
    policies.map(|value| value.to_str().unwrap()).collect()
}

/// The value of an attribute of the tag; "" without one.
fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let start = format!(" {name}=\"");
    let value = tag.split_once(&start).map(|(_, rest)| rest);
    value.and_then(|rest| rest.split('"').next()).unwrap_or("")
}

#[tokio::test]
async fn csp_permitting_the_script_is_unchanged() {
    for (policy, nonce) in [
        ("default-src 'self'", ""),
        (
            "script-src app.example; connect-src https://app.example",
            "",
        ),
        ("script-src 'self'  'nonce-R4nd+m/_-w=='", "R4nd+m/_-w=="),
        (
            "script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'",
            "abc",
        ),
    ] {
        for csp in [Csp::Keep, Csp::Amend] {
            let reply = page_with_policies(csp, &[policy]).await;
            let tag = tag_between(reply.text(), PAGE.0, PAGE.1);
            assert_eq!(attribute(tag, "nonce"), nonce, "{policy}");
            assert_eq!(attribute(tag, "integrity"), "");
            assert_eq!(policies(&reply), [policy]);
        }
    }
}

#[tokio::test]
async fn csp_any_policy_forbidding_leaves_page_unchanged() {
    for policies_ in [
        &["script-src 'self'", "script-src 'none'"][..],
        &["script-src 'self', script-src cdn.example"],
        &["script-src 'nonce-a'", "script-src 'nonce-b'"],
        &["img-src *; connect-src 'none'"],
        &["sandbox allow-forms"],
    ] {
        let reply = page_with_policies(Csp::Keep, policies_).await;
        assert_eq!(reply.text(), page(), "{policies_:?}");
        assert_eq!(policies(&reply), policies_);
        // All other headers are unchanged as well.
        assert_eq!(reply.field("etag"), "\"v1\"");
        assert_eq!(reply.field("vary"), "");
    }
}

#[tokio::test]
async fn csp_amend_adds_the_script_hash() {
    let hashes = "script-src 'sha256-abc'; connect-src 'self'";
    assert_eq!(
        page_with_policies(Csp::Keep, &[hashes]).await.text(),
        page()
    );
    let reply = page_with_policies(Csp::Amend, &["script-src 'self'", hashes]).await;
    let (before, rest) = reply.text().split_once("<script async ").unwrap();
    assert_eq!(before, PAGE.0);
    let (attributes, after) = rest.split_once("></script>").unwrap();
    assert_eq!(after, PAGE.1);
    let tag = format!(" {attributes}");
    let integrity = attribute(&tag, "integrity");
    assert!(integrity.starts_with("sha256-"), "{tag}");
    let expected = format!("script-src 'sha256-abc' '{integrity}'; connect-src 'self'");
    assert_eq!(policies(&reply), ["script-src 'self'", &expected]);

    let source = attribute(&tag, "src");
    let app = UpdateNotifierLayer::new(site("r1")).layer(service_fn(
        |_request: Request<Empty<Bytes>>| ready(Ok::<_, Infallible>(answer(404, &[HTML], b""))),
    ));
    let script = Reply::read(send(app, "GET", source, &[]).await).await;
    assert_eq!(script.status, 200, "{source}");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&script.body);
    let base64 = data_encoding::BASE64.encode(&digest);
    assert_eq!(integrity, format!("sha256-{base64}"));
}

#[tokio::test]
async fn etag_is_independent_of_the_nonce() {
    let one = page_with_policies(Csp::Keep, &["script-src 'nonce-a'"]).await;
    let two = page_with_policies(Csp::Keep, &["script-src 'nonce-b'"]).await;
    assert_ne!(one.body, two.body);
    assert_eq!(one.field("etag"), two.field("etag"));
    assert!(one.field("etag").starts_with("\"v1-tidings-"));
}

#[tokio::test]
async fn csp_amend_applies_only_to_pages_with_script() {
    let fields = [HTML, (CSP, "script-src 'sha256-abc'")];
    let service = service_fn(|_request: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(answer(200, &fields, page().as_bytes())))
    });
    let app = UpdateNotifierLayer::new(site("r1"))
        .csp(Csp::Amend)
        .layer(service);
    let request = |method, fields| send(app.clone(), method, "/", fields);
    let fetched = Reply::read(request("GET", &[("sec-fetch-dest", "empty")]).await).await;
    assert_eq!(policies(&fetched), ["script-src 'sha256-abc'"]);
    let get = Reply::read(request("GET", NAVIGATION).await).await;
    let head = Reply::read(request("HEAD", NAVIGATION).await).await;
    assert_ne!(policies(&get), policies(&fetched));
    assert_eq!(head.headers, get.headers);
}

#[tokio::test]
async fn csp_amend_of_304_equals_that_of_the_page() {
    let fields = [("etag", "\"v1\""), HTML, (CSP, "script-src 'sha256-abc'")];
    let service = service_fn(|request: Request<Empty<Bytes>>| {
        let is_known = request.headers().contains_key("if-none-match");
        let (status, body) = if is_known {
            (304, String::new())
        } else {
            (200, page())
        };
        ready(Ok::<_, Infallible>(answer(
            status,
            &fields,
            body.as_bytes(),
        )))
    });
    let app = UpdateNotifierLayer::new(site("r1"))
        .csp(Csp::Amend)
        .layer(service);
    let page = Reply::read(send(app.clone(), "GET", "/", NAVIGATION).await).await;
    let known = [NAVIGATION, &[("if-none-match", page.field("etag"))]].concat();
    let again = Reply::read(send(app, "GET", "/", &known).await).await;
    assert_eq!(again.status, 304);
    assert_eq!(policies(&again), policies(&page));
}

#[tokio::test]
async fn csp_meta_element_is_respected() {
    let meta = |policy: &str| {
        format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">{}",
            PAGE.1
        )
    };
    for (policy, nonce, is_whole) in [
        ("script-src 'self'", "", false),
        ("script-src &#39;nonce-abc&#39;", "abc", false),
        ("script-src 'sha256-abc'", "", true),
    ] {
        // In one frame: the policy is known when the insertion point is found.
        let html = format!("{}{}", PAGE.0, meta(policy));
        let body = ScriptedBody::new([Step::Data(html.into())]);
        let response = Response::builder().header(HTML.0, HTML.1);
        let reply = through(NAVIGATION, response.body(body).unwrap()).await;
        let reply = Reply::read(reply).await;
        let (_, rest) = reply.text().split_once(PAGE.0).unwrap();
        let tag = rest.strip_suffix(&meta(policy)).unwrap();
        assert_eq!(attribute(tag, "nonce"), nonce, "{policy}");
        assert_eq!(attribute(tag, "integrity"), "");
        assert_eq!(tag.contains("/bundle-"), is_whole, "{tag}");
    }
    for policy in [
        "script-src 'none'",
        "connect-src x.example",
        "default-src 'none'",
    ] {
        let html = format!("{}{}", PAGE.0, meta(policy));
        let body = ScriptedBody::new([Step::Data(html.clone().into())]);
        let response = Response::builder().header(HTML.0, HTML.1);
        let reply = through(NAVIGATION, response.body(body).unwrap()).await;
        assert_eq!(Reply::read(reply).await.text(), html, "{policy}");
    }
}

#[tokio::test]
async fn csp_report_only_is_ignored() {
    let fields = [
        HTML,
        ("content-security-policy-report-only", "script-src 'none'"),
    ];
    let reply = read_through(NAVIGATION, answer(200, &fields, page().as_bytes())).await;
    tag_between(reply.text(), PAGE.0, PAGE.1);
}
