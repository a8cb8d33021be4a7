//! The binary `clb-planner`: settings, telemetry, signals, then [`clb_planner::Planner`].

use std::process::ExitCode;

use clb_planner::{NAME, Planner, PlannerSettings};
use clb_runtime::Process;
use clb_settings::Program;
use clb_telemetry::Component;
use clb_tls::Security;

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
    let component = Component::new(NAME, PROGRAM.version, clb_runtime::instance());
    let process = Process::begin("planner", component, &settings.log, &settings.otlp)?;
    process
        .run(settings.admin.drain, async |metrics, health, stop| {
            let security = Security::from_settings(settings.tls.as_ref(), settings.insecure)?;
            let planner = Planner::bind(settings, security, metrics, health).await?;
            Ok(planner.run(stop).await?)
        })
        .await
}
