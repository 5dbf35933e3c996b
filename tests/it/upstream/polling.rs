//! When a change at the upstreams is published as a release.

use tidings::Release;

use super::*;
use crate::support::coding::codings;
use crate::support::coding::encode;

#[tokio::test(start_paused = true)]
async fn upstream_deploy_is_published_within_two_polls() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    polled.advance(60).await;
    assert_eq!(polled.later_releases(), 0);
    upstream.deploy(&shell("b2"));
    polled.advance(23).await;
    assert_eq!(polled.later_releases(), 1);
    polled.advance(120).await;
    assert_eq!(polled.later_releases(), 1);
}

#[tokio::test(start_paused = true)]
async fn requested_check_polls_at_once_at_most_once_a_second() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    upstream.deploy(&shell("b2"));
    polled.site.request_check();
    polled.advance(11).await;
    assert_eq!(polled.later_releases(), 1);
    let requests = upstream.request_count();
    for _ in 0..20 {
        polled.site.request_check();
        sleep(Duration::from_millis(50)).await;
    }
    assert!(upstream.request_count() <= requests + 2, "once a second");
}

#[tokio::test(start_paused = true)]
async fn rolling_deploy_of_three_upstreams_is_published_once() {
    let upstreams: Vec<_> = (0..3).map(|_| Upstream::new(&shell("a1"))).collect();
    let mut polled = PolledSite::published(&upstreams).await;
    let (last, others) = upstreams.split_last().unwrap();
    for upstream in others {
        upstream.fail();
        polled.advance(15).await;
        upstream.deploy(&shell("b2"));
        polled.advance(15).await;
        assert_eq!(polled.later_releases(), 0);
    }
    // While the last one is down, all others serve the new build, so it may be published already.
    last.fail();
    polled.advance(15).await;
    last.deploy(&shell("b2"));
    polled.advance(15).await;
    assert_eq!(polled.later_releases(), 1);
    polled.advance(120).await;
    assert_eq!(polled.later_releases(), 1);
}

#[tokio::test(start_paused = true)]
async fn page_tokens_changing_per_request_do_not_notify() {
    let mut n = 0;
    let upstream = Upstream::with_handler(move |_| {
        n += 1;
        html(&shell_with_token("a1", n))
    });
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let requests = upstream.request_count();
    polled.advance(320).await;
    assert!(upstream.request_count() >= requests + 28);
    assert_eq!(polled.later_releases(), 0);
    let mut n = 1000;
    upstream.set_handler(move |_| {
        n += 1;
        html(&shell_with_token("b2", n))
    });
    polled.advance(320).await;
    assert_eq!(polled.later_releases(), 1);
    let other = Upstream::with_handler({
        let mut n = 5000;
        move |_| {
            n += 1;
            html(&shell_with_token("b2", n))
        }
    });
    let other = PolledSite::published(std::slice::from_ref(&other)).await;
    assert_eq!(other.id(), polled.id(), "on another machine");
}

