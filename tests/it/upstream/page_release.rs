//! The release id in pages of an upstream that pass through the layer.

use tidings::Release;

use super::*;
use crate::support::bodies::ScriptedBody;
use crate::support::bodies::Step;

#[tokio::test(start_paused = true)]
async fn page_seen_before_poll_has_the_id_published_later() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    assert_eq!(release_id(&polled.visit("/").await), Some(&*polled.id()));
    upstream.deploy(&shell("b2"));
    let entry = polled.visit("/").await;
    let deep = polled.visit("/deep/link").await;
    assert_ne!(release_id(&entry), Some(&*polled.id()));
    assert_eq!(release_id(&entry), release_id(&deep));
    polled.advance(30).await;
    assert_eq!(polled.later_releases(), 1);
    assert_eq!(release_id(&entry), Some(&*polled.id()));
    assert_eq!(
        polled.site.current().unwrap().built().to_string(),
        built(&entry)
    );
}

#[tokio::test(start_paused = true)]
async fn page_with_token_seen_before_poll_has_the_id_published_later() {
    let mut n = 0;
    let mut page = move |name: &str| {
        n += 1;
        html(&shell_with_token(name, n))
    };
    let mut serving = page;
    let upstream = Upstream::with_handler(move |_| serving("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    assert_eq!(release_id(&polled.visit("/").await), Some(&*polled.id()));
    upstream.set_handler(move |_| page("b2"));
    let reply = polled.visit("/").await;
    polled.advance(40).await;
    assert_eq!(polled.later_releases(), 1);
    assert_eq!(release_id(&reply), Some(&*polled.id()));
}

#[tokio::test(start_paused = true)]
async fn page_of_old_upstream_keeps_the_old_id() {
    let (upstream, old) = (Upstream::new(&shell("a1")), Upstream::new(&shell("a1")));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let first = polled.id();
    upstream.deploy(&shell("b2"));
    polled.advance(30).await;
    let reply = polled.visit_from(&old, "/", &[]).await;
    assert_eq!(release_id(&reply), Some(&*first));
    assert_eq!(release_id(&polled.visit("/").await), Some(&*polled.id()));
}

#[tokio::test(start_paused = true)]
async fn page_without_evidence_has_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    for page in [
        "<!doctype html><title>No scripts at all</title>".to_owned(),
        "<!doctype html><script src=/other.js></script></html>".to_owned(),
        shell_with_token("a1", 7),
    ] {
        let other = Upstream::new(&page);
        let reply = polled.visit_from(&other, "/elsewhere", &[]).await;
        assert_eq!(release_id(&reply), Some(&*polled.id()), "{page}");
    }
    polled.advance(30).await;
    assert_eq!(polled.later_releases(), 0);
}

#[tokio::test(start_paused = true)]
async fn page_never_polled_falls_back_to_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let members = Upstream::new(&shell("m9"));
    let first = polled.visit_from(&members, "/", &[]).await;
    assert_ne!(release_id(&first), Some(&*polled.id()));
    polled.advance(80).await;
    let later = polled.visit_from(&members, "/", &[]).await;
    assert_eq!(release_id(&later), Some(&*polled.id()));
    assert_eq!(polled.later_releases(), 0);
}

#[tokio::test(start_paused = true)]
async fn entry_page_before_first_poll_has_the_id_published_later() {
    let upstream = Upstream::new(&shell("a1"));
    upstream.fail();
    let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| poll);
    polled.advance(1).await;
    upstream.set_handler(|_| {
        let mut page = html(&shell("a1"));
        page.headers_mut().insert("etag", "\"e\"".parse().unwrap());
        page
    });
    let other = polled.visit("/other").await;
    assert_eq!(other.text(), shell("a1"), "its release is unknown");
    let reply = polled.visit("/").await;
    assert!(release_id(&reply).is_some());
    polled.advance(10).await;
    assert_eq!(release_id(&reply), Some(&*polled.id()));
    assert_eq!(
        polled.site.current().unwrap().built().to_string(),
        built(&reply)
    );
    let condition = [
        ("if-none-match", reply.field("etag")),
        ("sec-fetch-dest", "document"),
    ];
    let again = polled.request("/", &condition).await;
    assert_eq!(again.status, 200, "another tag by now");
}

