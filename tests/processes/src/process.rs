//! A service that runs until it is told to end.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admin;
use crate::binary::command;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running binary; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Output,
}

/// The lines of stdout and stderr so far.
#[derive(Debug, Clone)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
}

impl Process {
    /// Starts a binary with these arguments and variables.
    ///
    /// # Errors
    /// The system's.
    pub fn start(binary: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let name = binary
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut child = command(binary, arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let output = Output {
            lines: Arc::default(),
            count: watch::Sender::new(0),
        };
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(output.clone().keep(stdout));
            tokio::spawn(output.clone().keep(stderr));
        }
        Ok(Self { name, child, output })
    }

    /// The binary's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a line with this text and returns it.
    ///
    /// # Errors
    /// After a minute, with everything that was written.
    pub async fn line(&self, text: &str) -> anyhow::Result<String> {
        let mut count = self.output.count.subscribe();
        let found = || {
            self.output
                .lines
                .lock()
                .iter()
                .find(|line| line.contains(text))
                .cloned()
        };
        let wait = async {
            loop {
                count.borrow_and_update();
                if let Some(line) = found() {
                    return Some(line);
                }
                // The sender lives in `self`.
                count.changed().await.ok()?;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) | Err(_) => bail!(
                "{} has not written {text:?}, only:\n{}",
                self.name,
                self.written()
            ),
        }
    }

    /// A field of the first JSON log line with this message.
    ///
    /// # Errors
    /// After a minute; a line without such a field.
    pub async fn logged(&self, message: &str, field: &str) -> anyhow::Result<String> {
        let line = self.line(&format!("\"message\":\"{message}\"")).await?;
        let line: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        let value = line[field]
            .as_str()
            .with_context(|| format!("no {field} in {line}"))?;
        Ok(value.to_owned())
    }

    /// Everything that was written.
    #[must_use]
    pub fn written(&self) -> String {
        self.output.lines.lock().join("\n")
    }

    /// The status and body of a page of an admin port.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn page(&self, address: &str, path: &str) -> anyhow::Result<(u16, String)> {
        timeout(PATIENCE, admin::page(address, path))
            .await
            .with_context(|| format!("{} does not answer on {address}", self.name))?
    }

    /// The most memory that the process has had, in KiB (`VmHWM`).
    ///
    /// # Errors
    /// When the process has ended.
    pub fn peak_memory_kib(&self) -> anyhow::Result<u64> {
        let id = self
            .child
            .id()
            .with_context(|| format!("{} has ended", self.name))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .context("no VmHWM in /proc")
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Errors
    /// When the process has ended, or there is no shell.
    pub async fn send_terminate(&self) -> anyhow::Result<()> {
        let id = self
            .child
            .id()
            .with_context(|| format!("{} has ended:\n{}", self.name, self.written()))?;
        // The shell's own: a small machine has no program of that name.
        let status = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id.to_string()])
            .status()
            .await
            .context("sh")?;
        anyhow::ensure!(status.success(), "kill -TERM {id}: {status}");
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// After a minute, with everything that was written.
    pub async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("{} does not end:\n{}", self.name, self.written()),
        }
    }

    /// Sends SIGTERM and waits for its end.
    ///
    /// # Errors
    /// As [`send_terminate`](Self::send_terminate) and [`ended`](Self::ended).
    pub async fn terminate(self) -> anyhow::Result<ExitStatus> {
        self.send_terminate().await?;
        self.ended().await
    }
}

impl Output {
    async fn keep(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.lines.lock().push(line);
            self.count.send_modify(|count| *count += 1);
        }
    }
}
