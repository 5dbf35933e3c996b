//! The script tag in pages.

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Server;
use tidings_e2e::wait_until;

use crate::http_client::FullResponse;
use crate::http_client::HttpClient;

/// Splits a page into the script tag and the original page. Fails unless there is one tag, first in the head.
pub(crate) fn split_script_tag(page: &str) -> Result<(&str, String)> {
    let (before, rest) = page.split_once("<head>").context("no head")?;
    let end = rest.find("</script>").map(|at| at + "</script>".len());
    let (tag, after) = rest.split_at(end.with_context(|| format!("no script: {page}"))?);
    let is_ours = tag.starts_with("<script") && tag.contains("/__tidings/");
    ensure!(is_ours, "it does not begin with our script: {page}");
    ensure!(!tag[1..].contains("<script"), "{tag}");
    let was = format!("{before}<head>{after}");
    ensure!(!was.contains("/__tidings/"), "a second tag: {was}");
    Ok((tag, was))
}

/// The release id in the script tag of a page.
pub(crate) fn release(page: &str) -> Result<&str> {
    let (tag, _) = page.split_once("</script>").context("no script")?;
    let (_, id) = tag.split_once("data-release=").context("no release")?;
    let id = id.trim_start_matches('"');
    let end = id.find(['"', ' ', '>']);
    Ok(&id[..end.unwrap_or(id.len())])
}

/// The home page with the script, after the first release was published.
pub(crate) async fn first_page(server: &Server) -> Result<FullResponse> {
    let client = HttpClient::new();
    wait_until("the first release", async || {
        let url = server.url("/__tidings/release.json");
        let release = client.get(&url, &[]).await?;
        Ok(release.status.is_success().then_some(()))
    })
    .await?;
    let page = client.navigate(&server.url("/")).await?;
    ensure!(page.text()?.contains("/__tidings/"), "{page:?}");
    Ok(page)
}
