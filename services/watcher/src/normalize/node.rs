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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fields_that_matter_arrive_in_one_order() {
        let object = json!({
            "metadata": {"name": "n1", "uid": "u", "labels": {"zone": "a"}},
            "spec": {
                "providerID": "cn-hangzhou.i-1", "unschedulable": true,
                "taints": [{"key": "z", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}, {"key": "z", "effect": "NoExecute"}],
            },
            "status": {"conditions": [
                {"type": "DiskPressure", "status": "False"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
            ]},
        });
        let node = node(&serde_json::from_value(object).unwrap());
        assert_eq!(node.instance_id(), Some("i-1"));
        assert_eq!(node.taints, ["a", "z"]);
        assert!(node.unschedulable && !node.deleting);
        let ready = NodeReady {
            ready: true,
            since_ms: 1_767_225_601_000,
        };
        assert_eq!(node.ready, Some(ready));
    }

    #[test]
    fn a_node_that_is_not_heard_of_is_not_ready_and_one_without_conditions_is_unknown() {
        let ready_of = |conditions| {
            let object = json!({"metadata": {"name": "n1"}, "status": {"conditions": conditions}});
            node(&serde_json::from_value(object).unwrap())
                .ready
                .map(|condition| condition.ready)
        };
        assert_eq!(
            ready_of(json!([{"type": "Ready", "status": "Unknown"}])),
            Some(false)
        );
        assert_eq!(ready_of(json!([])), None);
        assert_eq!(ready_of(json!(null)), None);
    }
}
