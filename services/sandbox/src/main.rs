//! `clb-sandbox`: the whole chain on one machine.

use std::process::ExitCode;

use clap::Parser as _;
use clb_sandbox::cli::{Cli, Command};
use clb_sandbox::up;

#[tokio::main]
async fn main() -> ExitCode {
    clb_tls::install_provider();
    let Cli {
        command: Command::Up(options),
    } = Cli::parse();
    match up::run(options).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("clb-sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}
