//! `tidings announce` as the last step of a CI job.

use std::fs;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tempfile::TempDir;
use tidings_e2e::App;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::program;

use crate::http_client::HttpClient;
use crate::script_tag::first_page;
use crate::script_tag::release;

#[tokio::test]
async fn announced_deploy_is_published_at_once() -> Result<()> {
    let dir = TempDir::new()?;
    let secret = dir.path().join("secret");
    fs::write(&secret, "correct horse battery staple, 32 bytes")?;
    let secret = secret.display().to_string();
    let site = Site::new(DeployMethod::LinkRename, &Build::v1()?)?;
    let app = App::site(&site.dir()).await?;
    let args = ["--poll-interval", "1h", "--webhook-secret-file", &secret];
    let server = Server::proxy(&[&app.url("")], &args)?;
    let client = HttpClient::new();
    let page = first_page(&server).await?;
    let mut events = client.stream(&server.url("/__tidings/events"), &[]).await?;
    ensure!(events.release().await? == release(page.text()?)?);

    site.deploy(&Build::v2()?)?;
    let mut announce = Command::new(program()?);
    announce.args(["announce", &server.url(""), "--secret-file", &secret]);
    let output = announce.args(["--label", "2.0"]).output()?;
    ensure!(output.status.success(), "{output:?}");
    // Long before the next poll, which is an hour away.
    let second = events.release().await.with_context(|| server.log())?;
    let page = client.navigate(&server.url("/")).await?;
    ensure!(second == release(page.text()?)?, "{page:?}");
    Ok(())
}
