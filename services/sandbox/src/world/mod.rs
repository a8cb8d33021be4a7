//! Everything that runs in a sandbox: the simulated cloud, the clusters with their Nodes and pods, and the three services.
//!
//! The command starts one; the end-to-end suite starts them with simulated and with real API servers.

mod cluster;
mod services;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use cloud_sim::{CloudSim, lab};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use cluster::{KubeApi, LabCluster};
pub use services::{Component, Keys, Services};

use crate::view::PlannerView;
use crate::workload::Layout;
use cluster::AccountInterfaces;
use settings::Configured;

/// What a sandbox is made of.
#[derive(Debug)]
pub struct Options {
    /// One for each cluster.
    pub apis: Vec<KubeApi>,
    /// Nodes of each cluster.
    pub nodes: usize,
    /// Pods behind each selector.
    pub pods: usize,
    /// The first cluster's Nodes and pods, in place of so many.
    pub layout: Option<Layout>,
    /// Whether the account's request limits are enforced, by the cloud and by the actuator.
    pub limits: bool,
    /// Whether the account has the quotas that every account begins with; the planner knows them as they are.
    pub quotas: bool,
    /// More fields of every cluster in the planner's configuration, as `node_grace: 2s, drain_leaving_nodes: true`.
    pub cluster_settings: String,
    /// The load balancer class that the planner and the watchers serve.
    pub load_balancer_class: Option<String>,
    /// A folder for certificates, kubeconfigs and configuration files; made if it is not there.
    pub folder: PathBuf,
    /// The keys that the actuator is given.
    pub keys: Keys,
}

impl Options {
    /// `clusters` simulated clusters of three nodes, no limits, no quotas.
    #[must_use]
    pub fn simulated(clusters: usize, folder: PathBuf) -> Self {
        Self {
            apis: (0..clusters).map(|_| KubeApi::Simulated).collect(),
            nodes: 3,
            pods: 2,
            layout: None,
            limits: false,
            quotas: false,
            cluster_settings: String::new(),
            load_balancer_class: None,
            folder,
            keys: Keys::default(),
        }
    }
}

/// A running sandbox.
pub struct World {
    /// The simulated cloud.
    pub cloud: CloudSim,
    /// The clusters, in the order of [`Options::apis`].
    pub clusters: Vec<LabCluster>,
    /// The three services.
    pub services: Services,
    /// What the planner tells operators.
    pub view: PlannerView,
    workloads: TaskTracker,
    stop_workloads: CancellationToken,
}

impl World {
    /// Starts everything: the cloud, the clusters with Nodes, and the services.
    ///
    /// # Errors
    /// Whatever could not be started, with its name.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let cloud = Self::start_cloud(&options).await?;
        Self::start_with(options, cloud).await
    }

    /// Starts everything around a cloud that holds something already.
    ///
    /// # Errors
    /// Whatever could not be started, with its name.
    pub async fn start_with(options: Options, cloud: CloudSim) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.folder)
            .with_context(|| format!("making the folder {}", options.folder.display()))?;
        let workloads = TaskTracker::new();
        let stop_workloads = CancellationToken::new();
        let account = cloud.cloud().account(cloud_sim::DEFAULT_ACCOUNT);
        let mut clusters = Vec::with_capacity(options.apis.len());
        let mut layout = options.layout;
        for (index, api) in options.apis.into_iter().enumerate() {
            let cluster =
                LabCluster::start(index, api, options.nodes, layout.take(), &options.folder).await?;
            cluster.register_instances(&account);
            let workload = cluster.workload(AccountInterfaces::new(account.clone()), options.pods);
            workloads.spawn(workload.run(stop_workloads.clone()));
            clusters.push(cluster);
        }
        let services = Services::start(
            &options.folder,
            &cloud.endpoint(),
            &clusters,
            Configured {
                limits: options.limits,
                quotas: options.quotas,
                cluster_settings: &options.cluster_settings,
                load_balancer_class: options.load_balancer_class.as_deref(),
            },
            &options.keys,
        )
        .await?;
        let view = PlannerView::new(services.operator_channel().await?);
        Ok(Self {
            cloud,
            clusters,
            services,
            view,
            workloads,
            stop_workloads,
        })
    }

    /// The simulated cloud alone, with the lab of the examples in it.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start_cloud(options: &Options) -> anyhow::Result<CloudSim> {
        let cloud_options = cloud_sim::Options {
            limits: options.limits.then(cloud_sim::Limits::default),
            ..cloud_sim::Options::default()
        };
        let cloud = CloudSim::start(cloud_options)
            .await
            .context("starting the simulated cloud")?;
        if !options.quotas {
            // The quotas of a new account would end a large run.
            cloud
                .cloud()
                .change_circumstances(|circumstances| circumstances.quotas = cloud_sim::Quotas::unlimited());
        }
        lab::build(&cloud.cloud().account(cloud_sim::DEFAULT_ACCOUNT)).context("building the lab")?;
        Ok(cloud)
    }

    /// How many calls named each CLB, by its id.
    #[must_use]
    pub fn calls_by_load_balancer(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for call in self.cloud.cloud().calls() {
            if let Some(id) = call.parameters.get("LoadBalancerId") {
                *calls.entry(id.clone()).or_default() += 1;
            }
        }
        calls
    }

    /// Ends the services first, so that their last writes find an API, then everything else.
    pub async fn shutdown(self) {
        self.services.shutdown().await;
        self.stop_workloads.cancel();
        self.workloads.close();
        self.workloads.wait().await;
        for cluster in self.clusters {
            cluster.shutdown().await;
        }
        self.cloud.shutdown().await;
    }
}
