//! Measures the delay of the first chunk of a slow page through a proxy.
//!
//! Run by `benches/compare/run`. It is the upstream itself: the first line on standard output is its address. Then it
//! reads one command per line from standard input, and writes one line for each:
//!
//! - `measure ADDRESS COUNT`: requests COUNT pages from ADDRESS, one after another. Output: `measure MEDIAN MOST`, the
//!   milliseconds from when the upstream sent the first chunk of a page until it arrived

use std::error::Error;
use std::io;
use std::io::BufRead as _;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` would start it without input.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let (sent, times) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sent = sent.clone();
            thread::spawn(move || serve(stream, &sent));
        }
    });
    for command in io::stdin().lock().lines() {
        let command = command?;
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["measure", address, count] = words[..] else {
            return Err(format!("no command: {command:?}").into());
        };
        let mut took = Vec::new();
        for _ in 0..count.parse::<usize>()? {
            took.push(measure(address, &times)?.as_secs_f64() * 1000.0);
        }
        took.sort_by(f64::total_cmp);
        let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
        writeln!(io::stdout(), "measure {median:.3} {most:.3}")?;
    }
    Ok(())
}

/// Requests a page, and returns the delay of its first chunk.
fn measure(address: &str, times: &mpsc::Receiver<Instant>) -> Result<Duration, Box<dyn Error>> {
    while times.try_recv().is_ok() {}
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let request = format!(
        "GET /slow HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut seen = Vec::new();
    let mut piece = [0; 16 * 1024];
    while !contains(&seen, MARK) {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Err(format!("{address} closed: {}", String::from_utf8_lossy(&seen)).into());
        }
        seen.extend_from_slice(&piece[..read]);
    }
    let there = Instant::now();
    let sent = times.recv_timeout(TIMEOUT)?;
    stream.read_to_end(&mut seen)?;
    Ok(there.saturating_duration_since(sent))
}

/// Responds to one request on a connection: a first chunk at once, the rest after a pause.
fn serve(mut stream: TcpStream, sent: &mpsc::Sender<Instant>) {
    let mut answer = || -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let first = format!(
            "<!doctype html>\n<html>\n<head>\n<title>Slow</title>\n</head>\n<body>\n{MARK}\n"
        );
        let is_slow = head.starts_with(b"GET /slow");
        let rest = "<p>the rest\n</body>\n</html>\n";
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
             {:x}\r\n{first}\r\n",
            first.len()
        );
        if is_slow {
            _ = sent.send(Instant::now());
        }
        stream.write_all(head.as_bytes())?;
        if is_slow {
            thread::sleep(PAUSE);
        }
        let rest = format!("{:x}\r\n{rest}\r\n0\r\n\r\n", rest.len());
        stream.write_all(rest.as_bytes())
    };
    // Disconnects of the proxy are not measured.
    _ = answer();
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes
        .windows(what.len())
        .any(|window| window == what.as_bytes())
}

const MARK: &str = "<p>the first piece";

const PAUSE: Duration = Duration::from_millis(30);

const TIMEOUT: Duration = Duration::from_secs(10);
