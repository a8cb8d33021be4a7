//! Why the actuator cannot start or go on.

use std::net::SocketAddr;

/// Why the actuator cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ActuatorError {
    /// The port of the gRPC service cannot be opened.
    #[error("cannot listen on {address} for gRPC: {source}; choose another listen address")]
    Bind {
        /// The address from the settings.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The client of a region cannot be made.
    #[error("region {region}: {source}")]
    Cloud {
        /// The region.
        region: String,
        /// Why.
        source: clb_cloud_client::SetupError,
    },
    /// The admin port cannot be opened or has broken.
    #[error(transparent)]
    Admin(#[from] clb_telemetry::admin::AdminError),
    /// A metric is there already.
    #[error(transparent)]
    Metrics(#[from] clb_telemetry::MetricsError),
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] clb_tls::TlsError),
    /// The gRPC server has broken.
    #[error("the gRPC server has broken: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// The descriptors for reflection cannot be read.
    #[error("gRPC reflection cannot be set up: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The admin port's task has ended badly.
    #[error("the admin port's task has ended: {0}")]
    AdminTask(#[from] tokio::task::JoinError),
}
