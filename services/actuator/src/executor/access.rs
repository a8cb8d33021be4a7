//! What a cluster may use, as the configuration says, and what it may never touch.

use std::collections::HashMap;
use std::sync::Arc;

use clb_model::cloud::LoadBalancer;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG, default_name};
use clb_model::operation::{Batch, CloudError, ErrorClass, NewLoadBalancer, Outcome};

use crate::settings::ClusterSettings;

/// A request for something that the configuration does not give the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAllowed {
    /// The cluster is not configured.
    #[error("cluster {0} is not among the actuator's clusters")]
    Cluster(String),
    /// Another region than the configured one.
    #[error("cluster {cluster} may use region {allowed}, not {region}")]
    Region {
        /// The cluster.
        cluster: String,
        /// What it asked for.
        region: String,
        /// What it may use.
        allowed: String,
    },
}

/// The configured clusters.
#[derive(Debug, Clone)]
pub(crate) struct Access(HashMap<String, Arc<ClusterSettings>>);

impl Access {
    pub(crate) fn new(clusters: &[ClusterSettings]) -> Self {
        Self(
            clusters
                .iter()
                .map(|cluster| (cluster.id.clone(), Arc::new(cluster.clone())))
                .collect(),
        )
    }

    /// The settings of a cluster that asks for a region.
    pub(crate) fn cluster(&self, id: &str, region: &str) -> Result<Arc<ClusterSettings>, NotAllowed> {
        let cluster = self.0.get(id).ok_or_else(|| NotAllowed::Cluster(id.to_owned()))?;
        if cluster.region != region {
            return Err(NotAllowed::Region {
                cluster: id.to_owned(),
                region: region.to_owned(),
                allowed: cluster.region.clone(),
            });
        }
        Ok(Arc::clone(cluster))
    }
}

/// Whether the cluster may create such a CLB.
pub(super) fn check_new(cluster: &ClusterSettings, new: &NewLoadBalancer) -> Result<(), Outcome> {
    if let Some(vpc) = &new.vpc_id
        && !cluster.vpc_ids.contains(vpc)
    {
        return Err(denied(format!(
            "cluster {} may use the VPCs {}, not {vpc}; see clusters in the actuator's configuration",
            cluster.id,
            cluster.vpc_ids.join(", ")
        )));
    }
    let group = new.resource_group_id.as_deref().unwrap_or_default();
    check_resource_group(cluster, group)
}

/// Whether the batch may change a CLB at all: not one of another cluster, not one outside of the cluster's resource groups.
pub(super) fn check_existing(cluster: &ClusterSettings, load_balancer: &LoadBalancer) -> Result<(), Outcome> {
    match load_balancer.tags.get(CLUSTER_TAG) {
        Some(owner) if *owner != cluster.id => Err(denied(format!(
            "{} belongs to cluster {owner}, not to {}",
            load_balancer.id, cluster.id
        ))),
        _ => check_resource_group(cluster, &load_balancer.resource_group_id),
    }
}

/// Whether the batch may delete a CLB: only one that was created for its Service.
pub(super) fn check_deletion(batch: &Batch, load_balancer: &LoadBalancer) -> Result<(), Outcome> {
    let name = default_name(&batch.service);
    if load_balancer.tags.get(OWNER_TAG) == Some(&name) || load_balancer.name == name {
        Ok(())
    } else {
        Err(denied(format!(
            "{} was not created for Service {}: it carries neither its tag nor its name",
            load_balancer.id, batch.service_key
        )))
    }
}

fn check_resource_group(cluster: &ClusterSettings, group: &str) -> Result<(), Outcome> {
    let allowed = &cluster.resource_group_ids;
    if allowed.is_empty() || group.is_empty() || allowed.iter().any(|one| one == group) {
        return Ok(());
    }
    Err(denied(format!(
        "cluster {} may use the resource groups {}, not {group}; see clusters in the actuator's configuration",
        cluster.id,
        allowed.join(", ")
    )))
}

fn denied(message: String) -> Outcome {
    Outcome::Rejected(CloudError {
        class: ErrorClass::Denied,
        code: "ActuatorConfiguration".to_owned(),
        message,
        request_id: String::new(),
    })
}
