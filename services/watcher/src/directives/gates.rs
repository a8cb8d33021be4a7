//! Sets the readiness gates of pods: `status.conditions` gets a condition of the gate's type, and the kubelet makes the pod Ready.

use clb_model::cluster::PodRef;
use clb_model::directive::Directive;
use clb_model::marks;
use futures::{StreamExt as _, stream};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::apply::{Applier, Step, Stop};
use crate::slim::Pod;

/// How many pods of one Service are written at a time.
const AT_A_TIME: usize = 8;

impl Applier {
    /// Sets the gate on every pod. One that cannot be written holds up no other.
    pub(super) async fn set_gates(&self, directive: &Directive) -> Result<(), Stop> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &directive.service.namespace);
        let gate = marks::readiness_gate(&directive.service.name);
        let wanted = &directive.writes.readiness_gates;
        let writes: Vec<_> = wanted
            .iter()
            .map(|pod| self.set_gate(&pods, &gate, pod))
            .collect();
        let outcomes: Vec<Option<String>> = stream::iter(writes).buffered(AT_A_TIME).collect().await;
        let failures: Vec<String> = outcomes.into_iter().flatten().collect();
        if failures.is_empty() {
            Ok(())
        } else {
            Err(Stop::Failed(Step::ReadinessGate, failures.join("; ")))
        }
    }

    /// What went wrong. A pod that is gone, or in whose place there is another, needs no gate.
    async fn set_gate(&self, pods: &Api<Pod>, gate: &str, pod: &PodRef) -> Option<String> {
        let patch = Patch::Strategic(patch(gate, pod, Timestamp::now()));
        let parameters = PatchParams::default();
        let writing = pods.patch_status(&pod.name, &parameters, &patch);
        match self.call(Step::ReadinessGate, writing).await {
            Ok(_) | Err(Stop::Gone) => None,
            Err(Stop::Conflict) => Some(format!("pod {} changed while it was written", pod.name)),
            Err(Stop::Failed(_, reason)) => Some(format!("pod {}: {reason}", pod.name)),
        }
    }
}

/// Conditions are merged by their type, so that those of others stay.
fn patch(gate: &str, pod: &PodRef, now: Timestamp) -> Value {
    json!({
        "metadata": {"uid": pod.uid},
        "status": {"conditions": [{
            "type": gate,
            "status": "True",
            "reason": "BackendRegistered",
            "message": "the pod is a backend of the Service's load balancer",
            "lastTransitionTime": now,
        }]},
    })
}
