//! The front by itself, without a browser.

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use tidings_e2e::Build;
use tidings_e2e::Front;
use tidings_e2e::Server;
use tidings_e2e::Site;
use tidings_e2e::Streams;
use tidings_e2e::Way;
use tidings_e2e::until;

#[tokio::test]
async fn servers_take_turns_unless_a_browser_sticks_to_one() -> Result<()> {
    let (one, two) = (serve("one")?, serve("two")?);
    let front = Front::start(&[&one.1, &two.1])?;
    ready(&front).await?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(get(&front, "/name.txt", "")?.ends_with("one"));
    }
    ensure!(seen[0] != seen[1] && seen[..2] == seen[2..], "{seen:?}");

    front.sticky(true);
    for _ in 0..3 {
        let answer = get(&front, "/name.txt", "Cookie: upstream=1\r\n")?;
        ensure!(answer.ends_with("two"), "{answer}");
    }
    ensure!(get(&front, "/name.txt", "")?.contains("set-cookie: upstream="));

    front.upstreams(&[&one.1]);
    ensure!(get(&front, "/name.txt", "Cookie: upstream=1\r\n")?.ends_with("one"));
    ensure!(front.requests("/name.txt") >= 9);
    front.upstreams(&[]);
    ensure!(get(&front, "/name.txt", "")?.starts_with("HTTP/1.1 502"));
    Ok(())
}

#[tokio::test]
async fn pages_are_dressed_cached_and_missed() -> Result<()> {
    let (site, server) = serve("one")?;
    let front = Front::start(&[&server])?;
    ready(&front).await?;
    front.page_header("X-Frame-Options", "DENY")?;
    ensure!(get(&front, "/", PAGE)?.contains("x-frame-options: DENY"));
    ensure!(!get(&front, "/name.txt", "")?.contains("x-frame-options"));

    front.missing(&["/name.txt", "/assets/*"]);
    for path in ["/name.txt", "/assets/any.js"] {
        ensure!(get(&front, path, "")?.starts_with("HTTP/1.1 404"), "{path}");
    }
    front.missing(&[]);
    ensure!(get(&front, "/name.txt", "")?.starts_with("HTTP/1.1 200"));

    front.cache_pages(true);
    let first = get(&front, "/", PAGE)?;
    site.deploy(&Build::two()?)?;
    let mut asked = 0;
    let new = until("the new page", async || {
        // No two looks ask for the same URL.
        asked += 1;
        let page = get(&front, &format!("/?{asked}"), PAGE)?;
        Ok((body(&page)? != body(&first)?).then_some(page))
    })
    .await?;
    ensure!(
        body(&get(&front, "/", PAGE)?)? == body(&first)?,
        "not stored"
    );
    front.purge();
    ensure!(body(&get(&front, "/", PAGE)?)? == body(&new)?, "not purged");
    Ok(())
}

#[tokio::test]
async fn events_are_counted_and_held_back() -> Result<()> {
    let (_site, server) = serve("one")?;
    let front = Front::start(&[&server])?;
    ready(&front).await?;
    front.hold_events(true);
    let mut stream = ask(&front, EVENTS, "")?;
    let head = read_until(&mut stream, "\r\n\r\n")?;
    ensure!(head.contains("text/event-stream"), "{head}");
    ensure!(front.streams() == Streams { open: 1, ever: 1 });
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    ensure!(stream.read(&mut [0]).is_err(), "a byte has passed");

    front.hold_events(false);
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    read_until(&mut stream, "event: release")?;
    drop(stream);
    until("the stream to be gone", async || {
        Ok((front.streams() == Streams { open: 0, ever: 1 }).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_front_goes_away_and_comes_back() -> Result<()> {
    let (_site, server) = serve("one")?;
    let front = Front::start(&[&server])?;
    ready(&front).await?;
    let mut stream = ask(&front, EVENTS, "")?;
    read_until(&mut stream, "\r\n\r\n")?;
    front.go_away()?;
    let _ = stream.read_to_end(&mut Vec::new());
    ensure!(front.streams().open == 0);
    ensure!(get(&front, "/", PAGE).is_err(), "it still listens");
    front.come_back()?;
    ensure!(get(&front, "/", PAGE)?.starts_with("HTTP/1.1 200"));
    Ok(())
}

/// A site of its own, with a file that says which one it is.
fn serve(name: &str) -> Result<(Site, Server)> {
    let site = Site::new(Way::LinkRename, &Build::one()?.with_file("name.txt", name)?)?;
    let server = Server::start(&site.dir())?;
    Ok((site, server))
}

/// Until every server has published: one answers 503 before that.
async fn ready(front: &Front) -> Result<()> {
    until("the first releases", async || {
        let answers = [get(front, "/", PAGE)?, get(front, "/", PAGE)?];
        let ready = answers.iter().all(|one| one.starts_with("HTTP/1.1 200"));
        Ok(ready.then_some(()))
    })
    .await
}

fn get(front: &Front, path: &str, headers: &str) -> Result<String> {
    let headers = format!("{headers}Connection: close\r\n");
    let mut answer = String::new();
    ask(front, path, &headers)?.read_to_string(&mut answer)?;
    Ok(answer)
}

fn ask(front: &Front, path: &str, headers: &str) -> Result<TcpStream> {
    let url = front.url("");
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
