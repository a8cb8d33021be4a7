//! What the tests of each service's binary have in common: its help, its answer to a configuration with mistakes, its end.

use std::path::Path;

use anyhow::ensure;

use crate::{Process, finish};

/// Runs `--help`, which has to name all of these.
///
/// # Errors
/// A name that is not there; an exit code other than 0.
pub async fn help_names(binary: &Path, settings: &[&str]) -> anyhow::Result<()> {
    let help = finish(binary, &["--help"], Path::new(".")).await?;
    ensure!(help.code == Some(0), "{:?}: {}", help.code, help.stderr);
    for setting in settings {
        ensure!(help.stdout.contains(setting), "no {setting} in {}", help.stdout);
    }
    Ok(())
}

/// Starts it with a file of this name and text, which it has to refuse with all of these in its words.
///
/// # Errors
/// A part that is not there; an exit code other than 2.
pub async fn refuses_file(binary: &Path, name: &str, text: &str, parts: &[&str]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(name), text)?;
    refuses(binary, &["--config", name], folder.path(), parts).await
}

/// Starts it with these arguments, which it has to refuse with all of these in its words.
///
/// # Errors
/// A part that is not there; an exit code other than 2.
pub async fn refuses(binary: &Path, arguments: &[&str], folder: &Path, parts: &[&str]) -> anyhow::Result<()> {
    let run = finish(binary, arguments, folder).await?;
    ensure!(run.code == Some(2), "{:?}: {}", run.code, run.stderr);
    for part in parts {
        ensure!(run.stderr.contains(part), "no {part} in {}", run.stderr);
    }
    Ok(())
}

/// Sends SIGTERM to a service that is ready and has its admin port there: readiness has to go off while it drains. A second SIGTERM ends
/// the drain, and the service has to end with success. It needs a drain that no machine is too slow for, such as five minutes.
///
/// # Errors
/// What is not so.
pub async fn ends_after_readiness(service: Process, admin: &str) -> anyhow::Result<()> {
    let (status, report) = service.page(admin, "/readyz?verbose").await?;
    ensure!(status == 200, "{status}: {report}");
    service.send_terminate().await?;
    service.line("shutting down").await?;
    let (status, report) = service.page(admin, "/readyz?verbose").await?;
    ensure!(
        status == 503 && report.contains("[-]shutdown failed"),
        "{status}: {report}"
    );
    service.send_terminate().await?;
    let ended = service.ended().await?;
    ensure!(ended.code() == Some(0), "{ended}");
    Ok(())
}
