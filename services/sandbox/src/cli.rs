//! The command line of `clb-sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs clb-controller on one machine, against simulated clusters and a simulated cloud.
#[derive(Debug, Parser)]
#[command(name = "clb-sandbox", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the sandbox can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything, apply manifests and show how they become load balancers.
    Up(Up),
}

/// How the sandbox is run.
#[derive(Debug, Args)]
pub struct Up {
    /// A folder of manifests, or one manifest, applied to every cluster.
    #[arg(long, default_value = "deploy/examples", value_name = "PATH")]
    pub manifests: PathBuf,
    /// Apply no manifest: for your own, with kubectl.
    #[arg(long, conflicts_with_all = ["manifests", "once"])]
    pub empty: bool,
    /// Exit when everything has converged; the exit code says whether it has.
    #[arg(long)]
    pub once: bool,
    /// How long --once waits, in seconds.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub wait: u64,
    /// How many clusters share the planner, the actuator and the account.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=12))]
    pub clusters: u8,
    /// Nodes of each cluster, each with an ECS instance.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=200))]
    pub nodes: u8,
    /// Turn the account's request limits on: 90 writes a minute and action.
    #[arg(long)]
    pub limits: bool,
    /// Turn the account's quotas on: 200 backends and 50 listeners for a CLB, 50 groups for an ECS instance, 60 CLBs.
    #[arg(long)]
    pub quotas: bool,
    /// Send traces to this collector, OTLP over gRPC, as http://127.0.0.1:4317.
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
    /// Address of the state page; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub page: SocketAddr,
    /// Folder for kubeconfigs, certificates and configuration files; a temporary one is removed at the end.
    #[arg(long, value_name = "PATH")]
    pub folder: Option<PathBuf>,
    /// Log lines of the services to show, as warn or info,clb_planner=debug.
    #[arg(long, default_value = "warn", value_name = "LEVELS")]
    pub log: String,
}
