//! What a person with an open tab sees when a site is deployed.

use anyhow::Result;
use tidings_e2e::Build;
use tidings_e2e::Page;
use tidings_e2e::until;

mod api;
mod forms;
mod front;
mod harness;
mod looks;
mod manners;
mod news;
mod notice;
mod pages;
mod pictures;
mod policies;
mod unwilling;
mod ways;

/// What the notice says.
const NEWS: &str = "A new version is available";

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
