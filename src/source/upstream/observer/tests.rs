use std::sync::Arc;
use std::time::Duration;

use crate::html::inserter::Extent;
use crate::html::page_assets::PageFingerprint;
use crate::html::page_assets::PageLocation;
use crate::html::page_assets::PageReader;
use crate::release::Release;
use crate::release::ReleaseId;
use crate::release::fingerprint::ReleaseFingerprint;
use crate::site::observer::ObservePages as _;
use crate::site::observer::ObservedPage;
use crate::source::upstream::observer::IdentifyBy;
use crate::source::upstream::observer::KnownRelease;
use crate::source::upstream::observer::PageObserver;
use crate::source::upstream::observer::page_observer::now;

fn known(page: &str, built: u64) -> KnownRelease {
    let found = PageReader::parse(page.as_bytes()).unwrap();
    let location = PageLocation {
        path: "/",
        host: None,
    };
    let fingerprint = ReleaseFingerprint::Pages(vec![(
        "/".into(),
        PageFingerprint::new(found.resolve_at(location)),
    )]);
    KnownRelease {
        release: Arc::new(Release::new(fingerprint.id(), built)),
        fingerprint: Arc::new(fingerprint),
    }
}

fn page(name: &str) -> String {
    format!("<script src=/app-{name}.js></script>")
}

fn observer(upstreams: usize) -> PageObserver {
    let observer = PageObserver::new(IdentifyBy::Scripts, &["/".into()], None, upstreams);
    observer.set_published(Some(known(&page("a1"), 1)), Vec::new());
    observer
}

fn observed_page(path: &str, upstream: Option<usize>) -> ObservedPage<'_> {
    ObservedPage {
        path,
        upstream,
        current: None,
        built: 5,
    }
}

#[tokio::test(start_paused = true)]
async fn page_of_current_release_is_recorded_for_its_upstream() {
    let observer = observer(2);
    let read = |upstream| {
        observer.observe_html(
            page("a1").as_bytes(),
            Extent::Whole,
            observed_page("/deep", upstream),
        )
    };
    assert!(read(None).is_some());
    assert_eq!([0, 1].map(|n| observer.current_seen(n)), [None, None]);
    read(Some(1));
    read(Some(7));
    assert_eq!(
        [0, 1].map(|n| observer.current_seen(n)),
        [None, Some(now())]
    );
    observer.set_published(Some(known(&page("b2"), 2)), vec![known(&page("a1"), 1)]);
    assert_eq!(observer.current_seen(1), None, "another release is current");
}

#[tokio::test(start_paused = true)]
async fn page_of_two_releases_gets_the_one_current_at_request_or_the_older() {
    let observer = observer(1);
    let (first, second) = (known(&page("a1"), 1), known(&page("a1"), 2));
    let second = KnownRelease {
        release: Arc::new(Release::new("second".parse().unwrap(), 2)),
        ..second
    };
    observer.set_published(Some(second), vec![first.clone()]);
    let id = first.release.id();
    let release = |current: &ReleaseId| {
        let current = Some(current);
        let page_context = ObservedPage {
            current,
            ..observed_page("/", None)
        };
        observer
            .observe_html(page("a1").as_bytes(), Extent::Whole, page_context)
            .unwrap()
    };
    assert_eq!(&release(id).id, id);
    assert_eq!(release(&"second".parse().unwrap()).id.as_str(), "second");
    assert_eq!(&release(&"third".parse().unwrap()).id, id);
}

#[tokio::test(start_paused = true)]
async fn page_matched_by_file_names_is_recognised_until_polls_refute_it() {
    let observer = observer(1);
    let current = known(&page("a1"), 1);
    let read = |name: &str| {
        let page_context = ObservedPage {
            current: Some(current.release.id()),
            ..observed_page("/admin/", None)
        };
        observer.observe_html(page(name).as_bytes(), Extent::Whole, page_context)
    };
    let first = read("x1").unwrap();
    assert_eq!(first, read("x1").unwrap());
    assert_eq!(first.built, 5);
    tokio::time::advance(Duration::from_secs(61)).await;
    observer.on_polled(std::iter::once(&*current.fingerprint));
    assert_eq!(read("x1"), None);
    assert_eq!(read("x2"), None, "the next build of that page");
}
