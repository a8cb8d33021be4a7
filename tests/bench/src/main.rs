//! `clb-bench`: figures of the three services as processes of their own. It prints them beside the least that they could be; what is
//! enough is for the reader to say.

mod cloud;
mod converge;
mod latency;
mod memory;
mod nodes;
mod objects;
mod planner;
mod print;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use clb_processes::Installation;
use tempfile::TempDir;

/// Measures clb-controller on this machine, between a simulated cluster and a simulated cloud without limits.
#[derive(Debug, Parser)]
#[command(name = "clb-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    binaries: Binaries,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Many Services at once, then changes of endpoints, then a restart with everything right.
    Converge(converge::Options),
    /// Nodes that join one after the other: how often each group's backends are written.
    Nodes(nodes::Options),
    /// The memory of each service, by the number of Services.
    Memory(memory::Options),
}

/// What is measured.
#[derive(Debug, Args)]
struct Binaries {
    /// Folder of clb-watcher, clb-planner and clb-actuator; that of clb-bench itself unless given.
    #[arg(long, global = true, value_name = "PATH")]
    binaries: Option<PathBuf>,
}

impl Binaries {
    /// Starts them, with their files in a folder that is removed with the result's second part.
    async fn start(&self) -> anyhow::Result<(Installation, TempDir)> {
        let beside = match &self.binaries {
            Some(folder) => folder.join("clb-bench"),
            None => std::env::current_exe().context("finding clb-bench itself")?,
        };
        let folder = tempfile::tempdir()?;
        Ok((Installation::start(&beside, folder.path()).await?, folder))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    clb_tls::install_provider();
    let Cli { command, binaries } = Cli::parse();
    match command {
        Command::Converge(options) => converge::run(&binaries, options).await,
        Command::Nodes(options) => nodes::run(&binaries, options).await,
        Command::Memory(options) => memory::run(&binaries, options).await,
    }
}
