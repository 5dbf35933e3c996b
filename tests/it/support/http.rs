//! A small HTTP/1.1 client over a socket. It sends bytes exactly as given, and never waits longer than [`DEADLINE`].

use std::fmt;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

use crate::support::DEADLINE;

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
    end: Instant,
    trailers: HeaderMap,
}

/// A response with its complete body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
}

/// The delimitation of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body, whatever the head contains: a response to HEAD, or a 1xx, 204 or 304.
    None,
    Length(usize),
    Chunked,
    /// Until the end of the connection.
    Close,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

/// Sends a GET on a new connection, with these fields in addition to `Host` and `Connection: close`.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> RawResponse {
    request(address, "GET", path, fields).unwrap()
}

/// Sends a request without a body on a new connection, with these fields in addition to `Host` and
/// `Connection: close`.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
) -> io::Result<RawResponse> {
    let mut client = Client::connect(address)?;
    let fields = [fields, &[("Connection", "close")]].concat();
    client.request(method, path, &fields)
}

impl Client {
    /// Opens a connection. All operations on it must finish within [`DEADLINE`], unless the deadline is
    /// [reset](Self::reset_deadline).
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            end: Instant::now() + DEADLINE,
            trailers: HeaderMap::new(),
        })
    }

    /// Restarts the [`DEADLINE`].
    pub(crate) fn reset_deadline(&mut self) -> &mut Self {
        self.end = Instant::now() + DEADLINE;
        self
    }

    /// Sends a request without a body, and reads the response.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<RawResponse> {
        self.send_request(method, path, fields)?;
        self.response_to(method)
    }

    /// Sends a request without a body.
    pub(crate) fn send_request(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<()> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: tidings.test\r\n");
        for (name, value) in fields {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str("\r\n");
        self.send(request)
    }

    /// Sends these bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Another handle on the same connection, to send from another thread.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            stream: self.stream.try_clone()?,
            unread: Vec::new(),
            end: self.end,
            trailers: HeaderMap::new(),
        })
    }

    /// Half-closes the connection; responses can still arrive.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// The next response, to a request other than HEAD.
    pub(crate) fn response(&mut self) -> io::Result<RawResponse> {
        self.response_to("GET")
    }

    /// The next response, to a request with this method.
    pub(crate) fn response_to(&mut self, method: &str) -> io::Result<RawResponse> {
        let head = self.head()?;
        let framing = head.framing(method)?;
        let body = match framing {
            Framing::None => Vec::new(),
            Framing::Length(length) => self.take(length)?,
            Framing::Chunked => {
                let mut body = Vec::new();
                while let Some(chunk) = self.chunk()? {
                    body.extend_from_slice(&chunk);
                }
                body
            }
            Framing::Close => self.rest()?,
        };
        Ok(RawResponse {
            status: head.status,
            headers: head.headers,
            body,
            framing,
        })
    }

    /// The head of the next response; its body is left unread.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        let end = loop {
            match find(&self.unread, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.fill_or_fail("the head of an answer")?,
            }
        };
        let text = String::from_utf8(self.take(end)?).map_err(invalid_data)?;
        let mut lines = text.trim_end().split("\r\n");
        let mut status = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = status.next().unwrap_or_default().to_owned();
        let status = status
            .next()
            .unwrap_or_default()
            .parse()
            .map_err(invalid_data)?;
        Ok(Head {
            version,
            status,
            headers: fields(lines)?,
        })
    }

    /// The trailers of the last chunked body that was read completely.
    pub(crate) fn trailers(&self) -> &HeaderMap {
        &self.trailers
    }

    /// The next chunk of a chunked body; `None` for the last, empty one.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(invalid_data)?;
        if size == 0 {
            let mut lines = Vec::new();
            loop {
                match self.line()? {
                    line if line.is_empty() => break,
                    line => lines.push(line),
                }
            }
            self.trailers = fields(lines.iter().map(String::as_str))?;
            return Ok(None);
        }
        let chunk = self.take(size)?;
        match self.line()?.as_str() {
            "" => Ok(Some(chunk)),
            more => Err(invalid_data(format!("a chunk goes on: {more}"))),
        }
    }

    /// Exactly the next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            self.fill_or_fail("the rest of an answer")?;
        }
        let rest = self.unread.split_off(count);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    /// Reads the next `count` bytes piece by piece without storing them.
    pub(crate) fn drain(
        &mut self,
        mut count: usize,
        mut visit: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        while count > 0 {
            if self.unread.is_empty() {
                self.fill_or_fail("a body")?;
            }
            let piece = self.unread.len().min(count);
            visit(&self.unread[..piece]);
            self.unread.drain(..piece);
            count -= piece;
        }
        Ok(())
    }

    /// All bytes until the server closes the connection.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.unread))
    }

    /// True if the server closed the connection without sending another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.rest() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// True if nothing arrives for `time`, and the connection stays open.
    pub(crate) fn is_silent(&mut self, time: Duration) -> bool {
        self.end = Instant::now() + time;
        let silent = self.fill().is_err_and(|error| is_timeout(&error));
        self.reset_deadline();
        silent && self.unread.is_empty()
    }

    fn line(&mut self) -> io::Result<String> {
        let end = loop {
            match find(&self.unread, b"\r\n") {
                Some(at) => break at + 2,
                None => self.fill_or_fail("a line")?,
            }
        };
        let line = self.take(end)?;
        String::from_utf8(line[..end - 2].to_vec()).map_err(invalid_data)
    }

    fn fill_or_fail(&mut self, what: &str) -> io::Result<()> {
        if self.fill()? > 0 {
            return Ok(());
        }
        let unread = String::from_utf8_lossy(&self.unread);
        let text = format!("the server closed the connection within {what}, after {unread:?}");
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
    }

    /// Reads more bytes; 0 at the end of the connection.
    fn fill(&mut self) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        // Zero would mean no timeout.
        self.stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Head {
    /// The value of a field; "" without one.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.headers, name)
    }

    fn framing(&self, method: &str) -> io::Result<Framing> {
        let is_chunked = self.field("transfer-encoding") == "chunked";
        let length = self.headers.get("content-length");
        if is_chunked && length.is_some() {
            return Err(invalid_data("both Transfer-Encoding and Content-Length"));
        }
        if method == "HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(Framing::None);
        }
        Ok(match length {
            _ if is_chunked => Framing::Chunked,
            Some(length) => {
                let length = length.to_str().map_err(invalid_data)?;
                Framing::Length(length.parse().map_err(invalid_data)?)
            }
            None => Framing::Close,
        })
    }
}

impl RawResponse {
    /// The value of a field; "" without one.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.headers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// Shows at most the first 500 bytes of the body.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(500)]);
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("framing", &self.framing)
            .field("length", &self.body.len())
            .field("body", &start)
            .finish()
    }
}

/// Parses header lines.
pub(crate) fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> io::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| invalid_data(line))?;
        headers.append(
            name.parse::<HeaderName>().map_err(invalid_data)?,
            HeaderValue::from_bytes(value.trim().as_bytes()).map_err(invalid_data)?,
        );
    }
    Ok(headers)
}

/// The value of a field; "" without one. Panics if it occurs twice.
pub(crate) fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map_or("", |value| value.to_str().unwrap());
    assert!(values.next().is_none(), "{name} twice in {headers:?}");
    value
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

pub(crate) fn invalid_data(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
