//! What the visitor of an open tab sees when the site is deployed.

mod api;
mod appearance;
mod broken_apis;
mod chunks;
mod csp;
mod deploy_methods;
mod event_streams;
mod fault_proxy;
mod harness;
mod middleware;
mod notice;
mod notice_conditions;
mod notice_styles;
mod outage;
mod policies;
mod release_detection;
mod replicas;
mod screenshots;
mod service_workers;
mod snooze;

use anyhow::Result;
use tidings_e2e::Build;
use tidings_e2e::FaultProxy;
use tidings_e2e::Page;
use tidings_e2e::wait_until;

/// The text of the notice.
const UPDATE_TEXT: &str = "A new version is available";

/// Waits until so many event streams are open through a proxy.
async fn wait_for_streams(proxy: &FaultProxy, open: usize) -> Result<()> {
    wait_until(&format!("{open} open streams"), async || {
        let streams = proxy.streams();
        anyhow::ensure!(streams.open == open, "{streams:?}");
        Ok(Some(()))
    })
    .await
}

/// Waits until the tab knows of another release than its own, whether it shows a notice or not.
async fn wait_for_other_release(page: &Page) -> Result<()> {
    wait_until("the tab to know of the release", async || {
        let state = page.eval("return tidings.state").await?;
        anyhow::ensure!(state != "current", "it is {state}");
        Ok(Some(()))
    })
    .await
}

/// Waits until the server's current release is not the page's, without the page's client learning of it.
async fn wait_for_publish(page: &Page) -> Result<()> {
    wait_until("the deploy to be published", async || {
        let script = "return fetch('/__tidings/release.json', { cache: 'no-store' })
            .then((response) => response.json())
            .then((release) => release.id !== tidings.release.id)";
        Ok((page.eval(script).await? == true).then_some(()))
    })
    .await
}

/// A third build: version 2 with another page.
fn third_build() -> Result<Build> {
    let renamed = |page: &str| page.replace("Harbour log", "Harbour log, third edition");
    Build::v2()?.with_page(renamed)
}

/// The build, with an element at the end of its body.
fn with_element(build: &Build, element: &str) -> Result<Build> {
    build.with_page(|page| page.replace("</body>", &format!("{element}</body>")))
}

/// Runs a script as an inline script of the page: in Firefox, scripts of WebDriver run in another global.
async fn run_inline_script(page: &Page, script: &str) -> Result<()> {
    let script = serde_json::Value::from(script);
    let run = format!(
        "const element = document.createElement('script');
        element.textContent = {script};
        document.head.append(element);"
    );
    page.eval(&run).await.map(drop)
}

/// Waits for two frames: everything that an event caused has been painted by then.
async fn wait_for_paint(page: &Page) -> Result<()> {
    page.eval(
        "return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))",
    )
    .await
    .map(drop)
}

/// Waits until the page has got an update event.
async fn wait_for_update_event(page: &Page) -> Result<()> {
    wait_until("the event", async || {
        Ok((!page.updates().await?.is_empty()).then_some(()))
    })
    .await
}
