//! Why the actuator cannot start or go on.

/// Why the actuator cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ActuatorError {
    /// A port cannot be opened or has broken.
    #[error(transparent)]
    Ports(#[from] clb_runtime::PortsError),
    /// The client of a region cannot be made.
    #[error("region {region}: {source}")]
    Cloud {
        /// The region.
        region: String,
        /// Why.
        source: clb_cloud_client::SetupError,
    },
    /// A metric is there already.
    #[error(transparent)]
    Metrics(#[from] clb_telemetry::MetricsError),
}
