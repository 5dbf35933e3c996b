//! Of which release a page says it is that passes through the layer.

use tidings::Release;

use super::*;
use crate::support::bodies::Scripted;
use crate::support::bodies::Step;

#[tokio::test(start_paused = true)]
async fn page_seen_before_poll_has_the_id_published_later() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    assert_eq!(stamp(&fleet.visit("/").await), Some(&*fleet.id()));
    upstream.deploy(&shell("b2"));
    let entry = fleet.visit("/").await;
    let deep = fleet.visit("/deep/link").await;
    assert_ne!(stamp(&entry), Some(&*fleet.id()));
    assert_eq!(stamp(&entry), stamp(&deep));
    fleet.pass(30).await;
    assert_eq!(fleet.news(), 1);
    assert_eq!(stamp(&entry), Some(&*fleet.id()));
    assert_eq!(
        fleet.site.current().unwrap().built().to_string(),
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
    let upstream = Upstream::answering(move |_| serving("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    assert_eq!(stamp(&fleet.visit("/").await), Some(&*fleet.id()));
    upstream.become_one(move |_| page("b2"));
    let reply = fleet.visit("/").await;
    fleet.pass(40).await;
    assert_eq!(fleet.news(), 1);
    assert_eq!(stamp(&reply), Some(&*fleet.id()));
}

#[tokio::test(start_paused = true)]
async fn page_of_old_upstream_keeps_the_old_id() {
    let (upstream, old) = (Upstream::new(&shell("a1")), Upstream::new(&shell("a1")));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let first = fleet.id();
    upstream.deploy(&shell("b2"));
    fleet.pass(30).await;
    let reply = fleet.visit_from(&old, "/", &[]).await;
    assert_eq!(stamp(&reply), Some(&*first));
    assert_eq!(stamp(&fleet.visit("/").await), Some(&*fleet.id()));
}

#[tokio::test(start_paused = true)]
async fn page_without_evidence_has_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    for page in [
        "<!doctype html><title>No scripts at all</title>".to_owned(),
        "<!doctype html><script src=/other.js></script></html>".to_owned(),
        shell_with_token("a1", 7),
    ] {
        let other = Upstream::new(&page);
        let reply = fleet.visit_from(&other, "/elsewhere", &[]).await;
        assert_eq!(stamp(&reply), Some(&*fleet.id()), "{page}");
    }
    fleet.pass(30).await;
    assert_eq!(fleet.news(), 0);
}

#[tokio::test(start_paused = true)]
async fn page_never_polled_falls_back_to_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let members = Upstream::new(&shell("m9"));
    let first = fleet.visit_from(&members, "/", &[]).await;
    assert_ne!(stamp(&first), Some(&*fleet.id()));
    fleet.pass(80).await;
    let later = fleet.visit_from(&members, "/", &[]).await;
    assert_eq!(stamp(&later), Some(&*fleet.id()));
    assert_eq!(fleet.news(), 0);
}

#[tokio::test(start_paused = true)]
async fn entry_page_before_first_poll_has_the_id_published_later() {
    let upstream = Upstream::new(&shell("a1"));
    upstream.goes_down();
    let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| poll);
    fleet.pass(1).await;
    upstream.become_one(|_| {
        let mut page = html(&shell("a1"));
        page.headers_mut().insert("etag", "\"e\"".parse().unwrap());
        page
    });
    let other = fleet.visit("/other").await;
    assert_eq!(other.text(), shell("a1"), "nobody can tell");
    let reply = fleet.visit("/").await;
    assert!(stamp(&reply).is_some());
    fleet.pass(10).await;
    assert_eq!(stamp(&reply), Some(&*fleet.id()));
    assert_eq!(
        fleet.site.current().unwrap().built().to_string(),
        built(&reply)
    );
    let condition = [
        ("if-none-match", reply.field("etag")),
        ("sec-fetch-dest", "document"),
    ];
    let again = fleet.request("/", &condition).await;
    assert_eq!(again.status, 200, "another tag by now");
}

