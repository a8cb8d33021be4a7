//! Why the planner cannot start or go on.

/// Why the planner cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum PlannerError {
    /// A port cannot be opened or has broken.
    #[error(transparent)]
    Ports(#[from] clb_runtime::PortsError),
    /// A metric is there already.
    #[error(transparent)]
    Metrics(#[from] clb_telemetry::MetricsError),
    /// The actuator's address is not on loopback, and there are no certificates.
    #[error(transparent)]
    Tls(#[from] clb_tls::TlsError),
}
