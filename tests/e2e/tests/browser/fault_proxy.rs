//! The fault proxy itself, without a browser.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::DeployMethod;
use tidings_e2e::FaultProxy;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::Streams;
use tidings_e2e::wait_until;

#[tokio::test]
async fn upstreams_without_sticky_cookie_alternate() -> Result<()> {
    let (one, two) = (serve("one")?, serve("two")?);
    let proxy = FaultProxy::start(&[&one.1, &two.1])?;
    ready(&proxy).await?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(get(&proxy, "/name.txt", "")?.ends_with("one"));
    }
    ensure!(seen[0] != seen[1] && seen[..2] == seen[2..], "{seen:?}");

    proxy.set_sticky(true);
    for _ in 0..3 {
        let answer = get(&proxy, "/name.txt", "Cookie: upstream=1\r\n")?;
        ensure!(answer.ends_with("two"), "{answer}");
    }
    ensure!(get(&proxy, "/name.txt", "")?.contains("set-cookie: upstream="));

    proxy.set_upstreams(&[&one.1]);
    ensure!(get(&proxy, "/name.txt", "Cookie: upstream=1\r\n")?.ends_with("one"));
    ensure!(proxy.request_count("/name.txt") >= 9);
    proxy.set_upstreams(&[]);
    ensure!(get(&proxy, "/name.txt", "")?.starts_with("HTTP/1.1 502"));
    Ok(())
}

#[tokio::test]
async fn pages_under_rules_get_headers_cache_or_404() -> Result<()> {
    let (site, server) = serve("one")?;
    let proxy = FaultProxy::start(&[&server])?;
    ready(&proxy).await?;
    proxy.set_page_header("X-Frame-Options", "DENY")?;
    ensure!(get(&proxy, "/", PAGE)?.contains("x-frame-options: DENY"));
    ensure!(!get(&proxy, "/name.txt", "")?.contains("x-frame-options"));

    proxy.set_missing(&["/name.txt", "/assets/*"]);
    for path in ["/name.txt", "/assets/any.js"] {
        ensure!(get(&proxy, path, "")?.starts_with("HTTP/1.1 404"), "{path}");
    }
    proxy.set_missing(&[]);
    ensure!(get(&proxy, "/name.txt", "")?.starts_with("HTTP/1.1 200"));

    proxy.cache_pages(true);
    let first = get(&proxy, "/", PAGE)?;
    site.deploy(&Build::v2()?)?;
    let mut asked = 0;
    let new = wait_until("the new page", async || {
        // Each poll requests another URL.
        asked += 1;
        let page = get(&proxy, &format!("/?{asked}"), PAGE)?;
        Ok((body(&page)? != body(&first)?).then_some(page))
    })
    .await?;
    ensure!(
        body(&get(&proxy, "/", PAGE)?)? == body(&first)?,
        "not stored"
    );
    proxy.purge();
    ensure!(body(&get(&proxy, "/", PAGE)?)? == body(&new)?, "not purged");
    Ok(())
}

#[tokio::test]
async fn event_streams_held_are_counted_and_pass_nothing() -> Result<()> {
    let (_site, server) = serve("one")?;
    let proxy = FaultProxy::start(&[&server])?;
    ready(&proxy).await?;
    proxy.hold_events(true);
    let mut stream = ask(&proxy, EVENTS, "")?;
    let head = read_until(&mut stream, "\r\n\r\n")?;
    ensure!(head.contains("text/event-stream"), "{head}");
    ensure!(proxy.streams() == Streams { open: 1, total: 1 });
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    ensure!(stream.read(&mut [0]).is_err(), "a byte has passed");

    proxy.hold_events(false);
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    read_until(&mut stream, "event: release")?;
    drop(stream);
    wait_until("the stream to be gone", async || {
        Ok((proxy.streams() == Streams { open: 0, total: 1 }).then_some(()))
    })
    .await
}

#[tokio::test]
async fn disconnected_proxy_refuses_until_reconnected() -> Result<()> {
    let (_site, server) = serve("one")?;
    let proxy = FaultProxy::start(&[&server])?;
    ready(&proxy).await?;
    let mut stream = ask(&proxy, EVENTS, "")?;
    read_until(&mut stream, "\r\n\r\n")?;
    proxy.disconnect()?;
    let _ = stream.read_to_end(&mut Vec::new());
    ensure!(proxy.streams().open == 0);
    ensure!(get(&proxy, "/", PAGE).is_err(), "it still listens");
    proxy.reconnect()?;
    ensure!(get(&proxy, "/", PAGE)?.starts_with("HTTP/1.1 200"));
    Ok(())
}

/// A site with a file that contains its name.
fn serve(name: &str) -> Result<(Site, Server)> {
    let site = Site::new(
        DeployMethod::LinkRename,
        &Build::v1()?.with_file("name.txt", name)?,
    )?;
    let server = Server::start(&site.dir())?;
    Ok((site, server))
}

/// Waits until both servers have published; they answer 503 before that.
async fn ready(proxy: &FaultProxy) -> Result<()> {
    wait_until("the first releases", async || {
        let answers = [get(proxy, "/", PAGE)?, get(proxy, "/", PAGE)?];
        let ready = answers.iter().all(|one| one.starts_with("HTTP/1.1 200"));
        Ok(ready.then_some(()))
    })
    .await
}

fn get(proxy: &FaultProxy, path: &str, headers: &str) -> Result<String> {
    let headers = format!("{headers}Connection: close\r\n");
    let mut answer = String::new();
    ask(proxy, path, &headers)?.read_to_string(&mut answer)?;
    Ok(answer)
}

fn ask(proxy: &FaultProxy, path: &str, headers: &str) -> Result<TcpStream> {
    let url = proxy.url("");
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")?;
    Ok(stream)
}

fn read_until(stream: &mut TcpStream, end: &str) -> Result<String> {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).context("the answer ends")?;
        text.extend(byte);
    }
    Ok(String::from_utf8(text)?)
}

fn body(answer: &str) -> Result<&str> {
    let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    Ok(body)
}

const PAGE: &str = "Accept: text/html\r\n";
const EVENTS: &str = "/__tidings/events";
