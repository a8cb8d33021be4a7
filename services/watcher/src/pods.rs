//! The pods that have a readiness gate of ours, for [`crate::stores`]. All other pods are forgotten as they are read.

use std::collections::{BTreeSet, HashMap};

use clb_model::ServiceKey;
use clb_model::cluster::EndpointSet;

use crate::normalize::{self, GatedPod};
use crate::stores::ObjectName;

/// By namespace and name.
#[derive(Debug, Default)]
pub(crate) struct GatedPods {
    by_namespace: HashMap<String, HashMap<String, GatedPod>>,
}

impl GatedPods {
    /// Takes in a pod as it is now, none when it is gone or has no gate. Returns the Services to which that matters.
    pub(crate) fn put(
        &mut self,
        (namespace, name): &ObjectName,
        pod: Option<GatedPod>,
    ) -> BTreeSet<ServiceKey> {
        let services = |pod: &GatedPod| pod.services(namespace);
        let Some(pod) = pod else {
            let Some(pods) = self.by_namespace.get_mut(namespace) else {
                return BTreeSet::new();
            };
            let gone = pods.remove(name);
            if pods.is_empty() {
                self.by_namespace.remove(namespace);
            }
            return gone.iter().flat_map(services).collect();
        };
        let pods = self.by_namespace.entry(namespace.clone()).or_default();
        let before = pods.get(name);
        if before == Some(&pod) {
            return BTreeSet::new();
        }
        let touched = before.into_iter().chain([&pod]).flat_map(services).collect();
        pods.insert(name.clone(), pod);
        touched
    }

    /// Marks the endpoints of a Service whose pods have its gate. `is_lost` says whether a node is known and not Ready.
    pub(crate) fn mark(
        &self,
        service: &ServiceKey,
        sets: &mut [EndpointSet],
        is_lost: impl Fn(&str) -> bool,
    ) {
        if let Some(pods) = self.by_namespace.get(&service.namespace) {
            normalize::mark_gated(service, sets, |name| pods.get(name), is_lost);
        }
    }

    /// The Services whose gates pods have.
    pub(crate) fn services(&self) -> BTreeSet<ServiceKey> {
        let pods = self.by_namespace.iter();
        pods.flat_map(|(namespace, pods)| pods.values().flat_map(|pod| pod.services(namespace)))
            .collect()
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = ObjectName> {
        let pods = self.by_namespace.iter();
        pods.flat_map(|(namespace, pods)| pods.keys().map(|name| (namespace.clone(), name.clone())))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_namespace.values().map(HashMap::len).sum()
    }
}
