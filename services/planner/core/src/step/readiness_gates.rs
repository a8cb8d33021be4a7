//! Which of the pods that wait for our readiness gate are registered: their gate is set.

use clb_model::cloud::{BackendKey, LoadBalancer, Server};
use clb_model::cluster::PodRef;

use crate::desired::{GatedPod, Registration, VServerGroupIdentity};
use crate::plan::{Plan, observed_group};

/// Those whose traffic can reach them now, as the mirror shows the CLB, through the groups that the plan has in force.
pub(super) fn registered(pods: &[GatedPod], plan: &Plan, load_balancer: &LoadBalancer) -> Vec<PodRef> {
    pods.iter()
        .filter(|gated| {
            gated
                .needs
                .iter()
                .all(|(group, registration)| match plan.replaced_groups.get(group) {
                    None => is_there(load_balancer, group, registration),
                    Some(Some(other)) => is_there(load_balancer, other, registration),
                    Some(None) => true,
                })
        })
        .map(|gated| gated.pod.clone())
        .collect()
}

fn is_there(
    load_balancer: &LoadBalancer,
    identity: &VServerGroupIdentity,
    registration: &Registration,
) -> bool {
    let Some((_, group)) = observed_group(load_balancer, identity) else {
        return false;
    };
    let (server, port) = match registration {
        Registration::Group => return true,
        Registration::Instance { id, port } => (Server::Instance(id), *port),
        Registration::Address { address, port } => (Server::Address(*address), *port),
    };
    let key = BackendKey { server, port };
    group.backends.iter().any(|backend| backend.key() == key)
}
