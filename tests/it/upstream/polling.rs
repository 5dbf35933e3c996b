//! When what the upstreams show is news.

use tidings::Release;

use super::*;
use crate::support::coding::codings;
use crate::support::coding::encode;

#[tokio::test(start_paused = true)]
async fn upstream_deploy_is_published_within_two_polls() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    fleet.pass(60).await;
    assert_eq!(fleet.news(), 0);
    upstream.deploy(&shell("b2"));
    fleet.pass(23).await;
    assert_eq!(fleet.news(), 1);
    fleet.pass(120).await;
    assert_eq!(fleet.news(), 1);
}

#[tokio::test(start_paused = true)]
async fn requested_check_polls_at_once_at_most_once_a_second() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    upstream.deploy(&shell("b2"));
    fleet.site.look();
    fleet.pass(11).await;
    assert_eq!(fleet.news(), 1);
    let asked = upstream.asked();
    for _ in 0..20 {
        fleet.site.look();
        sleep(Duration::from_millis(50)).await;
    }
    assert!(upstream.asked() <= asked + 2, "once a second");
}

#[tokio::test(start_paused = true)]
async fn rolling_deploy_of_three_upstreams_is_published_once() {
    let upstreams: Vec<_> = (0..3).map(|_| Upstream::new(&shell("a1"))).collect();
    let mut fleet = Fleet::of(&upstreams).await;
    let (last, others) = upstreams.split_last().unwrap();
    for upstream in others {
        upstream.goes_down();
        fleet.pass(15).await;
        upstream.deploy(&shell("b2"));
        fleet.pass(15).await;
        assert_eq!(fleet.news(), 0);
    }
    // While it is away all that answer show the new build: it may be news by then.
    last.goes_down();
    fleet.pass(15).await;
    last.deploy(&shell("b2"));
    fleet.pass(15).await;
    assert_eq!(fleet.news(), 1);
    fleet.pass(120).await;
    assert_eq!(fleet.news(), 1);
}

#[tokio::test(start_paused = true)]
async fn page_tokens_changing_per_request_do_not_notify() {
    let mut n = 0;
    let upstream = Upstream::answering(move |_| {
        n += 1;
        html(&shell_with_token("a1", n))
    });
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let asked = upstream.asked();
    fleet.pass(320).await;
    assert!(upstream.asked() >= asked + 28);
    assert_eq!(fleet.news(), 0);
    let mut n = 1000;
    upstream.become_one(move |_| {
        n += 1;
        html(&shell_with_token("b2", n))
    });
    fleet.pass(320).await;
    assert_eq!(fleet.news(), 1);
    let other = Upstream::answering({
        let mut n = 5000;
        move |_| {
            n += 1;
            html(&shell_with_token("b2", n))
        }
    });
    let other = Fleet::of(std::slice::from_ref(&other)).await;
    assert_eq!(other.id(), fleet.id(), "on another machine");
}

#[tokio::test(start_paused = true)]
async fn upstream_down_and_back_does_not_notify() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    for down in [
        || status(502),
        || status(200),
        || Response::new(Full::from("{}")),
    ] {
        upstream.become_one(move |_| {
            let mut answer = down();
            if answer.status() == 200 {
                answer
                    .headers_mut()
                    .insert("content-type", "application/json".parse().unwrap());
            }
            answer
        });
        fleet.pass(60).await;
        upstream.deploy(&shell("a1"));
        fleet.pass(60).await;
        assert_eq!(fleet.news(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_up_late_is_published_soon() {
    let upstream = Upstream::answering(|_| status(502));
    let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| poll);
    fleet.pass(30).await;
    assert!(fleet.site.current().is_none());
    upstream.deploy(&shell("a1"));
    fleet.pass(3).await;
    assert!(fleet.site.current().is_some());
}

#[tokio::test(start_paused = true)]
async fn upstream_rollback_keeps_id_and_built_time() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    let first = fleet.site.current().unwrap();
    upstream.deploy(&shell("b2"));
    fleet.pass(30).await;
    assert_eq!(fleet.news(), 1);
    upstream.deploy(&shell("a1"));
    fleet.pass(50).await;
    assert_eq!(fleet.news(), 1);
    fleet.pass(50).await;
    assert_eq!(fleet.news(), 2);
    let back = fleet.site.current().unwrap();
    assert_eq!((back.id(), back.built()), (first.id(), first.built()));
}

#[tokio::test(start_paused = true)]
async fn polled_pages_change_in_any_is_published() {
    let mut builds = ["a1", "x1"];
    let upstream = Upstream::answering(|_| status(404));
    let serve = |builds: [&'static str; 2]| {
        upstream.become_one(move |request| match request.uri().path() {
            "/" => html(&shell(builds[0])),
            "/admin/" => html(&shell(builds[1])),
            _ => status(404),
        });
    };
    serve(builds);
    let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
        poll.pages(["/admin/", "/"]).unwrap()
    });
    fleet.pass(3).await;
    for page in [1, 0] {
        builds[page] = "c3";
        serve(builds);
        fleet.pass(40).await;
    }
    assert_eq!(fleet.news(), 2);
    // Not all of them is nothing.
    upstream.become_one(|request| match request.uri().path() {
        "/" => html(&shell("d4")),
        _ => status(404),
    });
    fleet.pass(60).await;
    assert_eq!(fleet.news(), 2);
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
        let upstream = Upstream::answering(move |request| match request.uri().path() {
            "/" => redirect(location),
            "/en/" => html(&shell("a1")),
            _ => status(404),
        });
        let mut fleet = Fleet::with(std::slice::from_ref(&upstream), |poll| {
            poll.host("example.org").unwrap()
        });
        fleet.pass(1).await;
        assert_eq!(fleet.site.current().is_some(), is_followed, "{location}");
        assert!(upstream.asked() <= 6, "{location}");
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
        let upstream = Upstream::answering(move |request| {
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
        let mut fleet = Fleet::with(&[upstream], |poll| poll.host("example.org").unwrap());
        fleet.pass(1).await;
        ids.push(fleet.id());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn release_published_by_name_is_not_published_again() {
    let upstream = Upstream::new(&shell("a1"));
    let mut fleet = Fleet::of(std::slice::from_ref(&upstream)).await;
    upstream.deploy(&shell("b2"));
    fleet
        .site
        .publish(Release::named("v2".parse().unwrap(), 9_000_000_000_000));
    fleet.site.look();
    fleet.pass(120).await;
    assert_eq!((fleet.news(), fleet.id().as_str()), (1, "v2"));
    assert_eq!(stamp(&fleet.visit("/").await), Some("v2"));
    upstream.deploy(&shell("c3"));
    fleet.pass(40).await;
    assert_eq!(fleet.news(), 2);
}
