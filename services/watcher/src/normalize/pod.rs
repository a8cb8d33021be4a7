//! Pods that have a readiness gate of ours.

use std::collections::BTreeMap;

use clb_model::ServiceKey;
use clb_model::cluster::{Endpoint, EndpointSet};
use clb_model::marks;

use crate::slim;

/// The kubelet's reason of the condition Ready while only readiness gates stand in its way.
const HELD_BACK_REASON: &str = "ReadinessGatesNotReady";

/// What a store keeps of a pod that has a gate of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatedPod {
    uid: String,
    /// Whether the gate's condition is True, by the Service's name.
    gates: BTreeMap<String, bool>,
    /// It is Ready, or nothing but gates keeps it from being so.
    serves: bool,
    terminating: bool,
}

/// None for a pod without a gate of ours.
pub(crate) fn pod(pod: &slim::Pod) -> Option<GatedPod> {
    let conditions = pod.status.conditions.as_deref().unwrap_or_default();
    let condition = |kind: &str| conditions.iter().find(|condition| condition.kind == kind);
    let is_true = |kind: &str| condition(kind).is_some_and(|condition| condition.status == "True");
    let all: Vec<&str> = pod
        .spec
        .readiness_gates
        .iter()
        .flatten()
        .map(|gate| gate.condition_type.as_str())
        .collect();
    let gates: BTreeMap<String, bool> = all
        .iter()
        .filter_map(|kind| Some((marks::readiness_gate_service(kind)?.to_owned(), is_true(kind))))
        .collect();
    if gates.is_empty() {
        return None;
    }
    // With all gates True the kubelet may not have seen it yet. Anything else that makes a pod with ready containers unready, as the
    // loss of its node, has another reason, and takes the pod out of service.
    let only_gates_are_missing = all.iter().any(|kind| !is_true(kind))
        || condition("Ready").is_some_and(|ready| ready.reason.as_deref() == Some(HELD_BACK_REASON));
    Some(GatedPod {
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        gates,
        // A slice may be behind the pod: one that has just become Ready does not stop being a backend until the slice says so too.
        serves: is_true("ContainersReady") && (is_true("Ready") || only_gates_are_missing),
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
/// only gates are missing, and waits for its gate. `pod_of` gives the pod of a name in the Service's namespace.
pub(crate) fn mark_gated<'p>(
    service: &ServiceKey,
    sets: &mut [EndpointSet],
    pod_of: impl Fn(&str) -> Option<&'p GatedPod>,
) {
    for endpoint in sets.iter_mut().flat_map(|set| &mut set.endpoints) {
        mark(service, endpoint, &pod_of);
    }
}

fn mark<'p>(
    service: &ServiceKey,
    endpoint: &mut Endpoint,
    pod_of: impl Fn(&str) -> Option<&'p GatedPod>,
) -> Option<()> {
    let reference = endpoint.pod.as_mut()?;
    let gated = pod_of(&reference.name).filter(|pod| pod.is_meant(&reference.uid))?;
    let gate_is_set = gated.gates.get(&service.name)?;
    // Slices that somebody wrote by hand may lack it, and a gate is set by it only.
    reference.uid.clone_from(&gated.uid);
    if !endpoint.terminating && !gated.terminating {
        endpoint.ready |= gated.serves;
        endpoint.serving |= gated.serves;
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

    fn read(gates: &[&str], conditions: &[(&str, &str, &str)]) -> Option<GatedPod> {
        let gates: Vec<Value> = gates.iter().map(|gate| json!({"conditionType": gate})).collect();
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status, reason)| json!({"type": kind, "status": status, "reason": reason}))
            .collect();
        let object = json!({
            "metadata": {"name": "p", "namespace": "default", "uid": "uid-p", "labels": {"app": "web"}},
            "spec": {"readinessGates": gates}, "status": {"conditions": conditions},
        });
        pod(&serde_json::from_value(object).unwrap())
    }

    /// Ready, serving and awaiting of an endpoint that the slice says is not ready.
    fn marked(pod: &GatedPod, terminating: bool) -> (bool, bool, bool) {
        let endpoint = Endpoint {
            address: "10.0.0.1".parse().unwrap(),
            node_name: None,
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
        }];
        mark_gated(&ServiceKey::new("default", "web"), &mut sets, |_| Some(pod));
        let endpoint = &sets[0].endpoints[0];
        (endpoint.ready, endpoint.serving, endpoint.awaits_readiness_gate)
    }

    #[test]
    fn only_pods_with_a_gate_of_ours_are_kept() {
        assert_eq!(read(&[], &[]), None);
        assert_eq!(read(&["example.com/gate"], &[]), None);
        let both = read(&[WEB, API, "example.com/gate"], &[(API, "True", "")]).unwrap();
        let services = ["api", "web"].map(|name| ServiceKey::new("default", name));
        assert_eq!(both.services("default"), services);
        assert_eq!((both.gates["web"], both.gates["api"]), (false, true));
    }

    #[test]
    fn a_pod_counts_as_ready_while_only_gates_are_missing() {
        let containers = ("ContainersReady", "True", "");
        let held = ("Ready", "False", "ReadinessGatesNotReady");
        for (case, conditions, expected) in [
            (
                "containers start",
                vec![("ContainersReady", "False", "ContainersNotReady")],
                (false, false, true),
            ),
            ("the gate is missing", vec![containers, held], (true, true, true)),
            (
                "the kubelet has not seen the gate yet",
                vec![containers, held, (WEB, "True", "")],
                (true, true, false),
            ),
            (
                "the slice is behind",
                vec![containers, ("Ready", "True", ""), (WEB, "True", "")],
                (true, true, false),
            ),
            // The node's controller changes the status alone, and the reason stays empty as it was while the pod was Ready.
            (
                "the node is lost",
                vec![containers, ("Ready", "False", ""), (WEB, "True", "")],
                (false, false, false),
            ),
        ] {
            let pod = read(&[WEB], &conditions).unwrap();
            assert_eq!(marked(&pod, false), expected, "{case}");
        }
    }

    #[test]
    fn what_terminates_waits_for_nothing() {
        let mut pod = read(&[WEB], &[("ContainersReady", "True", "")]).unwrap();
        assert_eq!(marked(&pod, true), (false, false, false));
        pod.terminating = true;
        assert_eq!(marked(&pod, false), (false, false, false));
    }

    #[test]
    fn another_services_gate_that_is_missing_takes_no_registered_pod_away() {
        let conditions = [
            ("ContainersReady", "True", ""),
            (WEB, "True", ""),
            (API, "False", ""),
        ];
        let pod = read(&[WEB, API], &conditions).unwrap();
        assert_eq!(marked(&pod, false), (true, true, false));
    }

    #[test]
    fn another_pod_of_the_name_is_not_meant() {
        let mut pod = read(&[WEB], &[("ContainersReady", "True", "")]).unwrap();
        pod.uid = "uid-of-the-next".to_owned();
        assert_eq!(marked(&pod, false), (false, false, false));
    }
}
