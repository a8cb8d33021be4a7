//! The binary `clb-actuator`: settings, telemetry, signals, then [`clb_actuator::Actuator`].

use std::process::ExitCode;
use std::sync::Arc;

use clb_actuator::{Actuator, ActuatorSettings, NAME};
use clb_cloud_client::EnvironmentCredentials;
use clb_runtime::Process;
use clb_settings::Program;
use clb_telemetry::Component;
use clb_tls::Security;

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
    let component =
        Component::new(NAME, PROGRAM.version, clb_runtime::instance()).with_crate("clb-cloud-client");
    let process = Process::begin("actuator", component, &settings.log, &settings.otlp)?;
    process
        .run(settings.admin.drain, async |metrics, health, stop| {
            let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
            let credentials = Arc::new(EnvironmentCredentials);
            let actuator = Actuator::bind(settings, credentials, security, metrics, health).await?;
            Ok(actuator.run(stop).await?)
        })
        .await
}
