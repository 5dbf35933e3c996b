//! The program as a process: `tidings serve` on a free port.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use crate::support::http;
use crate::support::http::RawResponse;
use crate::support::wait_until;

/// A running `tidings serve`; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    process: Process,
    address: SocketAddr,
}

/// The exit of a process, and its output.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The time from the start, or from the signal, to the exit.
    pub(crate) took: Duration,
}

/// The program, without `TIDINGS_*` variables of the test's environment.
pub(crate) fn tidings() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"TIDINGS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// `tidings serve` for `dir` on a free port, not started yet.
pub(crate) fn serve(dir: &Path) -> Command {
    let mut command = tidings();
    command.arg("serve").arg(dir);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

/// Runs a command that should exit by itself.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Exit {
    Process::start(command).wait_for_exit(Instant::now())
}

impl Program {
    /// Serves `dir` with the defaults; returns when the program listens.
    #[track_caller]
    pub(crate) fn serve(dir: &Path) -> Self {
        Self::serve_with(dir, &[])
    }

    /// As [`serve`](Self::serve), with more arguments, such as `["--debounce", "50ms"]`.
    #[track_caller]
    pub(crate) fn serve_with(dir: &Path, arguments: &[&str]) -> Self {
        Self::start(serve(dir).args(arguments))
    }

    /// Starts a command that prints the address it listens on.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let line = wait_until("the line that says where the program listens", || {
            if let Some((line, _)) = process.stdout.text().split_once('\n') {
                return Some(line.to_owned());
            }
            if let Some(status) = process.child.try_wait().unwrap() {
                panic!("the program ended with {status}");
            }
            None
        });
        let address = line.strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        Self {
            address: address.unwrap_or_else(|| panic!("{line:?}")),
            process,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log so far (standard error).
    pub(crate) fn log(&self) -> String {
        self.process.stderr.text()
    }

    /// The peak memory so far in bytes; `None` where the system does not provide it.
    pub(crate) fn peak_memory(&self) -> Option<usize> {
        let path = format!("/proc/{}/status", self.process.child.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let number: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(number * 1024)
    }

    /// Waits for a line in the log that contains all of `parts`, and returns it.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, parts: &[&str]) -> String {
        wait_until(&format!("{parts:?} in the log"), || {
            let log = self.log();
            let mut lines = log.lines();
            let line = lines.find(|line| parts.iter().all(|part| line.contains(part)));
            line.map(str::to_owned)
        })
    }

    /// Sends a GET on a new connection.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, fields: &[(&str, &str)]) -> RawResponse {
        http::get(self.address, path, fields)
    }

    /// Waits for the first release: until `/` returns 200.
    #[track_caller]
    pub(crate) fn ready(self) -> Self {
        wait_until("the first release", || {
            (self.get("/", &[]).status == 200).then_some(())
        });
        self
    }

    /// Sends a signal, such as `TERM`, and waits for the exit.
    #[track_caller]
    pub(crate) fn stop(self, signal: &str) -> Exit {
        let start = Instant::now();
        self.signal(signal);
        self.process.wait_for_exit(start)
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the program to exit; the time is measured from `start`.
    #[track_caller]
    pub(crate) fn wait_for_exit(self, start: Instant) -> Exit {
        self.process.wait_for_exit(start)
    }
}

/// A process whose output is read continuously.
#[derive(Debug)]
struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            stdout: Output::new(child.stdout.take().unwrap()),
            stderr: Output::new(child.stderr.take().unwrap()),
            child,
        }
    }

    #[track_caller]
    fn wait_for_exit(mut self, start: Instant) -> Exit {
        let status: ExitStatus =
            wait_until("the process to end", || self.child.try_wait().unwrap());
        Exit {
            code: status.code(),
            took: start.elapsed(),
            stdout: self.stdout.read_to_end(),
            stderr: self.stderr.read_to_end(),
        }
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the log tells why a test has failed")]
    fn drop(&mut self) {
        // It may have exited already.
        _ = self.child.kill();
        _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the program wrote:\n{}", self.stderr.text());
        }
    }
}

/// The output of a process, read by a separate thread.
#[derive(Debug)]
struct Output {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let text: Arc<Mutex<String>> = Arc::default();
        let written = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                let piece = String::from_utf8_lossy(&buffer[..read]);
                written.lock().unwrap().push_str(&piece);
            }
        });
        Self {
            text,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// The complete output, after the process has closed the pipe.
    fn read_to_end(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}