#[tokio::test(start_paused = true)]
async fn revalidation_of_page_of_other_release_returns_304_until_published() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    upstream.become_one(|request| {
        let condition = request.headers().get("if-none-match");
        let mut page = if condition.is_some_and(|tag| tag == "\"b\"") {
            status(304).map(|_| Full::default())
        } else {
            html(&shell("b2"))
        };
        page.headers_mut().insert("etag", "\"b\"".parse().unwrap());
        page
    });
    let reply = fleet.visit("/").await;
    assert_ne!(stamp(&reply), Some(&*fleet.id()));
    let condition = [
        ("if-none-match", reply.field("etag")),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(fleet.request("/", &condition).await.status, 304);
    fleet.pass(30).await;
    assert_eq!(stamp(&reply), Some(&*fleet.id()));
    assert_eq!(fleet.request("/", &condition).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn unknown_page_of_several_polled_pages_has_the_current_id() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
        poll.pages(["/", "/admin/"]).unwrap()
    });
    fleet.pass(2).await;
    upstream.deploy(&shell("b2"));
    assert_eq!(stamp(&fleet.visit("/").await), Some(&*fleet.id()));
    fleet.pass(30).await;
    assert_eq!(fleet.news(), 1);
    assert_eq!(stamp(&fleet.visit("/admin/").await), Some(&*fleet.id()));
}

#[tokio::test(start_paused = true)]
async fn streamed_page_start_selects_release_by_unique_asset() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let first = fleet.id();
    upstream.deploy(&shell("b2"));
    fleet.pass(30).await;
    for (head, expected) in [
        (
            "<!doctype html><head><script src=/assets/index-a1.js></script>",
            &first,
        ),
        (
            "<!doctype html><head><script src=/assets/index-b2.js></script>",
            &fleet.id(),
        ),
        (
            "<!doctype html><head><link rel=stylesheet href=/app.css>",
            &fleet.id(),
        ),
        (
            "<!doctype html><head><script src=/assets/index-c3.js></script>",
            &fleet.id(),
        ),
    ] {
        let body = Scripted::new([head.into(), Step::Pending, "<p>more".into()]);
        let mut answer = Some(html("").map(|_| body));
        let inner = service_fn(move |_: Asked| ready(Ok::<_, Infallible>(answer.take().unwrap())));
        let app = UpdateNotifierLayer::new(fleet.site.clone()).layer(inner);
        let reply = Reply::of(ask(app, "GET", "/x", &[]).await).await;
        assert_eq!(stamp(&reply), Some(&**expected), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn observed_current_page_replaces_a_poll() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let asked = upstream.asked();
    for _ in 0..20 {
        fleet.visit("/").await;
        fleet.pass(5).await;
    }
    assert!(
        upstream.asked() <= asked + 1,
        "{} looks",
        upstream.asked() - asked
    );
    upstream.deploy(&shell("b2"));
    let asked = upstream.asked();
    fleet.visit("/").await;
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        upstream.asked(),
        asked + 1,
        "a page that shows another has it look soon"
    );
    fleet.pass(11).await;
    assert_eq!(fleet.news(), 1);
}

#[tokio::test(start_paused = true)]
async fn observed_foreign_pages_cause_few_extra_polls() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let members = Upstream::new(&shell("m9"));
    let asked = upstream.asked();
    for _ in 0..100 {
        fleet.visit_from(&members, "/", &[]).await;
        fleet.pass(1).await;
    }
    assert!(
        upstream.asked() <= asked + 23,
        "{} looks",
        upstream.asked() - asked
    );
    assert_eq!(fleet.news(), 0);
}

#[tokio::test(start_paused = true)]
async fn unpolled_site_pages_have_the_current_id() {
    let site = Site::new();
    site.publish(Release::named("r1".parse().unwrap(), 1));
    let upstream = Upstream::new(&shell("a1"));
    let inner =
        service_fn(move |request: Asked| ready(Ok::<_, Infallible>(upstream.answer(&request))));
    let app = UpdateNotifierLayer::new(site).layer(inner);
    let reply = Reply::of(ask(app, "GET", "/", &[]).await).await;
    assert_eq!(stamp(&reply), Some("r1"));
}
