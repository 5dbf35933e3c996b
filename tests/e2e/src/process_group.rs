//! A process group that is killed when its handle is dropped, or when this process ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use anyhow::Result;

/// A process with all that it starts. Dropping this, or the end of this process (even by SIGKILL), kills them all.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    shell: Child,
}

impl ProcessGroup {
    /// Starts a program that is killed at once.
    pub(crate) fn kill_on_drop(
        program: &Path,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        Self::start(":", program, configure)
    }

    /// Starts a program that gets SIGTERM first, and may clean up.
    pub(crate) fn terminate_on_drop(
        program: &Path,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        Self::start("kill -TERM $!; wait $!", program, configure)
    }

    /// The output of the program, if it was configured with a pipe.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.shell.stdout.take()
    }

    /// A browser may be reparented, and outlives a killed driver. So a shell leads a process group of its own, reads
    /// from a pipe whose other end is held here, and kills the group at end of file.
    fn start(end: &str, program: &Path, configure: impl FnOnce(&mut Command)) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!(r#""$@" & read -r _; {end}; kill -KILL 0"#))
            .arg("process_group")
            .arg(program);
        configure(&mut shell);
        shell.stdin(Stdio::piped()).process_group(0);
        let shell = shell
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { shell })
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
