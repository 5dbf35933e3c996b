//! What a person with an open tab sees when a site is deployed.

mod api;
mod chunks;
mod fleet;
mod forms;
mod front;
mod harness;
mod looks;
mod manners;
mod middleware;
mod news;
mod notice;
mod outage;
mod pages;
mod pictures;
mod policies;
mod reach;
mod strict;
mod unwilling;
mod ways;
mod workers;

use anyhow::Result;
use tidings_e2e::Build;
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

/// A version after version 2: it says that it is 2, but its page is another one.
fn three() -> Result<Build> {
    let renamed = |page: &str| page.replace("Harbour log", "Harbour log, third edition");
    Build::two()?.with_page(renamed)
}

/// The build, with an element at the end of its body.
fn with(build: &Build, element: &str) -> Result<Build> {
    build.with_page(|page| page.replace("</body>", &format!("{element}</body>")))
}

/// Runs a script as one of the page's own: what WebDriver runs in Firefox changes nothing that those see.
async fn inside(page: &Page, script: &str) -> Result<()> {
    let script = serde_json::Value::from(script);
    let run = format!(
        "const element = document.createElement('script');
        element.textContent = {script};
        document.head.append(element);"
    );
    page.eval(&run).await.map(drop)
}

/// Two frames later everything that an event set off has been drawn.
async fn drawn(page: &Page) -> Result<()> {
    page.eval(
        "return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))",
    )
    .await
    .map(drop)
}

/// Waits until the page has been told by an event.
async fn told(page: &Page) -> Result<()> {
    until("the event", async || {
        Ok((!page.updates().await?.is_empty()).then_some(()))
    })
    .await
}
