//! Pods that have a readiness gate of ours.

use std::collections::BTreeMap;

use clb_model::ServiceKey;
use clb_model::cluster::{Endpoint, EndpointSet};
use clb_model::marks;

use crate::slim;

/// What a store keeps of a pod that has a gate of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatedPod {
    uid: String,
    /// Whether the gate's condition is True, by the Service's name.
    gates: BTreeMap<String, bool>,
    /// Its containers are ready: nothing but gates keeps it from being so.
    serves: bool,
    terminating: bool,
}

/// None for a pod without a gate of ours.
pub(crate) fn pod(pod: &slim::Pod) -> Option<GatedPod> {
    let conditions = pod.status.conditions.as_deref().unwrap_or_default();
    let is_true = |kind: &str| {
        conditions
            .iter()
            .any(|condition| condition.kind == kind && condition.status == "True")
    };
    let all = pod.spec.readiness_gates.iter().flatten();
    let gates: BTreeMap<String, bool> = all
        .map(|gate| gate.condition_type.as_str())
        .filter_map(|kind| Some((marks::readiness_gate_service(kind)?.to_owned(), is_true(kind))))
        .collect();
    if gates.is_empty() {
        return None;
    }
    Some(GatedPod {
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        gates,
        serves: is_true("ContainersReady"),
        terminating: pod.metadata.deletion_timestamp.is_some(),
    })
}

impl GatedPod {
    /// The Services, all of the pod's namespace, whose gate it has.
    pub(crate) fn services(&self, namespace: &str) -> Vec<ServiceKey> {
        self.gates
            .keys()
            .map(|name| ServiceKey::new(namespace, name.as_str()))
            .collect()
    }

    /// Whether a slice's reference to a pod of this name means this one.
    fn is_meant(&self, uid: &str) -> bool {
        uid.is_empty() || uid == self.uid
    }
}

/// Endpoints whose pods have the Service's gate: such a pod is never `ready` before it is registered, so it counts as ready as soon as
/// its containers are, and waits for its gate. A slice may be behind the pod, too: one whose gate has just been set does not stop being a
/// backend until the slice says so.
///
/// Nobody tells that the containers of a lost node are not ready any more, only that the pod is not: there the slice's word counts.
/// `pod_of` gives the pod of a name in the Service's namespace, `is_lost` says whether a node of this name is known and not Ready.
pub(crate) fn mark_gated<'p>(
    service: &ServiceKey,
    sets: &mut [EndpointSet],
    pod_of: impl Fn(&str) -> Option<&'p GatedPod>,
    is_lost: impl Fn(&str) -> bool,
) {
    for endpoint in sets.iter_mut().flat_map(|set| &mut set.endpoints) {
        mark(service, endpoint, &pod_of, &is_lost);
    }
}

