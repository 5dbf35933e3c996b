//! Bodies of any size are forwarded in bounded memory.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use anyhow::Result;
use anyhow::ensure;
use bytes::Bytes;
use http::Method;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use serde_json::json;
use tidings_e2e::App;
use tidings_e2e::Server;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::http_client::FullResponse;
use crate::http_client::HttpClient;
use crate::http_client::NAVIGATION;
use crate::http_client::Stream;
use crate::script_tag::first_page;
use crate::script_tag::split_script_tag;

#[tokio::test]
async fn large_downloads_and_uploads_have_bounded_memory() -> Result<()> {
    let setup = Setup::start().await?;
    for (framing, size) in [("counted", LARGEST), ("chunked", LARGE)] {
        let mut body = setup.open(&format!("/{framing}?bytes={size}"), &[]).await?;
        let mut come = Blocks::new();
        while let Some(bytes) = body.bytes().await? {
            ensure!(come.take(&bytes), "{framing}: wrong after {}", come.at);
        }
        ensure!(come.at == size, "{framing}: {} bytes", come.at);
        setup.is_small(framing)?;
    }
    for (framing, size) in [(Framing::Counted, LARGE), (Framing::Chunked, LARGEST)] {
        let url = setup.server.url("/upload");
        let upload = Upload {
            blocks: Blocks::new(),
            framing,
            size,
        };
        let client = &setup.client;
        let sent = client.send(Method::POST, &url, &[], upload).await?;
        let sent = FullResponse::read(sent).await?.json()?;
        ensure!(
            sent == json!({ "bytes": size, "right": true }),
            "{framing:?}: {sent}"
        );
        setup.is_small("an upload")?;
    }
    Ok(())
}

#[tokio::test]
async fn page_of_100_mb_has_bounded_memory() -> Result<()> {
    const PAGE: usize = 100_000_000;
    let setup = Setup::start().await?;
    let mut theirs = setup
        .client
        .stream(&setup.app.url(&format!("/page?bytes={PAGE}")), NAVIGATION)
        .await?;
    let mut ours = setup
        .open(&format!("/page?bytes={PAGE}"), NAVIGATION)
        .await?;
    // The script is in the head; the rest is compared as it arrives.
    let mut head = Vec::new();
    while !head.windows(7).any(|end| end == b"</head>") {
        head.extend(ours.bytes().await?.unwrap_or_default());
    }
    let (_, head) = split_script_tag(str::from_utf8(&head)?)?;
    let mut ahead = Bytes::from(head);
    let mut count = 0;
    while let Some(expected) = theirs.bytes().await? {
        let mut expected = &expected[..];
        while !expected.is_empty() {
            if ahead.is_empty() {
                ahead = ours.bytes().await?.unwrap_or_default();
                ensure!(!ahead.is_empty(), "it ends after {count} bytes");
            }
            let length = ahead.len().min(expected.len());
            ensure!(ahead[..length] == expected[..length], "wrong after {count}");
            ahead = ahead.slice(length..);
            expected = &expected[length..];
            count += length;
        }
    }
    ensure!(
        ahead.is_empty() && ours.bytes().await?.is_none(),
        "more than it was"
    );
    ensure!(count > PAGE, "{count} bytes");
    setup.is_small("a long page")
}

#[tokio::test]
async fn decompression_bombs_have_bounded_memory() -> Result<()> {
    let setup = Setup::start().await?;
    let mut open = Vec::new();
    for (coding, depth) in DEPTHS {
        let fields = [NAVIGATION, &[("accept-encoding", coding)]].concat();
        // One is read partly, the other not at all.
        let mut slow = setup.open("/bomb", &fields).await?;
        let mut read = 0;
        while read < depth {
            let Some(bytes) = slow.bytes().await? else {
                break;
            };
            read += bytes.len();
            setup.is_small(coding)?;
        }
        open.push(slow);
        open.push(setup.open("/bomb", &fields).await?);
    }
    // Even if the clients do not read for a while.
    let end = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < end {
        setup.is_small("bombs that nobody reads")?;
        sleep(Duration::from_millis(50)).await;
    }
    first_page(&setup.server).await.map(drop)
}

/// The app, the proxy in front of it, and the proxy's memory when idle.
struct Setup {
    app: App,
    server: Server,
    client: HttpClient,
    idle: u64,
}

impl Setup {
    async fn start() -> Result<Self> {
        let app = App::bulk().await?;
        let server = Server::proxy(&[&app.url("")], &[])?;
        let client = HttpClient::new();
        first_page(&server).await?;
        let idle = server.memory()?;
        Ok(Self {
            app,
            server,
            client,
            idle,
        })
    }

    async fn open(&self, path: &str, fields: &[(&str, &str)]) -> Result<Stream> {
        self.client.stream(&self.server.url(path), fields).await
    }

    fn is_small(&self, what: &str) -> Result<()> {
        let more = self.server.peak_memory()?.saturating_sub(self.idle) >> 20;
        ensure!(more < MOST, "{what}: {more} MiB more than without");
        Ok(())
    }
}

/// The blocks of a body, as in `bulk.mjs`.
struct Blocks {
    block: Vec<u8>,
    at: usize,
}

impl Blocks {
    fn new() -> Self {
        let byte = |at: usize| u8::try_from((at * 31 + (at >> 8) * 17) & 255).unwrap_or(0);
        Self {
            block: (0..BLOCK).map(byte).collect(),
            at: 0,
        }
    }

    /// The next bytes, up to the end of the block.
    fn next(&mut self) -> &[u8] {
        let number = u32::try_from(self.at / BLOCK).unwrap_or(u32::MAX);
        self.block[..4].copy_from_slice(&number.to_le_bytes());
        &self.block[self.at % BLOCK..]
    }

    /// True if these bytes come next; then they are consumed.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let next = self.next();
            let length = next.len().min(bytes.len());
            if next[..length] != bytes[..length] {
                return false;
            }
            self.at += length;
            bytes = &bytes[length..];
        }
        true
    }
}

/// A body of blocks.
struct Upload {
    blocks: Blocks,
    framing: Framing,
    size: usize,
}

/// The framing of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Counted,
    Chunked,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        if self.blocks.at >= self.size {
            return Poll::Ready(None);
        }
        let block = Bytes::copy_from_slice(self.blocks.next());
        self.blocks.at += block.len();
        Poll::Ready(Some(Ok(Frame::data(block))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Counted => SizeHint::with_exact((self.size - self.blocks.at) as u64),
            Framing::Chunked => SizeHint::default(),
        }
    }
}

// Far more than the allowed memory. Multiples of the block size.
const LARGE: usize = 256 << 20;
const LARGEST: usize = 1 << 30;

const BLOCK: usize = 65536;

// MiB. The proxy needs less than ten.
const MOST: u64 = 40;

// Bytes of a bomb that are read: 64 MB when decoded, far more than all buffers on the way. In Brotli those would be so
// few bytes that they are not flushed before the end.
const DEPTHS: [(&str, usize); 3] = [("identity", 64 << 20), ("gzip", 64 << 10), ("br", 0)];
