//! Putting the actuator together: regions, executor, gRPC service, ports, and taking it apart again.
//!
//! Called by `main.rs`, by the sandbox and by tests, which run it in their own process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clb_cloud_client::{Client, ClientSetup, CredentialsProvider, Endpoints, Network, Product};
use clb_proto::actuator::v1::actuator_service_server::ActuatorServiceServer;
use clb_runtime::{Grpc, Ports};
use clb_telemetry::{Health, Kind, Metrics};
use clb_tls::Security;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::cloud::Cloud;
use crate::enis::Enis;
use crate::error::ActuatorError;
use crate::executor::{Access, Executor, Locks, Region};
use crate::grpc::Service;
use crate::limits::{Limits, Table};
use crate::metrics::ActuatorMetrics;
use crate::mirror::{AuditPace, Mirror};
use crate::settings::{ActuatorSettings, NetworkSetting};

/// What the actuator is called in traces and logs.
pub const NAME: &str = "clb-actuator";

/// A batch has some hundred backends at most; a CLB with all its groups is the largest message.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// What runs in the background stops at its next await; only a mistake needs longer than this.
const BACKGROUND_GRACE: Duration = Duration::from_secs(5);

/// Streams of one planner's connection.
const STREAMS: u32 = 16_384;

/// An actuator whose ports are open and that does not serve yet.
pub struct Actuator {
    settings: ActuatorSettings,
    credentials: Arc<dyn CredentialsProvider>,
    security: Security,
    metrics: Arc<ActuatorMetrics>,
    health: Health,
    ports: Ports,
}

impl Actuator {
    /// Opens the ports; port 0 takes a free one.
    ///
    /// # Errors
    /// A port that cannot be opened, a metric that is there already.
    pub async fn bind(
        settings: ActuatorSettings,
        credentials: Arc<dyn CredentialsProvider>,
        security: Security,
        metrics: Metrics,
        health: Health,
    ) -> Result<Self, ActuatorError> {
        let actuator_metrics = ActuatorMetrics::new(&metrics)?;
        let ports = Ports::bind(settings.listen, settings.admin.listen, health.clone(), metrics).await?;
        Ok(Self {
            settings,
            credentials,
            security,
            metrics: actuator_metrics,
            health,
            ports,
        })
    }

    /// Where the gRPC service is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.address()
    }

    /// Where `/livez`, `/readyz` and `/metrics` are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.ports.admin_address()
    }

    /// Serves until `stop`; then takes no new batch, ends the Watch streams, lets batches finish their current operation, and closes the
    /// ports. Turn readiness off before (see [`clb_telemetry::Signals::shut_down`]).
    ///
    /// # Errors
    /// A port that breaks, an endpoint or certificates that cannot be used.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ActuatorError> {
        let ending = stop.child_token();
        let _ends_streams = ending.clone().drop_guard();
        let background_stop = CancellationToken::new();
        let _ends_background = background_stop.clone().drop_guard();
        let background = TaskTracker::new();
        let batches = TaskTracker::new();
        let regions = self.regions(&background, &background_stop)?;
        let executor = Arc::new(Executor::new(
            regions,
            Access::new(&self.settings.clusters),
            Arc::clone(&self.metrics),
            batches.clone(),
            ending.clone(),
            self.settings.batches,
        ));

        let service = Service::new(
            executor,
            self.security.trust(),
            ending.clone(),
            background.clone(),
        );
        let (address, admin) = (self.address(), self.admin_address());
        let grpc = Grpc {
            name: NAME,
            security: &self.security,
            // Each batch is a stream of its own; the library's 200 would hold up urgent ones behind those that wait for a limit.
            streams: Some(STREAMS),
            routes: Routes::new(
                ActuatorServiceServer::new(service)
                    .max_decoding_message_size(LARGEST_MESSAGE)
                    .max_encoding_message_size(LARGEST_MESSAGE),
            ),
        };
        let mut serving = self.ports.serve(grpc, ending.clone())?;
        tracing::info!(%address, %admin, "the actuator is serving");

        tokio::select! {
            () = serving.ended() => {}
            () = stop.cancelled() => {}
        }
        ending.cancel();
        batches.close();
        let grace = self.settings.shutdown_grace;
        let last_calls = async {
            batches.wait().await;
            serving.ended().await;
        };
        if timeout(grace, last_calls).await.is_err() {
            tracing::warn!(?grace, "batches or callers did not end in time and are cut off");
        }
        background_stop.cancel();
        background.close();
        if timeout(BACKGROUND_GRACE, background.wait()).await.is_err() {
            tracing::warn!(grace = ?BACKGROUND_GRACE, "background tasks did not end in time and are left behind");
        }
        Ok(serving.close().await?)
    }

    /// Every region that a cluster uses, with its mirror filling.
    fn regions(
        &self,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<HashMap<String, Arc<Region>>, ActuatorError> {
        let mut clusters: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for cluster in &self.settings.clusters {
            clusters
                .entry(&cluster.region)
                .or_default()
                .insert(cluster.id.clone());
        }
        // Until actuators hold Leases, the time of the start orders the versions of one actuator and the next.
        let term = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
        let pace = AuditPace {
            interval: self.settings.audit_interval,
            rate: self.settings.audit_rate,
        };
        clusters
            .into_iter()
            .map(|(name, clusters)| {
                let cloud = Arc::new(self.cloud(name, tasks, stop)?);
                let mirror = Mirror::new(
                    Arc::clone(&cloud),
                    Arc::clone(&self.metrics),
                    self.health.check(format!("mirror/{name}"), Kind::Informational),
                    clusters,
                    (term, pace),
                    (tasks.clone(), stop.clone()),
                );
                mirror.start();
                let region = Region {
                    cloud,
                    mirror,
                    locks: Locks::default(),
                    enis: Enis::default(),
                };
                Ok((name.to_owned(), Arc::new(region)))
            })
            .collect()
    }

    fn cloud(
        &self,
        region: &str,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Cloud, ActuatorError> {
        let failed = |source| ActuatorError::Cloud {
            region: region.to_owned(),
            source,
        };
        let network = match self.settings.network {
            NetworkSetting::Public => Network::Public,
            NetworkSetting::Vpc => Network::Vpc,
        };
        let overrides = &self.settings.endpoints;
        let endpoints = Endpoints::new(region, network, |product| match product {
            Product::Slb => overrides.slb.clone(),
            Product::Ecs => overrides.ecs.clone(),
            Product::Vpc => overrides.vpc.clone(),
        })
        .map_err(|error| failed(error.into()))?;
        let client = Client::new(ClientSetup {
            region: region.to_owned(),
            endpoints,
            credentials: Arc::clone(&self.credentials),
        })
        .map_err(failed)?;
        let limits = Limits::new(
            region,
            Table::new(&self.settings),
            self.settings.limit_queue,
            Arc::clone(&self.metrics),
            tasks.clone(),
            stop.clone(),
        );
        Ok(Cloud::new(
            client,
            limits,
            Arc::clone(&self.metrics),
            self.health.check(format!("cloud/{region}"), Kind::Informational),
            self.settings.call_timeout,
        ))
    }
}

impl std::fmt::Debug for Actuator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actuator")
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