#[tokio::test(start_paused = true)]
async fn upstream_down_and_back_does_not_notify() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    for down in [
        || status(502),
        || status(200),
        || Response::new(Full::from("{}")),
    ] {
        upstream.set_handler(move |_| {
            let mut answer = down();
            if answer.status() == 200 {
                answer
                    .headers_mut()
                    .insert("content-type", "application/json".parse().unwrap());
            }
            answer
        });
        polled.advance(60).await;
        upstream.deploy(&shell("a1"));
        polled.advance(60).await;
        assert_eq!(polled.later_releases(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_up_late_is_published_soon() {
    let upstream = Upstream::with_handler(|_| status(502));
    let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| poll);
    polled.advance(30).await;
    assert!(polled.site.current().is_none());
    upstream.deploy(&shell("a1"));
    polled.advance(3).await;
    assert!(polled.site.current().is_some());
}

#[tokio::test(start_paused = true)]
async fn upstream_rollback_keeps_id_and_built_time() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    let first = polled.site.current().unwrap();
    upstream.deploy(&shell("b2"));
    polled.advance(30).await;
    assert_eq!(polled.later_releases(), 1);
    upstream.deploy(&shell("a1"));
    polled.advance(50).await;
    assert_eq!(polled.later_releases(), 1);
    polled.advance(50).await;
    assert_eq!(polled.later_releases(), 2);
    let back = polled.site.current().unwrap();
    assert_eq!((back.id(), back.built()), (first.id(), first.built()));
}

#[tokio::test(start_paused = true)]
async fn polled_pages_change_in_any_is_published() {
    let mut builds = ["a1", "x1"];
    let upstream = Upstream::with_handler(|_| status(404));
    let serve = |builds: [&'static str; 2]| {
        upstream.set_handler(move |request| match request.uri().path() {
            "/" => html(&shell(builds[0])),
            "/admin/" => html(&shell(builds[1])),
            _ => status(404),
        });
    };
    serve(builds);
    let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
        poll.pages(["/admin/", "/"]).unwrap()
    });
    polled.advance(3).await;
    for page in [1, 0] {
        builds[page] = "c3";
        serve(builds);
        polled.advance(40).await;
    }
    assert_eq!(polled.later_releases(), 2);
    // An incomplete set of pages is ignored.
    upstream.set_handler(|request| match request.uri().path() {
        "/" => html(&shell("d4")),
        _ => status(404),
    });
    polled.advance(60).await;
    assert_eq!(polled.later_releases(), 2);
}

#[tokio::test(start_paused = true)]
async fn poll_redirect_same_host_is_followed() {
    let redirect = |to: &'static str| {
        let response = Response::builder().status(302).header("location", to);
        response.body(Full::default()).unwrap()
    };
    for (location, is_followed) in [
        ("/en/", true),
        ("en/?x=1#y", true),
        ("https://example.org/en/", true),
        ("https://example.com/en/", false),
        ("//example.com/en/", false),
        ("/", false),
    ] {
        let upstream = Upstream::with_handler(move |request| match request.uri().path() {
            "/" => redirect(location),
            "/en/" => html(&shell("a1")),
            _ => status(404),
        });
        let mut polled = PolledSite::with(std::slice::from_ref(&upstream), |poll| {
            poll.host("example.org").unwrap()
        });
        polled.advance(1).await;
        assert_eq!(polled.site.current().is_some(), is_followed, "{location}");
        assert!(upstream.request_count() <= 6, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn poll_sends_navigation_headers_and_decodes_codings() {
    let page = shell("a1");
    let mut ids = Vec::new();
    for coding in codings().chain(["identity"]) {
        let body = match coding {
            "identity" => page.clone().into_bytes(),
            _ => encode(coding, &page),
        };
        let upstream = Upstream::with_handler(move |request| {
            let field = |name| request.headers().get(name).unwrap().to_str().unwrap();
            assert_eq!(field("host"), "example.org");
            assert_eq!(field("accept-encoding"), "identity");
            assert_eq!(field("sec-fetch-dest"), "document");
            assert_eq!(field("sec-fetch-mode"), "navigate");
            assert!(field("accept").starts_with("text/html"));
            assert!(field("user-agent").starts_with("tidings/"));
            let response = Response::builder()
                .header("content-type", "text/html")
                .header("content-encoding", coding);
            response.body(Full::from(body.clone())).unwrap()
        });
        let mut polled = PolledSite::with(&[upstream], |poll| poll.host("example.org").unwrap());
        polled.advance(1).await;
        ids.push(polled.id());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn release_published_by_name_is_not_published_again() {
    let upstream = Upstream::new(&shell("a1"));
    let mut polled = PolledSite::published(std::slice::from_ref(&upstream)).await;
    upstream.deploy(&shell("b2"));
    polled
        .site
        .publish(Release::new("v2".parse().unwrap(), 9_000_000_000_000));
    polled.site.request_check();
    polled.advance(120).await;
    assert_eq!((polled.later_releases(), polled.id().as_str()), (1, "v2"));
    assert_eq!(release_id(&polled.visit("/").await), Some("v2"));
    upstream.deploy(&shell("c3"));
    polled.advance(40).await;
    assert_eq!(polled.later_releases(), 2);
}
