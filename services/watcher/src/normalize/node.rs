//! Nodes.

use clb_model::cluster::{Node, NodeReady};

use crate::slim;

/// The few fields that matter. Taints are ordered: their order in the object means nothing.
pub(crate) fn node(node: &slim::Node) -> Node {
    let (metadata, spec) = (&node.metadata, &node.spec);
    let mut taints: Vec<String> = spec
        .taints
        .iter()
        .flatten()
        .map(|taint| taint.key.clone())
        .collect();
    taints.sort_unstable();
    taints.dedup();
    Node {
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        provider_id: spec.provider_id.clone().unwrap_or_default(),
        labels: metadata.labels.clone().unwrap_or_default(),
        taints,
        unschedulable: spec.unschedulable.unwrap_or(false),
        ready: node
            .status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.kind == "Ready")
            .map(ready),
        deleting: metadata.deletion_timestamp.is_some(),
    }
}

fn ready(condition: &slim::NodeCondition) -> NodeReady {
    let since = condition.last_transition_time.as_ref();
    NodeReady {
        // Unknown means that the node has not been heard of: not ready.
        ready: condition.status == "True",
        since_ms: since.map_or(0, |time| u64::try_from(time.0.as_millisecond()).unwrap_or(0)),
    }
}
