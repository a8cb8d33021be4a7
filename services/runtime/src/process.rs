//! A service's process: telemetry from its first line on, signals, and the order in which all of it ends.

use std::time::Duration;

use clb_telemetry::{
    Component, Health, Kind, LogSettings, Metrics, MetricsError, OtlpSettings, Signals, Telemetry,
    TelemetryError, TelemetryGuard,
};
use tokio_util::sync::CancellationToken;

/// A process that has begun: from here on it logs, and a signal no longer ends it at once.
#[derive(Debug)]
pub struct Process {
    /// Where the service's metrics go.
    pub metrics: Metrics,
    /// Where its checks go.
    pub health: Health,
    signals: Signals,
    telemetry: TelemetryGuard,
}

/// Why a process cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// A metric is there already.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Logs or traces cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The system does not hand over signals.
    #[error("signals cannot be taken: {0}")]
    Signals(#[from] std::io::Error),
}

/// What this process is called among others of its service, where no setting says so: the host's name, which is the pod's, else the
/// process's number.
#[must_use]
pub fn instance() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| std::process::id().to_string())
}

impl Process {
    /// Begins. `name` is the service's in the names of its metrics.
    ///
    /// # Errors
    /// See [`ProcessError`].
    pub fn begin(
        name: &'static str,
        component: Component,
        log: &LogSettings,
        otlp: &OtlpSettings,
    ) -> Result<Self, ProcessError> {
        let metrics = Metrics::new(name);
        let health = Health::new(&metrics)?;
        let mut telemetry = Telemetry::new(log, otlp, component);
        if otlp.endpoint.is_some() {
            telemetry = telemetry.with_export_check(health.check("otlp", Kind::Informational));
        }
        Ok(Self {
            telemetry: telemetry.install()?,
            signals: Signals::register()?,
            metrics,
            health,
        })
    }

    /// Runs `serve` to its end. After a signal readiness is off for `drain`, then the token that `serve` is given is cancelled. In the
    /// end the last traces are sent, whatever came of `serve`.
    ///
    /// # Errors
    /// Those of `serve`.
    pub async fn run<E>(
        self,
        drain: Duration,
        serve: impl AsyncFnOnce(Metrics, Health, CancellationToken) -> Result<(), E>,
    ) -> Result<(), E> {
        let stop = CancellationToken::new();
        let (served, ()) = tokio::join!(
            async {
                let _ends_signals = stop.clone().drop_guard();
                serve(self.metrics, self.health.clone(), stop.clone()).await
            },
            self.signals.shut_down(self.health.clone(), drain, stop.clone()),
        );
        self.telemetry.shutdown().await;
        served
    }
}
