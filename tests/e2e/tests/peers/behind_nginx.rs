//! `tidings proxy` behind nginx with its defaults, which sends HTTP/1.0, buffers responses, and compresses.

use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::App;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Nginx;
use tidings_e2e::Server;
use tidings_e2e::Site;

use crate::http_client::HttpClient;
use crate::http_client::NAVIGATION;
use crate::nginx::inflated;
use crate::script_tag::first_page;
use crate::script_tag::release;
use crate::script_tag::split_script_tag;

#[tokio::test]
async fn behind_nginx_pages_and_events_arrive_despite_buffering() -> Result<()> {
    let site = Site::new(DeployMethod::LinkRename, &Build::v1()?)?;
    let app = App::site(&site.dir()).await?;
    let server = Server::proxy(&[&app.url("")], &["--poll-interval", "1s"])?;
    let front = Nginx::start(&in_front(&server, "gzip on;")).await?;
    let client = HttpClient::new();
    first_page(&server).await?;
    let page = client.navigate(&front.url("/")).await?;
    let (_, was) = split_script_tag(page.text()?)?;
    ensure!(was == std::fs::read_to_string(site.dir().join("index.html"))?);
    let coded = [NAVIGATION, &[("accept-encoding", "gzip")]].concat();
    let packed = client.get(&front.url("/"), &coded).await?;
    ensure!(packed.field("content-encoding") == "gzip", "{packed:?}");
    let unpacked = inflated(&packed.body)?;
    ensure!(unpacked == page.body, "another page when it is compressed");

    let mut events = client
        .stream(&front.url("/__tidings/events"), &coded)
        .await?;
    ensure!(
        events.fields["content-type"]
            .to_str()?
            .starts_with("text/event-stream")
    );
    let first = events.release().await?;
    ensure!(first == release(page.text()?)?, "{first}: {page:?}");
    site.deploy(&Build::v2()?)?;
    let second = events.release().await?;
    let page = client.navigate(&front.url("/")).await?;
    ensure!(second == release(page.text()?)?, "{second}: {page:?}");
    Ok(())
}

#[tokio::test]
async fn behind_nginx_events_of_the_app_arrive_one_by_one() -> Result<()> {
    let app = App::live().await?;
    let server = Server::proxy(&[&app.url("")], &[])?;
    let front = Nginx::start(&in_front(&server, "")).await?;
    let client = HttpClient::new();
    let mut events = client.stream(&front.url("/events"), &[]).await?;
    ensure!(events.event().await? == "retry: 100");
    for number in 1..=5 {
        client.post(&front.url("/push"), "news").await?;
        ensure!(events.event().await? == format!("id: {number}\ndata: news"));
    }
    Ok(())
}

#[tokio::test]
async fn behind_nginx_trusted_proxy_headers_are_kept() -> Result<()> {
    let app = App::live().await?;
    let tell = "proxy_set_header Host site.example;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https;";
    let client = HttpClient::new();
    let trusting = ["--trusted-proxy", "127.0.0.1"];
    for (args, clients, proto) in [
        (&trusting[..], "203.0.113.9, 127.0.0.1, 127.0.0.1", "https"),
        (&[], "127.0.0.1", "http"),
    ] {
        let server = Server::proxy(&[&app.url("")], args)?;
        let front = Nginx::start(&in_front(&server, tell)).await?;
        let fields = [("x-forwarded-for", "203.0.113.9")];
        let received = client.get(&front.url("/fields"), &fields).await?.json()?;
        ensure!(received["x-forwarded-for"] == clients, "{received}");
        ensure!(received["x-forwarded-proto"] == proto, "{received}");
        ensure!(received["x-forwarded-host"] == "site.example", "{received}");
        ensure!(received["host"] == "site.example", "{received}");
        let via = received["via"].as_str().unwrap_or("");
        ensure!(via.starts_with("1.0 tidings-"), "{received}");
    }
    Ok(())
}

fn in_front(server: &Server, directives: &str) -> String {
    let url = server.url("");
    format!("location / {{ {directives} proxy_pass {url}; }}")
}
