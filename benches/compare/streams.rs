//! Opens thousands of event streams, and measures when each of them receives a deploy.
//!
//! Run by `benches/compare/run`. Reads one command per line from standard input, and writes one line for each:
//!
//! - `open N`: opens streams until there are N, all past their greeting. Output: `open N`
//! - `deploy TARGET LINK`: makes LINK a symbolic link to TARGET by one rename, and waits until every stream has
//!   received the same new release. Output: `deploy FIRST MEDIAN LAST`, milliseconds since the rename
//!
//! One thread on its own core does all this: reading an event is cheaper than sending it, so the server is what limits
//! the times.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tokio::task::spawn_local;
use tokio::time::timeout;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(server) = std::env::args().nth(1).and_then(|arg| arg.parse().ok()) else {
        return Err("streams ADDRESS:PORT, see benches/compare/run".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, run_commands(server))
}

async fn run_commands(server: SocketAddr) -> Result<(), Box<dyn Error>> {
    let streams = Rc::new(Streams::default());
    let mut commands = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(command) = commands.next_line().await? {
        let words: Vec<&str> = command.split_whitespace().collect();
        let answer = match words[..] {
            ["open", count] => {
                streams.open(server, count.parse()?).await?;
                format!("open {count}")
            }
            ["deploy", target, link] => {
                let [first, median, last] = streams.deploy(target, link).await?;
                format!("deploy {first:.2} {median:.2} {last:.2}")
            }
            _ => return Err(format!("no command: {command:?}").into()),
        };
        writeln!(io::stdout(), "{answer}")?;
    }
    Ok(())
}

/// All streams, and the events they have received since the last deploy.
#[derive(Default)]
struct Streams {
    received: RefCell<Received>,
    changed: Notify,
}

#[derive(Default)]
struct Received {
    /// Streams past their greeting.
    open: usize,
    /// When each stream received the release.
    times: Vec<Instant>,
    /// The event that they received.
    event: Vec<u8>,
    failure: Option<String>,
}

impl Streams {
    async fn open(self: &Rc<Self>, server: SocketAddr, count: usize) -> Result<(), Box<dyn Error>> {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let open = self.received.borrow().open;
        for number in open..count {
            let permit = Arc::clone(&permits).acquire_owned().await?;
            let streams = Rc::clone(self);
            spawn_local(async move {
                let Err(error) = streams.run(server, number, permit).await;
                streams.update(|received| {
                    received.failure = Some(format!("stream {number}: {error}"))
                });
            });
        }
        self.wait(|received| received.open >= count).await
    }

    async fn deploy(&self, target: &str, link: &str) -> Result<[f64; 3], Box<dyn Error>> {
        let next = format!("{link}.next");
        std::os::unix::fs::symlink(target, &next)?;
        self.update(|received| received.times.clear());
        let start = Instant::now();
        std::fs::rename(&next, link)?;
        self.wait(|received| received.times.len() >= received.open)
            .await?;
        let received = self.received.borrow();
        // The times are in order of reception.
        let times = [0, received.times.len() / 2, received.times.len() - 1];
        Ok(times.map(|at| (received.times[at] - start).as_secs_f64() * 1000.0))
    }

    /// One stream, until it fails.
    async fn run(
        &self,
        server: SocketAddr,
        number: usize,
        permit: OwnedSemaphorePermit,
    ) -> io::Result<std::convert::Infallible> {
        let stream = connect(server, number).await?;
        let mut greeting = Vec::new();
        while !greeting.ends_with(END_OF_EVENT) {
            read(&stream, |bytes| greeting.extend_from_slice(bytes)).await?;
        }
        if !greeting.starts_with(b"HTTP/1.1 200 OK\r\n") {
            return Err(io::Error::other(String::from_utf8_lossy(&greeting)));
        }
        drop((greeting, permit));
        self.update(|received| received.open += 1);
        loop {
            read(&stream, |bytes| {
                let now = Instant::now();
                if !is_heartbeat(bytes) {
                    self.update(|received| received.add(now, bytes));
                }
            })
            .await?;
        }
    }

    fn update(&self, change: impl FnOnce(&mut Received)) {
        change(&mut self.received.borrow_mut());
        self.changed.notify_one();
    }

    async fn wait(&self, until: impl Fn(&Received) -> bool) -> Result<(), Box<dyn Error>> {
        let waiting = async {
            loop {
                if let Some(failure) = self.received.borrow_mut().failure.take() {
                    return Err(failure.into());
                }
                if until(&self.received.borrow()) {
                    return Ok(());
                }
                self.changed.notified().await;
            }
        };
        timeout(TIMEOUT, waiting).await?
    }
}

impl Received {
    fn add(&mut self, now: Instant, bytes: &[u8]) {
        if self.times.is_empty() {
            self.event = bytes.to_vec();
        }
        // An event is one small packet, the same for all streams.
        if self.event == bytes && bytes.ends_with(END_OF_EVENT) {
            self.times.push(now);
        } else {
            let bytes = String::from_utf8_lossy(bytes);
            self.failure = Some(format!("not what the first stream received: {bytes}"));
        }
    }
}

/// Sends the request of a browser, from one of several loopback addresses: each has a limited number of ports.
async fn connect(server: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let last = u8::try_from(2 + number / STREAMS_AN_ADDRESS).map_err(io::Error::other)?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into())?;
    let mut stream = socket.connect(server).await?;
    let request = format!("GET /__tidings/events HTTP/1.1\r\nHost: {server}\r\n{FIELDS}\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

async fn read(stream: &TcpStream, take: impl FnOnce(&[u8])) -> io::Result<()> {
    loop {
        stream.readable().await?;
        // Not across an await, so that waiting streams do not hold a buffer.
        let mut buffer = [0; 4096];
        match stream.try_read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => return Ok(take(&buffer[..read])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_heartbeat(bytes: &[u8]) -> bool {
    bytes.starts_with(b"3\r\n:\n\n\r\n")
}

// An event ends with a blank line, and its chunk with a line end.
const END_OF_EVENT: &[u8] = b"\n\n\r\n";

const FIELDS: &str = "Accept: text/event-stream\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cache-Control: no-cache\r\n\
    Connection: keep-alive\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
    Safari/537.36\r\n";

// Less than the listen backlog.
const AT_ONCE: usize = 256;

// A fifth of the ephemeral ports of Linux.
const STREAMS_AN_ADDRESS: usize = 5000;

const TIMEOUT: Duration = Duration::from_secs(60);
