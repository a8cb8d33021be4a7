//! The binary `clb-watcher`: reads the settings and runs the watcher until SIGTERM.

use std::process::ExitCode;

use anyhow::Context as _;
use clb_runtime::Process;
use clb_settings::{Program, load_or_exit};
use clb_telemetry::{AdminServer, Component, Health, Metrics};
use clb_tls::{Security, install_provider};
use clb_watcher::{Environment, WatcherSettings, kubernetes_config, run};
use tokio_util::sync::CancellationToken;

const PROGRAM: Program = Program {
    name: "clb-watcher",
    version: env!("CARGO_PKG_VERSION"),
    about: "Streams a cluster's Services, Nodes and endpoints to the planner and writes back what it directs.",
};

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.failure(error.as_ref()),
    }
}

async fn start() -> anyhow::Result<()> {
    let settings: WatcherSettings = load_or_exit(&PROGRAM);
    install_provider();
    let component = Component::new(PROGRAM.name, PROGRAM.version, settings.instance.as_str());
    let process = Process::begin("watcher", component, &settings.log, &settings.otlp)?;
    let drain = settings.admin.drain;
    process
        .run(drain, async |metrics, health, stop| {
            serve(&settings, metrics, health, stop).await
        })
        .await
}

/// Runs the watcher, with the admin port beside it until its end.
async fn serve(
    settings: &WatcherSettings,
    metrics: Metrics,
    health: Health,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let environment = Environment {
        kubernetes: kubernetes_config(&settings.kubernetes).await?,
        security: Security::from_settings(settings.tls.as_ref(), settings.insecure)?,
        metrics: metrics.clone(),
        health: health.clone(),
    };
    let admin = AdminServer::bind(settings.admin.listen, health, metrics).await?;
    tracing::info!(cluster = settings.cluster_id, planner = %settings.planner, admin = %admin.local_addr()?, "starting");

    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(admin.serve(admin_stop.clone()));
    let outcome = run(settings, environment, stop).await;
    admin_stop.cancel();
    admin.await.context("the admin port's task has died")??;
    Ok(outcome?)
}
