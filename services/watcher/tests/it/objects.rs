//! Objects for the simulated cluster.

use serde_json::{Value, json};

/// A Service of ours.
pub(crate) fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"name": "web", "port": 80, "targetPort": 8080}],
        },
    })
}

/// The same with other members of `metadata` or `spec`.
pub(crate) fn service_with(name: &str, metadata: &Value, spec: &Value) -> Value {
    let mut object = service(name);
    for (part, members) in [("metadata", metadata), ("spec", spec)] {
        for (member, value) in members.as_object().into_iter().flatten() {
            object[part][member] = value.clone();
        }
    }
    object
}

/// A slice of a Service's endpoints.
pub(crate) fn slice(name: &str, service: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"addresses": [address], "conditions": {"ready": true}, "nodeName": "n1"}))
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": name, "namespace": "default",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "web", "protocol": "TCP", "port": 8080}],
        "endpoints": endpoints,
    })
}

/// A Node of an ECS instance.
pub(crate) fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"zone": "a"}},
        "spec": {"providerID": format!("cn-hangzhou.i-{name}")},
    })
}

/// `status` of a Node that is Ready or not.
pub(crate) fn node_status(ready: bool, since: &str) -> Value {
    let status = if ready { "True" } else { "False" };
    json!({"status": {"conditions": [{
        "type": "Ready", "status": status, "lastTransitionTime": since, "lastHeartbeatTime": since,
        "reason": "Kubelet", "message": "",
    }]}})
}