#[tokio::test(start_paused = true)]
async fn revalidation_of_page_of_other_release_returns_304_until_published() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    upstream.set_handler(|request| {
        let condition = request.headers().get("if-none-match");
        let mut page = if condition.is_some_and(|tag| tag == "\"b\"") {
            status(304).map(|_| Full::default())
        } else {
            html(&shell("b2"))
        };
        page.headers_mut().insert("etag", "\"b\"".parse().unwrap());
        page
    });
    let reply = polled.visit("/").await;
    assert_ne!(release_id(&reply), Some(&*polled.id()));
    let condition = [
        ("if-none-match", reply.field("etag")),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(polled.request("/", &condition).await.status, 304);
    polled.advance(30).await;
    assert_eq!(release_id(&reply), Some(&*polled.id()));
    assert_eq!(polled.request("/", &condition).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn unknown_page_of_several_polled_pages_has_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
        poll.pages(["/", "/admin/"]).unwrap()
    });
    polled.advance(2).await;
    upstream.deploy(&shell("b2"));
    assert_eq!(release_id(&polled.visit("/").await), Some(&*polled.id()));
    polled.advance(30).await;
    assert_eq!(polled.later_releases(), 1);
    assert_eq!(
        release_id(&polled.visit("/admin/").await),
        Some(&*polled.id())
    );
}

#[tokio::test(start_paused = true)]
async fn streamed_page_start_selects_release_by_unique_asset() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let first = polled.id();
    upstream.deploy(&shell("b2"));
    polled.advance(30).await;
    for (head, expected) in [
        (
            "<!doctype html><head><script src=/assets/index-a1.js></script>",
            &first,
        ),
        (
            "<!doctype html><head><script src=/assets/index-b2.js></script>",
            &polled.id(),
        ),
        (
            "<!doctype html><head><link rel=stylesheet href=/app.css>",
            &polled.id(),
        ),
        (
            "<!doctype html><head><script src=/assets/index-c3.js></script>",
            &polled.id(),
        ),
    ] {
        let body = ScriptedBody::new([head.into(), Step::Pending, "<p>more".into()]);
        let mut answer = Some(html("").map(|_| body));
        let inner =
            service_fn(move |_: TestRequest| ready(Ok::<_, Infallible>(answer.take().unwrap())));
        let app = UpdateNotifierLayer::new(polled.site.clone()).layer(inner);
        let reply = Reply::read(send(app, "GET", "/x", &[]).await).await;
        assert_eq!(release_id(&reply), Some(&**expected), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn observed_current_page_replaces_a_poll() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let requests = upstream.request_count();
    for _ in 0..20 {
        polled.visit("/").await;
        polled.advance(5).await;
    }
    assert!(
        upstream.request_count() <= requests + 1,
        "{} polls",
        upstream.request_count() - requests
    );
    upstream.deploy(&shell("b2"));
    let requests = upstream.request_count();
    polled.visit("/").await;
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        upstream.request_count(),
        requests + 1,
        "a page of another release triggers a poll"
    );
    polled.advance(11).await;
    assert_eq!(polled.later_releases(), 1);
}

#[tokio::test(start_paused = true)]
async fn observed_foreign_pages_cause_few_extra_polls() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let members = Upstream::new(&shell("m9"));
    let requests = upstream.request_count();
    for _ in 0..100 {
        polled.visit_from(&members, "/", &[]).await;
        polled.advance(1).await;
    }
    assert!(
        upstream.request_count() <= requests + 23,
        "{} polls",
        upstream.request_count() - requests
    );
    assert_eq!(polled.later_releases(), 0);
}

#[tokio::test(start_paused = true)]
async fn unpolled_site_pages_have_the_current_id() {
    let site = Site::new();
    site.publish(Release::new("r1".parse().unwrap(), 1));
    let upstream = Upstream::new(&shell("a1"));
    let inner = service_fn(move |request: TestRequest| {
        ready(Ok::<_, Infallible>(upstream.answer(&request)))
    });
    let app = UpdateNotifierLayer::new(site).layer(inner);
    let reply = Reply::read(send(app, "GET", "/", &[]).await).await;
    assert_eq!(release_id(&reply), Some("r1"));
}
