use super::*;
use crate::release::Release;

fn known(page: &str, built: u64) -> Known {
    let found = Reader::read(page.as_bytes()).unwrap();
    let location = Location {
        path: "/",
        host: None,
    };
    let pages = Pages::Prints(vec![("/".into(), Print::of(found.at(location)))]);
    Known {
        release: Arc::new(Release::named(pages.id(), built)),
        pages: Arc::new(pages),
    }
}

fn page(name: &str) -> String {
    format!("<script src=/app-{name}.js></script>")
}

fn traffic(upstreams: usize) -> Traffic {
    let traffic = Traffic::new(Way::Scripts, &["/".into()], None, upstreams);
    traffic.learn(Some(known(&page("a1"), 1)), Vec::new());
    traffic
}

fn passing(path: &str, upstream: Option<usize>) -> Passing<'_> {
    Passing {
        path,
        upstream,
        current: None,
        built: 5,
    }
}

#[tokio::test(start_paused = true)]
async fn the_current_release_is_seen_at_the_upstream_that_it_came_from() {
    let traffic = traffic(2);
    let read = |upstream| {
        traffic.read(
            page("a1").as_bytes(),
            Extent::Whole,
            passing("/deep", upstream),
        )
    };
    assert!(read(None).is_some());
    assert_eq!([0, 1].map(|n| traffic.current_seen(n)), [None, None]);
    read(Some(1));
    read(Some(7));
    assert_eq!([0, 1].map(|n| traffic.current_seen(n)), [None, Some(now())]);
    traffic.learn(Some(known(&page("b2"), 2)), vec![known(&page("a1"), 1)]);
    assert_eq!(traffic.current_seen(1), None, "another is current");
}

#[tokio::test(start_paused = true)]
async fn of_two_releases_with_the_same_page_it_is_never_the_later_one() {
    let traffic = traffic(1);
    let (first, second) = (known(&page("a1"), 1), known(&page("a1"), 2));
    let second = Known {
        release: Arc::new(Release::named("second".parse().unwrap(), 2)),
        ..second
    };
    traffic.learn(Some(second), vec![first.clone()]);
    let id = first.release.id();
    let stamp = |current: &ReleaseId| {
        let current = Some(current);
        let passing = Passing {
            current,
            ..passing("/", None)
        };
        traffic
            .read(page("a1").as_bytes(), Extent::Whole, passing)
            .unwrap()
    };
    assert_eq!(&stamp(id).0, id);
    assert_eq!(stamp(&"second".parse().unwrap()).0.as_str(), "second");
    assert_eq!(&stamp(&"third".parse().unwrap()).0, id);
}

#[tokio::test(start_paused = true)]
async fn shape_is_believed_until_it_misleads() {
    let traffic = traffic(1);
    let current = known(&page("a1"), 1);
    let read = |name: &str| {
        let passing = Passing {
            current: Some(current.release.id()),
            ..passing("/admin/", None)
        };
        traffic.read(page(name).as_bytes(), Extent::Whole, passing)
    };
    let first = read("x1").unwrap();
    assert_eq!(first, read("x1").unwrap());
    assert_eq!(first.1, 5);
    tokio::time::advance(Duration::from_secs(61)).await;
    traffic.looked(std::iter::once(&*current.pages));
    assert_eq!(read("x1"), None);
    assert_eq!(read("x2"), None, "the next build of that page");
}
