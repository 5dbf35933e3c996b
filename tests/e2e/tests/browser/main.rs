//! What a person with an open tab sees when a site is deployed.

mod chunks;
mod fleet;
mod front;
mod harness;
mod looks;
mod middleware;
mod news;
mod notice;
mod outage;
mod reach;
mod strict;
mod ways;
mod workers;

use anyhow::Result;
use tidings_e2e::Front;
use tidings_e2e::Page;
use tidings_e2e::until;

/// What the notice says.
const NEWS: &str = "A new version is available";

/// Waits until so many event streams go through a front.
async fn streams(front: &Front, open: usize) -> Result<()> {
    until(&format!("{open} open streams"), async || {
        let streams = front.streams();
        anyhow::ensure!(streams.open == open, "{streams:?}");
        Ok(Some(()))
    })
    .await
}

/// Waits until the tab knows of a later release than its own, whether it shows it or not.
async fn hears(page: &Page) -> Result<()> {
    until("the tab to hear of the news", async || {
        let state = page.eval("return tidings.state").await?;
        anyhow::ensure!(state != "current", "it is {state}");
        Ok(Some(()))
    })
    .await
}

/// Waits until the server says that another release is current than the one that the page is of, without letting the
/// page know.
async fn is_published(page: &Page) -> Result<()> {
    until("the deploy to be published", async || {
        let script = "return fetch('/__tidings/release.json', { cache: 'no-store' })
            .then((answer) => answer.json())
            .then((release) => release.id !== tidings.release.id)";
        Ok((page.eval(script).await? == true).then_some(()))
    })
    .await
}
