//! A process with all that it starts, on a leash: it ends when the leash is let go, however that happens.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use anyhow::Result;

/// A process group. Dropping it, or the end of this process (even by SIGKILL), ends every process in it.
#[derive(Debug)]
pub(crate) struct Leash {
    shell: Child,
}

impl Leash {
    /// Starts a program that may be killed at any time.
    pub(crate) fn hard(program: &Path, dress: impl FnOnce(&mut Command)) -> Result<Self> {
        Self::start(":", program, dress)
    }

    /// Starts a program that has to clean up before it ends.
    pub(crate) fn soft(program: &Path, dress: impl FnOnce(&mut Command)) -> Result<Self> {
        Self::start("kill -TERM $!; wait $!", program, dress)
    }

    /// What the program writes, if it was dressed with a pipe.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.shell.stdout.take()
    }

    /// A browser is not a child of its driver's child for ever, and outlives a killed driver. So a shell leads a
    /// process group of its own, reads from a pipe whose other end is here, and kills the group at its end.
    fn start(end: &str, program: &Path, dress: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!(r#""$@" & read -r _; {end}; kill -KILL 0"#))
            .arg("leash")
            .arg(program);
        dress(&mut shell);
        shell.stdin(Stdio::piped()).process_group(0);
        let shell = shell
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { shell })
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
