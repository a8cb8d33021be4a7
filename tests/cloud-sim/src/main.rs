//! `cloud-sim`: serves a simulated Alibaba Cloud by itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use cloud_sim::{AccessKey, CloudSim, DEFAULT_ACCOUNT, Limits, Options, Quotas, lab};
use tokio::signal::unix::{SignalKind, signal};

/// Serves SLB, ECS and VPC on one loopback port and prints the endpoint.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A JSON document in the form of /_sim/state to start with, or the word lab for the cloud of the
    /// examples.
    #[arg(long, value_name = "FILE")]
    seed: Option<String>,
    /// Enforce the request limits of a real account.
    #[arg(long)]
    limits: bool,
    /// Lift the quotas of the account.
    #[arg(long)]
    no_quotas: bool,
    /// A key that calls may be signed with, as ID:SECRET or ID:SECRET:ACCOUNT; may be given again.
    #[arg(long, value_name = "ID:SECRET", value_parser = parse_key)]
    access_key: Vec<AccessKey>,
}

fn parse_key(text: &str) -> Result<AccessKey, String> {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(id), Some(secret), account) if !id.is_empty() && !secret.is_empty() => {
            Ok(AccessKey::new(id, secret, account.unwrap_or(DEFAULT_ACCOUNT)))
        }
        _ => Err("write it as ID:SECRET or ID:SECRET:ACCOUNT".to_owned()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        listen,
        seed,
        limits,
        no_quotas,
        access_key,
    } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut options = Options {
        listen,
        limits: limits.then(Limits::default),
        ..Options::default()
    };
    if no_quotas {
        options.circumstances.quotas = Quotas::unlimited();
    }
    if !access_key.is_empty() {
        options.access_keys = access_key;
    }
    let account = options
        .access_keys
        .first()
        .map_or(DEFAULT_ACCOUNT, |key| &key.account)
        .to_owned();
    let sim = CloudSim::start(options).await?;
    let account = sim.cloud().account(&account);
    match seed.as_deref() {
        None => {}
        Some("lab") => lab::build(&account)?,
        Some(file) => {
            let file = PathBuf::from(file);
            let text = std::fs::read_to_string(&file).with_context(|| format!("seed {}", file.display()))?;
            let document = serde_json::from_str(&text).with_context(|| format!("seed {}", file.display()))?;
            account
                .load_state(&document, &[])
                .with_context(|| format!("seed {}", file.display()))?;
        }
    }
    announce(&sim.endpoint());
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    sim.shutdown().await;
    Ok(())
}

/// The endpoint is the program's output: scripts read it.
#[expect(clippy::print_stdout, reason = "the endpoint is what this program prints")]
fn announce(endpoint: &str) {
    println!("{endpoint}");
}
