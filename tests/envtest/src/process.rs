//! A child process that cannot outlive its test.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Runs the program in a shell of its own process group that kills it as soon as its standard input ends, which the kernel
/// brings about however the test process ends: a test's statics are never dropped, and a killed test drops nothing.
const GUARD: &str =
    r#"exec 3<&0; "$@" 3<&- </dev/null & pid=$!; (cat <&3 >/dev/null; kill -9 $pid 2>/dev/null) & wait $pid"#;
/// What is shown of a log, in bytes from its end.
const LOG_TAIL: usize = 2_000;

/// A running program, its output in a file.
#[derive(Debug)]
pub(crate) struct Process {
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; its output goes to `log`.
    pub(crate) fn start(program: &Path, arguments: &[String], log: &Path) -> io::Result<Self> {
        let output = File::create(log)?;
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        Ok(Self {
            guard,
            log: log.to_owned(),
        })
    }

    /// The status with which the program ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.guard.try_wait()
    }

    /// The end of the log, for an error.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            tracing::warn!(%error, "a test's process was not waited for");
        }
    }
}