fn mark<'p>(
    service: &ServiceKey,
    endpoint: &mut Endpoint,
    pod_of: impl Fn(&str) -> Option<&'p GatedPod>,
    is_lost: impl Fn(&str) -> bool,
) -> Option<()> {
    let reference = endpoint.pod.as_mut()?;
    let gated = pod_of(&reference.name).filter(|pod| pod.is_meant(&reference.uid))?;
    let gate_is_set = gated.gates.get(&service.name)?;
    // Slices that somebody wrote by hand may lack it, and a gate is set by it only.
    reference.uid.clone_from(&gated.uid);
    if !endpoint.terminating && !gated.terminating {
        let serves = gated.serves && !endpoint.node_name.as_deref().is_some_and(is_lost);
        endpoint.ready |= serves;
        endpoint.serving |= serves;
        endpoint.awaits_readiness_gate = !gate_is_set;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use clb_model::cluster::PodRef;
    use serde_json::{Value, json};

    use super::*;

    const WEB: &str = "service.readiness.alibabacloud.com/web";
    const API: &str = "service.readiness.alibabacloud.com/api";

    fn read(gates: &[&str], conditions: &[(&str, &str)]) -> Option<GatedPod> {
        let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status)| json!({"type": kind, "status": status}))
            .collect();
        let object = json!({
            "metadata": {"name": "p", "namespace": "default", "uid": "uid-p", "labels": {"app": "web"}},
            "spec": {"readinessGates": gates}, "status": {"conditions": conditions},
        });
        pod(&serde_json::from_value(object).unwrap())
    }

    /// Ready, serving and awaiting of an endpoint on this node that the slice says is not ready; the node lost is so.
    fn marked_on(node: &str, pod: &GatedPod, terminating: bool) -> (bool, bool, bool) {
        let endpoint = Endpoint {
            address: "10.0.0.1".parse().unwrap(),
            node_name: Some(node.to_owned()),
            ready: false,
            serving: false,
            terminating,
            pod: Some(PodRef {
                name: "p".to_owned(),
                uid: "uid-p".to_owned(),
            }),
            awaits_readiness_gate: false,
        };
        let mut sets = [EndpointSet {
            ports: Vec::new(),
            endpoints: vec![endpoint],
            host_names: 0,
        }];
        let service = ServiceKey::new("default", "web");
        mark_gated(&service, &mut sets, |_| Some(pod), |name| name == "lost");
        let endpoint = &sets[0].endpoints[0];
        (endpoint.ready, endpoint.serving, endpoint.awaits_readiness_gate)
    }

    fn marked(pod: &GatedPod, terminating: bool) -> (bool, bool, bool) {
        marked_on("n1", pod, terminating)
    }

    #[test]
    fn only_pods_with_a_gate_of_ours_are_kept() {
        assert_eq!(read(&[], &[]), None);
        assert_eq!(read(&["example.com/gate"], &[]), None);
        let both = read(&[WEB, API, "example.com/gate"], &[(API, "True")]).unwrap();
        let services = ["api", "web"].map(|name| ServiceKey::new("default", name));
        assert_eq!(both.services("default"), services);
        assert_eq!((both.gates["web"], both.gates["api"]), (false, true));
    }

    #[test]
    fn a_pod_counts_as_ready_as_soon_as_its_containers_are() {
        let containers = ("ContainersReady", "True");
        for (case, conditions, expected) in [
            ("nothing is known", vec![], (false, false, true)),
            (
                "containers start",
                vec![("ContainersReady", "False"), ("Ready", "False")],
                (false, false, true),
            ),
            (
                "the gate is missing",
                vec![containers, ("Ready", "False")],
                (true, true, true),
            ),
            (
                "the kubelet has not seen the gate yet",
                vec![containers, ("Ready", "False"), (WEB, "True")],
                (true, true, false),
            ),
            (
                "the slice is behind",
                vec![containers, ("Ready", "True"), (WEB, "True")],
                (true, true, false),
            ),
        ] {
            let pod = read(&[WEB], &conditions).unwrap();
            assert_eq!(marked(&pod, false), expected, "{case}");
        }
    }

    #[test]
    fn on_a_lost_node_the_slices_word_counts() {
        let conditions = [("ContainersReady", "True"), ("Ready", "False"), (WEB, "True")];
        let pod = read(&[WEB], &conditions).unwrap();
        assert_eq!(marked_on("lost", &pod, false), (false, false, false));
        assert_eq!(marked_on("n1", &pod, false), (true, true, false));
    }

    #[test]
    fn what_terminates_waits_for_nothing() {
        let mut pod = read(&[WEB], &[("ContainersReady", "True")]).unwrap();
        assert_eq!(marked(&pod, true), (false, false, false));
        pod.terminating = true;
        assert_eq!(marked(&pod, false), (false, false, false));
    }

    #[test]
    fn another_services_gate_that_is_missing_takes_no_registered_pod_away() {
        let conditions = [("ContainersReady", "True"), (WEB, "True"), (API, "False")];
        let pod = read(&[WEB, API], &conditions).unwrap();
        assert_eq!(marked(&pod, false), (true, true, false));
    }

    #[test]
    fn another_pod_of_the_name_is_not_meant() {
        let mut pod = read(&[WEB], &[("ContainersReady", "True")]).unwrap();
        pod.uid = "uid-of-the-next".to_owned();
        assert_eq!(marked(&pod, false), (false, false, false));
    }
}
