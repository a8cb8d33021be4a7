//! Carries out batches: one operation after the other, each call at its turn.
//!
//! - `registry`: one batch at a time per Service, the newest plan wins.
//! - `run`: a batch from its first operation to its last.
//! - `turn`: the limit first, then the CLB's lock; what to do when an attempt fails.
//! - `creations`: which creations were sent, and what became of them.
//! - `creation`, `load_balancer`, `vgroup`, `backends`, `listener`, `recreation`, `domain_extension`, `access_list`: the operations.
//!
//! Called by the gRPC edge. A batch lives on when its caller goes away.

mod access;
mod access_list;
mod backends;
mod bad_backend;
mod creation;
mod creations;
mod domain_extension;
mod listener;
mod load_balancer;
mod locks;
mod recreation;
mod registry;
mod run;
mod token;
mod turn;
mod vgroup;

use std::collections::HashMap;
use std::sync::Arc;

use clb_model::operation::{Batch, OperationResult};
use clb_telemetry::attributes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::cloud::Cloud;
use crate::enis::Enis;
use crate::metrics::ActuatorMetrics;
use crate::mirror::Mirror;

pub(crate) use access::{Access, NotAllowed};
use creations::Creations;
pub(crate) use locks::Locks;
pub(crate) use registry::NotNewer;
use registry::Registry;
use run::Run;

/// One region of the account: the cloud and what is known of it.
pub(crate) struct Region {
    /// The cloud behind its limits.
    pub(crate) cloud: Arc<Cloud>,
    /// What it holds.
    pub(crate) mirror: Arc<Mirror>,
    /// Whose turn it is.
    pub(crate) locks: Locks,
    /// Which ENI has which address.
    pub(crate) enis: Enis,
}

/// A batch that is not even begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The cluster may not do that.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The plan is old.
    #[error(transparent)]
    NotNewer(#[from] NotNewer),
    /// Too many are under way.
    #[error("{0} batches are under way already")]
    TooMany(usize),
}

/// Takes batches and runs them.
pub(crate) struct Executor {
    regions: HashMap<String, Arc<Region>>,
    access: Access,
    registry: Registry,
    creations: Arc<Creations>,
    metrics: Arc<ActuatorMetrics>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// How many batches may be under way.
    bound: usize,
}

impl Executor {
    /// For these regions; `bound` batches at most run on `tasks`, and end after their current operation once `stopping` is cancelled.
    pub(crate) fn new(
        regions: HashMap<String, Arc<Region>>,
        access: Access,
        metrics: Arc<ActuatorMetrics>,
        tasks: TaskTracker,
        stopping: CancellationToken,
        bound: usize,
    ) -> Self {
        Self {
            regions,
            access,
            registry: Registry::new(&stopping),
            stopping,
            bound,
            creations: Arc::new(Creations::new()),
            metrics,
            tasks,
        }
    }

    /// The region that a cluster may use.
    pub(crate) fn region(&self, cluster: &str, region: &str) -> Result<Arc<Region>, NotAllowed> {
        self.access.cluster(cluster, region)?;
        self.regions
            .get(region)
            .cloned()
            .ok_or_else(|| NotAllowed::Cluster(cluster.to_owned()))
    }

    /// Begins a batch. The results come one by one; there is room for all of them, so that a slow reader holds up nothing.
    pub(crate) fn submit(&self, batch: Batch) -> Result<mpsc::Receiver<OperationResult>, Refused> {
        let cluster = self.access.cluster(batch.cluster.as_str(), &batch.region)?;
        let region = self.region(batch.cluster.as_str(), &batch.region)?;
        if self.tasks.len() >= self.bound {
            return Err(Refused::TooMany(self.tasks.len()));
        }
        let ticket = self.registry.enter(&batch)?;
        let (results, receiver) = mpsc::channel(batch.operations.len().max(1));
        let span = tracing::info_span!(
            "batch",
            clb.cluster = %batch.cluster,
            clb.service = attributes::service(
                batch.cluster.as_str(),
                &batch.service_key.namespace,
                &batch.service_key.name,
            ),
            clb.load_balancer = batch.load_balancer.as_ref().map(tracing::field::display),
            operations = batch.operations.len(),
        );
        let run = Run::new(
            batch,
            cluster,
            region,
            Arc::clone(&self.creations),
            Arc::clone(&self.metrics),
            ticket,
            self.stopping.clone(),
        );
        self.metrics.batches_running.inc();
        let metrics = Arc::clone(&self.metrics);
        let task = async move {
            run.run(results).await;
            metrics.batches_running.dec();
        };
        self.tasks.spawn(task.instrument(span));
        Ok(receiver)
    }
}
