//! The binary `clb-planner`: settings, telemetry, signals, then [`clb_planner::Planner`].

use std::process::ExitCode;

use clb_planner::{NAME, Planner, PlannerSettings};
use clb_settings::Program;
use clb_telemetry::{Component, Health, Kind, Metrics, Signals, Telemetry};
use clb_tls::Security;
use tokio_util::sync::CancellationToken;

const PROGRAM: Program = Program {
    name: NAME,
    version: env!("CARGO_PKG_VERSION"),
    about: "Plans the CLBs of Kubernetes Services: takes the clusters' state from watchers, gives operations to the actuator.",
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.failure(error.as_ref()),
    }
}

async fn run() -> anyhow::Result<()> {
    let settings: PlannerSettings = clb_settings::load_or_exit(&PROGRAM);
    clb_tls::install_provider();
    let metrics = Metrics::new("planner");
    let health = Health::new(&metrics)?;
    let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| std::process::id().to_string());
    let mut telemetry = Telemetry::new(
        &settings.log,
        &settings.otlp,
        Component::new(NAME, PROGRAM.version, instance),
    );
    if settings.otlp.endpoint.is_some() {
        telemetry = telemetry.with_export_check(health.check("otlp", Kind::Informational));
    }
    let telemetry = telemetry.install()?;
    let signals = Signals::register()?;
    let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
    let drain = settings.admin.drain;
    let planner = Planner::bind(settings, security, metrics, health.clone()).await?;
    let stop = CancellationToken::new();
    let (served, ()) = tokio::join!(
        async {
            let _ends_signals = stop.clone().drop_guard();
            planner.run(stop.clone()).await
        },
        signals.shut_down(health, drain, stop.clone()),
    );
    telemetry.shutdown().await;
    Ok(served?)
}
