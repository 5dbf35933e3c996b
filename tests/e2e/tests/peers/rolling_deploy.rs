//! `tidings proxy` in front of three servers of one site, which are replaced one by one under load.

use std::cell::Cell;
use std::convert::Infallible;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use http::StatusCode;
use tidings_e2e::App;
use tidings_e2e::Build;
use tidings_e2e::Server;

use crate::http_client::HttpClient;
use crate::http_client::Stream;
use crate::script_tag::first_page;
use crate::script_tag::release;

#[tokio::test]
async fn rolling_deploy_fails_no_request_and_is_published_once() -> Result<()> {
    let (one, two) = (Build::v1()?, Build::v2()?);
    let mut apps = Vec::new();
    for _ in 0..3 {
        apps.push(App::site(one.dir()).await?);
    }
    let urls: Vec<_> = apps.iter().map(|app| app.url("")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let server = Server::proxy(&urls, &["--poll-interval", "1s"])?;
    let home = server.url("/");
    let first = first_page(&server).await?;
    let first = release(first.text()?)?.to_owned();

    let listener = HttpClient::new();
    let mut events = listener
        .stream(&server.url("/__tidings/events"), &[])
        .await?;
    let visits = [const { Cell::new(0) }; 4];
    let roll = async {
        ensure!(events.release().await? == first, "another release at first");
        for app in &mut apps {
            // A build that only some upstreams serve is not published.
            ensure!(server.log().matches("published").count() == 1);
            app.replace(two.dir()).await?;
            for _ in 0..20 {
                HttpClient::new().navigate(&home).await?;
            }
        }
        let second = events.release().await?;
        // From here on only the new release is served, and it is not announced again.
        for _ in 0..60 {
            let page = HttpClient::new().navigate(&home).await?;
            ensure!(release(page.text()?)? == second, "an old page");
        }
        Ok(second)
    };
    let load = async {
        tokio::try_join!(
            load(&server, &visits[0]),
            load(&server, &visits[1]),
            load(&server, &visits[2]),
            load(&server, &visits[3]),
        )
    };
    let second = tokio::select! {
        second = roll => second,
        Err(error) = load => Err(error),
    };
    let second = second.with_context(|| server.log())?;
    ensure!(visits.iter().all(|visits| visits.get() > 5), "{visits:?}");
    ensure!(second != first, "the same release");

    // The stream ends with the server, so all its events are known then.
    let (_, log) = server.terminate().await?;
    let releases = rest(&mut events).await;
    ensure!(
        releases.is_empty(),
        "announced more than once: {releases:?}"
    );
    ensure!(log.matches("published").count() == 2, "{log}");
    Ok(())
}

/// Loads pages with their assets repeatedly, on persistent connections.
async fn load(server: &Server, visits: &Cell<u32>) -> Result<Infallible> {
    let client = HttpClient::new();
    loop {
        let page = client.navigate(&server.url("/")).await?;
        ensure!(page.status == StatusCode::OK, "{page:?}");
        let parts = page.text()?.split('"');
        for path in parts.filter(|part| part.starts_with("/assets/")) {
            let asset = client.get(&server.url(path), &[]).await?;
            // An upstream with another version than that of the page may not have it.
            ensure!(!asset.status.is_server_error(), "{path}: {asset:?}");
        }
        visits.set(visits.get() + 1);
    }
}

/// The remaining releases in a stream until it ends.
async fn rest(events: &mut Stream) -> Vec<String> {
    let mut releases = Vec::new();
    while let Ok(release) = events.release().await {
        releases.push(release);
    }
    releases
}
