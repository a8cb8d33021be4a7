//! The binary `clb-watcher`: reads the settings and runs the watcher until SIGTERM.

use std::process::ExitCode;

use anyhow::Context as _;
use clb_settings::{Program, load_or_exit};
use clb_telemetry::{AdminServer, Component, Health, Kind, Metrics, Signals, Telemetry};
use clb_tls::{Security, install_provider};
use clb_watcher::{Environment, WatcherSettings, kubernetes_config, run};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PROGRAM: Program = Program {
    name: "clb-watcher",
    version: env!("CARGO_PKG_VERSION"),
    about: "Streams a cluster's Services, Nodes and endpoints to the planner and writes back what it directs.",
};

#[tokio::main]
async fn main() -> ExitCode {
    install_provider();
    let settings: WatcherSettings = load_or_exit(&PROGRAM);
    match with_telemetry(&settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.failure(error.as_ref()),
    }
}

async fn with_telemetry(settings: &WatcherSettings) -> anyhow::Result<()> {
    let metrics = Metrics::new("watcher");
    let health = Health::new(&metrics)?;
    let component = Component::new(PROGRAM.name, PROGRAM.version, settings.instance.as_str());
    let mut telemetry = Telemetry::new(&settings.log, &settings.otlp, component);
    if settings.otlp.endpoint.is_some() {
        telemetry = telemetry.with_export_check(health.check("otlp", Kind::Informational));
    }
    let telemetry = telemetry.install()?;
    let outcome = serve(settings, metrics, health).await;
    telemetry.shutdown().await;
    outcome
}

async fn serve(settings: &WatcherSettings, metrics: Metrics, health: Health) -> anyhow::Result<()> {
    let signals = Signals::register().context("signals cannot be taken")?;
    let environment = Environment {
        kubernetes: kubernetes_config(&settings.kubernetes).await?,
        security: Security::from_settings(settings.tls.as_ref(), settings.insecure)?,
        metrics: metrics.clone(),
        health: health.clone(),
    };
    let admin = AdminServer::bind(settings.admin.listen, health.clone(), metrics).await?;
    tracing::info!(cluster = settings.cluster_id, planner = %settings.planner, admin = %admin.local_addr()?, "starting");

    let (stop, admin_stop) = (CancellationToken::new(), CancellationToken::new());
    let tasks = TaskTracker::new();
    tasks.spawn(signals.shut_down(health, settings.admin.drain, stop.clone()));
    let admin = tokio::spawn(admin.serve(admin_stop.clone()));
    let outcome = run(settings, environment, stop.clone()).await;

    stop.cancel();
    tasks.close();
    tasks.wait().await;
    admin_stop.cancel();
    admin.await.context("the admin port's task has died")??;
    outcome.map_err(Into::into)
}
