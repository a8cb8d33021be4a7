//! Binaries of the workspace, and runs of them that end by themselves.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than anything takes that ends by itself.
const PATIENCE: Duration = Duration::from_secs(180);

/// A binary in the folder of another one: Cargo names only those of the package that is tested.
///
/// # Errors
/// When it has not been built.
pub fn binary_beside(other: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = other.with_file_name(name);
    ensure!(
        path.is_file(),
        "{} is not there: build all binaries with `cargo build --workspace --bins`, or test with `cargo test --workspace`, which builds them",
        path.display()
    );
    Ok(path)
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// Runs a binary in a folder until it ends, without any of this process's variables that the binaries read.
///
/// # Errors
/// When it cannot be started or does not end within three minutes.
pub async fn finish(binary: &Path, arguments: &[&str], folder: &Path) -> anyhow::Result<Finished> {
    let mut command = command(binary, arguments);
    command.current_dir(folder).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("{} {arguments:?} does not end", binary.display()))?
        .with_context(|| format!("starting {}", binary.display()))?;
    Ok(Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

pub(crate) fn command(binary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let read = ["CLB_", "ALIBABA_CLOUD_", "OTEL_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        if read
            || ["KUBECONFIG", "RUST_LOG", "POD_NAME"].contains(&text.as_ref())
            || text.ends_with("_ENDPOINT")
        {
            command.env_remove(&name);
        }
    }
    command
}
