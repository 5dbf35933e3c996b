//! `tidings proxy` in front of Vite's development server, which replaces modules through a WebSocket.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Engine;
use tidings_e2e::Page;
use tidings_e2e::Server;
use tidings_e2e::Vite;
use tidings_e2e::in_one_engine;
use tidings_e2e::wait_until;

use crate::script_tag::first_page;

in_one_engine!(vite_dev_server_hot_module_replacement_works);

async fn vite_dev_server_hot_module_replacement_works(engine: Engine) -> Result<()> {
    let vite = Vite::start(LISTEN).await?;
    let server = Server::proxy(&[&vite.url("")], &[])?;
    first_page(&server).await?;
    let page = Page::open(engine).await?;
    page.goto(&server.url("/")).await?;
    page.wait_for_text("#version", "Version 1").await?;
    ensure!(page.eval("return tidings.state").await? == "current");
    let loads = page.loads().await?;
    wait_for_console(&page, "[vite] connected.").await?;

    vite.edit("src/App.vue", ">About<", ">About us<")?;
    page.wait_for_text("#to-about", "About us").await?;
    ensure!(page.loads().await? == loads, "it was loaded anew");

    // Not a component: the page has to be reloaded.
    vite.edit(
        "src/main.js",
        ".mount('#app')",
        ".mount('#app')\ndocument.title = 'Edited'",
    )?;
    wait_until("the page to be loaded again", async || {
        ensure!(page.loads().await? > loads, "it was not");
        ensure!(page.eval("return document.title").await? == "Edited");
        Ok(Some(()))
    })
    .await?;
    page.wait_for_text("#to-about", "About us").await?;
    wait_for_console(&page, "[vite] connected.").await?;

    // If the WebSocket fails, Vite's client logs it and connects to Vite directly.
    let lines = page
        .eval("return consoleLines.filter((line) => !line.startsWith('debug'))")
        .await?;
    ensure!(lines == serde_json::json!([]), "{lines}");
    let errors = page.errors().await?;
    ensure!(errors.is_empty(), "{errors:?}");
    page.close().await
}

/// Waits until the page has written something to its console.
async fn wait_for_console(page: &Page, what: &str) -> Result<()> {
    wait_until(what, async || {
        let lines = page.eval("return consoleLines").await?;
        ensure!(lines.to_string().contains(what), "the console has {lines}");
        Ok(Some(()))
    })
    .await
}

// Records the console output of the page.
const LISTEN: &str = "<script>
    window.consoleLines = [];
    for (const level of ['debug', 'info', 'log', 'warn', 'error']) {
        const original = console[level];
        console[level] = (...words) => {
            consoleLines.push(`${level} ${words.join(' ')}`);
            original.apply(console, words);
        };
    }
</script>";
