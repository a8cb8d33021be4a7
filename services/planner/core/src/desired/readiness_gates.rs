//! What pods that wait for our readiness gate wait for: their backends, in the groups of all ports of the Service
//! that they serve.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cluster::{PodRef, TrafficPolicy};

use super::context::Context;
use super::endpoints::{self, Usable};
use super::ports::Port;
use super::{GatedPod, Registration};
use super::{families, nodes};
use crate::settings::BackendType;

/// The pods that wait and can be registered, ordered by UID.
pub(super) fn gated_pods(context: &Context<'_>) -> Vec<GatedPod> {
    let service = context.inputs.service;
    let mut endpoints = service.endpoints.iter().flat_map(|set| &set.endpoints);
    if !endpoints.any(|endpoint| endpoint.awaits_readiness_gate) {
        return Vec::new();
    }
    let family = families::of_endpoints(context);
    let mut pods: BTreeMap<&str, GatedPod> = BTreeMap::new();
    let mut unreachable: BTreeSet<&str> = BTreeSet::new();
    for port in &context.ports.ports {
        let identity = context.vgroup_identity(port);
        for endpoint in endpoints::usable(service, port.spec, family) {
            let Some(pod) = endpoint.waiting else { continue };
            match (&identity, registration(context, port, endpoint)) {
                (Some(identity), Some(registration)) => pods
                    .entry(&pod.uid)
                    .or_insert_with(|| waiting(pod))
                    .needs
                    .push((identity.clone(), registration)),
                _ => drop(unreachable.insert(&pod.uid)),
            }
        }
    }
    pods.retain(|uid, _| !unreachable.contains(uid));
    pods.into_values().collect()
}

fn waiting(pod: &PodRef) -> GatedPod {
    GatedPod {
        pod: pod.clone(),
        needs: Vec::new(),
    }
}

/// How a pod's being registered for a port shows; none while it cannot be a backend at all.
fn registration(context: &Context<'_>, port: &Port<'_>, endpoint: Usable<'_>) -> Option<Registration> {
    let node = endpoint.node.and_then(|name| context.inputs.nodes.get(name));
    let is_backend_itself = context.backend_type == BackendType::Eni || node.is_some_and(nodes::is_virtual);
    if is_backend_itself {
        return Some(Registration::Address {
            address: endpoint.address,
            port: endpoint.port,
        });
    }
    match context.inputs.service.traffic_policy {
        TrafficPolicy::Cluster => Some(Registration::Group),
        TrafficPolicy::Local => Some(Registration::Instance {
            id: node?.instance_id()?.to_owned(),
            port: port.spec.node_port?,
        }),
    }
}
