//! Running the binary.

use std::path::PathBuf;
use std::process::Command;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `clbctl` without any of its environment variables.
pub(crate) fn clbctl(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_clbctl"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// As [`clbctl`], from a test whose runtime serves what the command calls.
pub(crate) async fn clbctl_beside(arguments: &[&str]) -> Ran {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    tokio::task::spawn_blocking(move || clbctl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
        .await
        .unwrap()
}

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
