//! `tidings proxy` in front of a site that nginx serves.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::Nginx;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::wait_until;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::http_client::FullResponse;
use crate::http_client::HttpClient;
use crate::http_client::NAVIGATION;
use crate::script_tag::first_page;
use crate::script_tag::split_script_tag;

#[tokio::test]
async fn nginx_pages_get_script_and_files_are_unchanged() -> Result<()> {
    let setup = Setup::new("gzip on; gzip_types application/javascript;").await?;
    let (client, assets) = (HttpClient::new(), setup.assets()?);
    let page = first_page(&setup.server).await?;
    let (_, was) = split_script_tag(page.text()?)?;
    ensure!(was.as_bytes() == setup.file("index.html")?, "{was}");
    ensure!(page.field("etag").contains("-tidings-"), "{page:?}");
    ensure!(page.field("last-modified").is_empty(), "{page:?}");

    for path in assets.iter().map(String::as_str).chain(["/favicon.svg"]) {
        let (ours, theirs) = setup
            .fetch_both(&client, path, &[("accept-encoding", "gzip")])
            .await?;
        // By default nginx does not compress for proxies.
        ensure!(ours.field("content-encoding").is_empty(), "{path}");
        same(path, &ours, &theirs, &UNTOUCHED)?;
        ensure!(ours.body == setup.file(path)?, "{path}: other bytes");

        let fields = [("range", "bytes=10-29"), ("if-range", &*ours.field("etag"))];
        let part = client.get(&setup.server.url(path), &fields).await?;
        ensure!(
            part.status == StatusCode::PARTIAL_CONTENT,
            "{path}: {part:?}"
        );
        ensure!(part.body == ours.body[10..30], "{path}: another part");
        ensure!(part.field("etag") == ours.field("etag"), "{path}: {part:?}");

        let known = [("if-none-match", &*ours.field("etag"))];
        let revisit = client.get(&setup.server.url(path), &known).await?;
        ensure!(
            revisit.status == StatusCode::NOT_MODIFIED,
            "{path}: {revisit:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn nginx_compressed_files_are_unchanged() -> Result<()> {
    let types = "gzip on; gzip_types application/javascript image/svg+xml; gzip_proxied any;";
    let setup = Setup::new(&format!("{types} gzip_min_length 1; gzip_static on;")).await?;
    let (client, assets) = (HttpClient::new(), setup.assets()?);
    let script = assets.iter().find(|path| path.ends_with(".js"));
    let script = script.context("no script")?;
    // Precompressed by the build.
    let made = compressed(&setup.file(script)?)?;
    fs::write(setup.root.join(format!("{}.gz", &script[1..])), &made)?;

    for path in [script, "/favicon.svg"] {
        let (ours, theirs) = setup
            .fetch_both(&client, path, &[("accept-encoding", "gzip")])
            .await?;
        ensure!(ours.field("content-encoding") == "gzip", "{path}: {ours:?}");
        same(path, &ours, &theirs, &UNTOUCHED)?;
        ensure!(inflated(&ours.body)? == setup.file(path)?, "{path}");
        let (plain, theirs) = setup.fetch_both(&client, path, &[]).await?;
        ensure!(plain.field("content-encoding").is_empty(), "{plain:?}");
        same(path, &plain, &theirs, &UNTOUCHED)?;
    }
    let (ours, _) = setup
        .fetch_both(&client, script, &[("accept-encoding", "gzip")])
        .await?;
    ensure!(ours.body == made, "it was compressed once more");

    // Pages are requested with identity, and compressed after the script was inserted, unless they fit into one packet.
    let page = [&setup.file("index.html")?[..], &[b' '; 1024]].concat();
    fs::write(setup.root.join("index.html"), page)?;
    let coded = [NAVIGATION, &[("accept-encoding", "gzip")]].concat();
    first_page(&setup.server).await?;
    let page = client.get(&setup.server.url("/"), &coded).await?;
    ensure!(page.field("content-encoding") == "gzip", "{page:?}");
    ensure!(page.field("vary").contains("accept-encoding"), "{page:?}");
    let inflated = inflated(&page.body)?;
    let (_, was) = split_script_tag(str::from_utf8(&inflated)?)?;
    ensure!(was.as_bytes() == setup.file("index.html")?, "{was}");
    Ok(())
}

#[tokio::test]
async fn nginx_page_if_none_match_returns_304_end_to_end() -> Result<()> {
    let setup = Setup::new("gzip on;").await?;
    let (client, url) = (HttpClient::new(), setup.server.url("/?revisit"));
    first_page(&setup.server).await?;
    for coding in ["identity", "gzip"] {
        let coding = [("accept-encoding", coding)];
        let page = client.get(&url, &[NAVIGATION, &coding].concat()).await?;
        let tag = page.field("etag");
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}")] {
            let known = known.replace("W/W/", "W/");
            let fields = [NAVIGATION, &coding, &[("if-none-match", &known)]].concat();
            let revisit = client.get(&url, &fields).await?;
            ensure!(
                revisit.status == StatusCode::NOT_MODIFIED,
                "{known}: {revisit:?}"
            );
            ensure!(revisit.field("etag") == tag, "{known}: {revisit:?}");
            let last = setup.nginx.requests()?.pop();
            ensure!(last.as_deref() == Some("GET /?revisit 304"), "{last:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn nginx_page_head_has_headers_of_get() -> Result<()> {
    let setup = Setup::new("gzip on;").await?;
    let (client, url) = (HttpClient::new(), setup.server.url("/"));
    first_page(&setup.server).await?;
    for coding in ["identity", "gzip"] {
        let fields = [NAVIGATION, &[("accept-encoding", coding)]].concat();
        let (get, head) = (
            client.get(&url, &fields).await?,
            client.head(&url, &fields).await?,
        );
        ensure!(head.status == StatusCode::OK && head.body.is_empty());
        let names = |answer: &FullResponse| {
            let names = answer.fields.keys().map(|name| name.as_str().to_owned());
            let mut names: Vec<_> = names.filter(|name| name != "transfer-encoding").collect();
            names.sort_unstable();
            names
        };
        ensure!(names(&get) == names(&head), "{get:?}\n{head:?}");
        for name in names(&get).iter().filter(|name| *name != "date") {
            ensure!(get.field(name) == head.field(name), "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn nginx_404_page_is_forwarded_with_script() -> Result<()> {
    let setup = Setup::new("").await?;
    let client = HttpClient::new();
    first_page(&setup.server).await?;
    let ours = client.navigate(&setup.server.url("/nowhere")).await?;
    let theirs = client.navigate(&setup.nginx.url("/nowhere")).await?;
    ensure!(ours.status == StatusCode::NOT_FOUND, "{ours:?}");
    let (_, was) = split_script_tag(ours.text()?)?;
    ensure!(was == theirs.text()?, "{was}");
    ensure!(was.contains("<center>nginx"), "{was}");
    Ok(())
}

#[tokio::test]
async fn nginx_restart_navigation_waits() -> Result<()> {
    let mut setup = Setup::new("").await?;
    let (client, url) = (HttpClient::new(), setup.server.url("/"));
    first_page(&setup.server).await?;
    setup.nginx.stop().await?;
    let navigation = client.navigate(&url);
    let start = async {
        wait_until("the outage to be noticed", async || {
            Ok(setup.server.log().contains("connect failed").then_some(()))
        })
        .await?;
        setup.nginx.start_again().await
    };
    let (page, started) = tokio::join!(navigation, start);
    started?;
    let page = page?;
    ensure!(page.status == StatusCode::OK, "{page:?}");
    split_script_tag(page.text()?).map(drop)
}

#[tokio::test]
async fn nginx_reload_under_load_fails_no_request() -> Result<()> {
    let setup = Setup::new("").await?;
    let paths = [setup.assets()?, vec!["/".to_owned()]].concat();
    let end = Instant::now() + LOAD;
    let load = async || {
        let (client, mut asked) = (HttpClient::new(), 0);
        while Instant::now() < end {
            for path in &paths {
                let answer = client.navigate(&setup.server.url(path)).await?;
                ensure!(answer.status == StatusCode::OK, "{path}: {answer:?}");
                asked += 1;
            }
        }
        Ok(asked)
    };
    let reloads = async {
        let mut reloads = 0;
        while Instant::now() + PAUSE < end {
            setup.nginx.reload()?;
            reloads += 1;
            sleep(PAUSE).await;
        }
        ensure!(reloads > 2, "{reloads} reloads");
        Ok(())
    };
    let (one, two, three, reloaded) = tokio::join!(load(), load(), load(), reloads);
    reloaded?;
    let asked = one? + two? + three?;
    ensure!(asked > 50, "no load: {asked} requests");
    Ok(())
}

/// The test SPA, nginx, and the proxy in front of it.
struct Setup {
    server: Server,
    nginx: Nginx,
    root: PathBuf,
    _site: Site,
}

impl Setup {
    async fn new(directives: &str) -> Result<Self> {
        let site = Site::new(DeployMethod::MoveSwap, &Build::v1()?)?;
        let root = site.dir();
        let nginx = Nginx::start(&format!("root {}; {directives}", root.display())).await?;
        let server = Server::proxy(&[&nginx.url("")], &[])?;
        Ok(Self {
            server,
            nginx,
            root,
            _site: site,
        })
    }

    fn file(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.root.join(path.trim_start_matches('/'));
        fs::read(&file).with_context(|| file.display().to_string())
    }

    /// The paths of the scripts and style sheets.
    fn assets(&self) -> Result<Vec<String>> {
        fs::read_dir(self.root.join("assets"))?
            .map(|entry| Ok(format!("/assets/{}", entry?.file_name().display())))
            .collect()
    }

    /// The response of the proxy, and that of nginx to a proxy.
    async fn fetch_both(
        &self,
        client: &HttpClient,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(FullResponse, FullResponse)> {
        let ours = client.get(&self.server.url(path), fields).await?;
        let fields = [fields, &[("via", "1.1 other")]].concat();
        let theirs = client.get(&self.nginx.url(path), &fields).await?;
        Ok((ours, theirs))
    }
}

fn same(path: &str, ours: &FullResponse, theirs: &FullResponse, fields: &[&str]) -> Result<()> {
    ensure!(ours.status == theirs.status, "{path}: {ours:?}");
    ensure!(ours.body == theirs.body, "{path}: other bytes than nginx's");
    for field in fields {
        let (our, their) = (ours.field(field), theirs.field(field));
        ensure!(our == their, "{path}: {field} is {our:?}, not {their:?}");
    }
    Ok(())
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub(crate) fn inflated(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain)?;
    Ok(plain)
}

// The fields that describe a file.
const UNTOUCHED: [&str; 7] = [
    "etag",
    "last-modified",
    "content-type",
    "content-length",
    "content-encoding",
    "accept-ranges",
    "vary",
];

// Long enough for a few reloads, each of which ends all connections.
const LOAD: Duration = Duration::from_millis(1500);
const PAUSE: Duration = Duration::from_millis(250);
