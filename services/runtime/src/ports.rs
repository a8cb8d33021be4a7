//! The ports of a service that others call: gRPC, with health and reflection beside the service's own, and the admin port, which is
//! served until after the gRPC port is closed.

use std::net::SocketAddr;
use std::pin::Pin;

use clb_telemetry::admin::AdminError;
use clb_telemetry::grpc::GrpcTraceLayer;
use clb_telemetry::health::mirror_to_grpc;
use clb_telemetry::{AdminServer, Health, Kind, Metrics};
use clb_tls::{Security, TlsError};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

/// Why ports cannot be opened, or what became of them.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// The gRPC port cannot be opened.
    #[error("cannot listen on {address} for gRPC: {source}; choose another listen address")]
    Bind {
        /// The address from the settings.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The admin port cannot be opened or has broken.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Certificates cannot be used, or there are none and the address is not on loopback.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The gRPC server has broken.
    #[error("the gRPC server has broken: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// The descriptors for reflection cannot be read.
    #[error("gRPC reflection cannot be set up: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The admin port's task has ended badly.
    #[error("the admin port's task has ended: {0}")]
    AdminTask(#[from] JoinError),
}

/// Both ports, open and not yet served: who connects waits.
#[derive(Debug)]
pub struct Ports {
    listener: TcpListener,
    address: SocketAddr,
    admin: AdminServer,
    admin_address: SocketAddr,
    health: Health,
}

/// What is served on the gRPC port.
#[derive(Debug)]
pub struct Grpc<'s> {
    /// The service's name in spans.
    pub name: &'static str,
    /// With or without TLS.
    pub security: &'s Security,
    /// Streams of one connection at a time; the library's 200 unless given.
    pub streams: Option<u32>,
    /// The service's own services.
    pub routes: Routes,
}

/// Both ports while they are served. When this is dropped both are closed at once.
pub struct Serving {
    server: Pin<Box<dyn Future<Output = Result<(), tonic::transport::Error>> + Send>>,
    ended: Option<Result<(), tonic::transport::Error>>,
    admin: JoinHandle<Result<(), AdminError>>,
    admin_stop: DropGuard,
    _mirrored: AbortOnDropHandle<()>,
}

impl Ports {
    /// Opens them; port 0 takes a free one.
    ///
    /// # Errors
    /// [`PortsError::Bind`] and [`PortsError::Admin`].
    pub async fn bind(
        listen: SocketAddr,
        admin: SocketAddr,
        health: Health,
        metrics: Metrics,
    ) -> Result<Self, PortsError> {
        let failed = |source| PortsError::Bind {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let admin = AdminServer::bind(admin, health.clone(), metrics).await?;
        let admin_address = admin.local_addr().map_err(AdminError::from)?;
        Ok(Self {
            listener,
            address,
            admin,
            admin_address,
            health,
        })
    }

    /// Where the gRPC services are.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Serves both; from then on the check `grpc` is good. After `stop` no new call is taken, and those under way may end.
    ///
    /// # Errors
    /// [`PortsError::Tls`] and [`PortsError::Reflection`].
    pub fn serve(self, grpc: Grpc<'_>, stop: CancellationToken) -> Result<Serving, PortsError> {
        let check = self.health.check("grpc", Kind::Gate);
        let (reporter, health) = tonic_health::server::health_reporter();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(clb_proto::DESCRIPTORS)
            .build_v1()?;
        let server = grpc
            .security
            .server(self.address)?
            .max_concurrent_streams(grpc.streams)
            .layer(GrpcTraceLayer::new(grpc.name))
            .add_routes(grpc.routes)
            .add_service(health)
            .add_service(reflection)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(self.listener).with_nodelay(Some(true)),
                stop.cancelled_owned(),
            );
        let admin_stop = CancellationToken::new();
        let admin = tokio::spawn(self.admin.serve(admin_stop.clone()));
        let mirrored = tokio::spawn(mirror_to_grpc(self.health, reporter));
        check.ok();
        Ok(Serving {
            server: Box::pin(server),
            ended: None,
            admin,
            admin_stop: admin_stop.drop_guard(),
            _mirrored: AbortOnDropHandle::new(mirrored),
        })
    }
}

impl Serving {
    /// Serves until the gRPC port is closed, after `stop` or because it has broken. Calls are answered only while this is waited for;
    /// it may be given up and waited for again.
    pub async fn ended(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(self.server.as_mut().await);
        }
    }

    /// Cuts off calls that are still under way, then closes the admin port.
    ///
    /// # Errors
    /// [`PortsError::Serve`], [`PortsError::Admin`] and [`PortsError::AdminTask`], where one of the ports has broken.
    pub async fn close(self) -> Result<(), PortsError> {
        let Self {
            server,
            ended,
            admin,
            admin_stop,
            _mirrored,
        } = self;
        drop(server);
        drop(admin_stop);
        ended.transpose()?;
        admin.await??;
        Ok(())
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
