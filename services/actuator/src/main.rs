//! The binary `clb-actuator`: settings, telemetry, signals, then [`clb_actuator::Actuator`].

use std::process::ExitCode;
use std::sync::Arc;

use clb_actuator::{Actuator, ActuatorSettings, NAME};
use clb_cloud_client::EnvironmentCredentials;
use clb_settings::Program;
use clb_telemetry::{Component, Health, Kind, Metrics, Signals, Telemetry};
use clb_tls::Security;
use tokio_util::sync::CancellationToken;

const PROGRAM: Program = Program {
    name: NAME,
    version: env!("CARGO_PKG_VERSION"),
    about: "Carries out the planner's batches against Alibaba Cloud, within the account's limits, and shows what the cloud holds.",
};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => PROGRAM.failure(error.as_ref()),
    }
}

async fn run() -> anyhow::Result<()> {
    let settings: ActuatorSettings = clb_settings::load_or_exit(&PROGRAM);
    clb_tls::install_provider();
    let metrics = Metrics::new("actuator");
    let health = Health::new(&metrics)?;
    let instance = std::env::var("HOSTNAME").unwrap_or_else(|_| std::process::id().to_string());
    let component = Component::new(NAME, PROGRAM.version, instance).with_crate("clb-cloud-client");
    let mut telemetry = Telemetry::new(&settings.log, &settings.otlp, component);
    if settings.otlp.endpoint.is_some() {
        telemetry = telemetry.with_export_check(health.check("otlp", Kind::Informational));
    }
    let telemetry = telemetry.install()?;
    let signals = Signals::register()?;
    let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
    let drain = settings.admin.drain;
    let credentials = Arc::new(EnvironmentCredentials);
    let actuator = Actuator::bind(settings, credentials, security, metrics, health.clone()).await?;
    let stop = CancellationToken::new();
    let (served, ()) = tokio::join!(
        async {
            let _ends_signals = stop.clone().drop_guard();
            actuator.run(stop.clone()).await
        },
        signals.shut_down(health, drain, stop.clone()),
    );
    telemetry.shutdown().await;
    Ok(served?)
}
