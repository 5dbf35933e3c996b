//! A scripted upstream that reads and writes raw bytes: one thread per connection, which never waits longer than
//! [`DEADLINE`].

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use http::HeaderMap;
use socket2::SockRef;

use crate::support::DEADLINE;
use crate::support::http::field;
use crate::support::http::fields;
use crate::support::http::find;
use crate::support::http::invalid_data;
use crate::support::http::is_timeout;
use crate::support::wait_until;

/// A listener on 127.0.0.1, and the requests it received. Closes all its connections on drop.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    connections: AtomicUsize,
    requests: Mutex<Vec<ReceivedRequest>>,
    open: Mutex<Vec<TcpStream>>,
}

/// One connection, as the upstream sees it.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Counted from 1.
    pub(crate) number: usize,
    stream: TcpStream,
    unread: Vec<u8>,
    shared: Arc<Shared>,
}

/// A request as received.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// The number of its connection.
    pub(crate) connection: usize,
    /// Method, target and version.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Upstream {
    /// Runs `script` on every connection, and closes it afterwards. Errors are ignored: usually the proxy disconnected.
    pub(crate) fn new(
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::with_listener(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// As [`new`](Self::new), on this listener.
    pub(crate) fn with_listener(
        listener: TcpListener,
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &known, &Arc::new(script)));
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// Responds to every request with these bytes.
    pub(crate) fn responding(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |connection| {
            loop {
                connection.request()?;
                connection.send(&answer)?;
            }
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// All requests so far, in the order of reading.
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The only request so far; panics if there were none or several.
    #[track_caller]
    pub(crate) fn only_request(&self) -> ReceivedRequest {
        let mut received = self.requests();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Waits for this many requests.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        wait_until(&format!("{count} requests"), || {
            (self.requests().len() >= count).then_some(())
        });
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes up `accept`.
        _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            _ = accepting.join();
        }
        for stream in self.shared.open.lock().unwrap().drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept<F>(listener: &TcpListener, shared: &Arc<Shared>, script: &Arc<F>)
where
    F: Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(known) = stream.try_clone() else {
            continue;
        };
        shared.open.lock().unwrap().push(known);
        let mut connection = Connection {
            number: shared.connections.fetch_add(1, Ordering::SeqCst) + 1,
            stream,
            unread: Vec::new(),
            shared: Arc::clone(shared),
        };
        let script = Arc::clone(script);
        thread::spawn(move || {
            let set = connection.stream.set_nodelay(true);
            let set = set.and(connection.stream.set_read_timeout(Some(DEADLINE)));
            let set = set.and(connection.stream.set_write_timeout(Some(DEADLINE)));
            if set.is_ok() {
                _ = script(&mut connection);
            }
            // The clone in `open` keeps the socket open.
            _ = connection.stream.shutdown(Shutdown::Both);
        });
    }
}

impl Connection {
    /// The next request with its body; ignores `Expect`.
    pub(crate) fn request(&mut self) -> io::Result<ReceivedRequest> {
        let mut received = self.parse_head()?;
        if received.field("transfer-encoding") == "chunked" {
            while let Some(chunk) = self.chunk(&mut received.trailers)? {
                received.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = received.headers.get("content-length") {
            let length = length
                .to_str()
                .map_err(invalid_data)?
                .parse()
                .map_err(invalid_data)?;
            received.body = self.take(length)?;
        }
        self.record(&received);
        Ok(received)
    }

    /// The head of the next request; its body is left unread.
    pub(crate) fn head(&mut self) -> io::Result<ReceivedRequest> {
        let received = self.parse_head()?;
        self.record(&received);
        Ok(received)
    }

    /// Exactly the next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            self.fill_or_fail()?;
        }
        let rest = self.unread.split_off(count);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    /// The next available bytes; empty at the end of the connection.
    pub(crate) fn read_some(&mut self) -> io::Result<Vec<u8>> {
        if self.unread.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.unread))
    }

    /// True if nothing arrives for `time`, and the connection stays open.
    pub(crate) fn is_silent(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let silent = self.fill().is_err_and(|error| is_timeout(&error));
        self.stream.set_read_timeout(Some(DEADLINE)).unwrap();
        silent && self.unread.is_empty()
    }

    /// All bytes until the proxy closes the connection. A reset is an error.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.unread))
    }

    /// Reads until the connection is closed or reset.
    pub(crate) fn wait_for_end(&mut self) -> io::Result<()> {
        match self.rest() {
            Err(error) if is_timeout(&error) => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Reads the next `count` bytes piece by piece without storing them.
    pub(crate) fn drain(
        &mut self,
        mut count: usize,
        mut visit: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let kept = std::mem::take(&mut self.unread);
        visit(&kept);
        count -= kept.len();
        let mut buffer = vec![0; PIECE];
        while count > 0 {
            let read = self.stream.read(&mut buffer[..PIECE.min(count)])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            visit(&buffer[..read]);
            count -= read;
        }
        Ok(())
    }

    /// Sends until a write blocks for `time`; returns the number of bytes sent.
    pub(crate) fn flood(&mut self, time: Duration) -> usize {
        self.stream.set_write_timeout(Some(time)).unwrap();
        let mut sent = 0;
        while let Ok(written) = self.stream.write(&[b'x'; 16 * 1024]) {
            sent += written;
        }
        sent
    }

    /// Half-closes the connection.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Resets the connection, as the kernel does for a killed process.
    pub(crate) fn reset(&mut self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        // All descriptors must be closed: the clone in `open`, and this one.
        let mut open = self.shared.open.lock().unwrap();
        let own = self.stream.peer_addr()?;
        open.retain(|other| other.peer_addr().is_ok_and(|peer| peer != own));
        drop(open);
        let none = TcpListener::bind("127.0.0.1:0")?;
        self.stream = TcpStream::connect(none.local_addr()?)?;
        Ok(())
    }

    fn record(&self, received: &ReceivedRequest) {
        self.shared.requests.lock().unwrap().push(received.clone());
    }

    fn parse_head(&mut self) -> io::Result<ReceivedRequest> {
        let end = loop {
            match find(&self.unread, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.fill_or_fail()?,
            }
        };
        let text = String::from_utf8(self.take(end)?).map_err(invalid_data)?;
        let mut lines = text.trim_end().split("\r\n");
        Ok(ReceivedRequest {
            connection: self.number,
            line: lines.next().unwrap_or_default().to_owned(),
            headers: fields(lines)?,
            body: Vec::new(),
            trailers: HeaderMap::new(),
        })
    }

    fn chunk(&mut self, trailers: &mut HeaderMap) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(invalid_data)?;
        if size > 0 {
            let chunk = self.take(size)?;
            let end = self.line()?;
            return if end.is_empty() {
                Ok(Some(chunk))
            } else {
                Err(invalid_data(format!("a chunk goes on: {end}")))
            };
        }
        let mut lines = Vec::new();
        loop {
            match self.line()? {
                line if line.is_empty() => break,
                line => lines.push(line),
            }
        }
        *trailers = fields(lines.iter().map(String::as_str))?;
        Ok(None)
    }

    fn line(&mut self) -> io::Result<String> {
        let end = loop {
            match find(&self.unread, b"\r\n") {
                Some(at) => break at + 2,
                None => self.fill_or_fail()?,
            }
        };
        let line = self.take(end)?;
        String::from_utf8(line[..end - 2].to_vec()).map_err(invalid_data)
    }

    fn fill_or_fail(&mut self) -> io::Result<()> {
        match self.fill()? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl ReceivedRequest {
    /// The value of a field; "" without one.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.headers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

// Typical size of one read from a loopback socket.
const PIECE: usize = 256 * 1024;
