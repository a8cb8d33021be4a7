//! `clbctl`: see the library.

use std::process::ExitCode;

use clap::Parser as _;
use clbctl::cli::Cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    clb_tls::install_provider();
    match clbctl::run(Cli::parse(), &mut std::io::stdout().lock()).await {
        Ok(code) => code,
        // Whoever read the output, such as head, has enough of it.
        Err(error) if clbctl::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clbctl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
