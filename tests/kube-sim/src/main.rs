//! `kube-sim`: a simulated Kubernetes API on a port, for kubectl and for controllers.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use kube_sim::{KubeSim, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a simulated Kubernetes API until it is interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "KUBE_SIM_LISTEN", default_value = "127.0.0.1:6443")]
    listen: SocketAddr,
    /// Where to write the kubeconfig.
    #[arg(long, env = "KUBE_SIM_KUBECONFIG_OUT", default_value = "kube-sim.kubeconfig")]
    kubeconfig_out: PathBuf,
    /// Changes kept per resource; a watch that falls behind by more gets a 410 event.
    #[arg(long, env = "KUBE_SIM_HISTORY", default_value_t = Options::default().history)]
    history: usize,
    /// Plain HTTP without a token.
    #[arg(long, env = "KUBE_SIM_INSECURE")]
    insecure: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments {
        listen,
        kubeconfig_out,
        history,
        insecure,
    } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let sim = KubeSim::start(Options {
        listen,
        tls: !insecure,
        history,
        ..Options::default()
    })
    .await?;
    tokio::fs::write(&kubeconfig_out, sim.kubeconfig())
        .await
        .with_context(|| format!("cannot write {}", kubeconfig_out.display()))?;
    eprintln!(
        "serving on {}: kubectl --kubeconfig {} get namespaces",
        sim.endpoint(),
        kubeconfig_out.display()
    );
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for an interrupt")?,
        _signal = terminated.recv() => {}
    }
    sim.shutdown().await;
    Ok(())
}
