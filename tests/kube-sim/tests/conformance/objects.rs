//! EndpointSlices, Nodes, Pods, ConfigMaps, Endpoints, Namespaces, Leases and events: defaults and refusals.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Kind, conforms};

conforms!(
    endpoint_slices,
    endpoint_slice_updates,
    nodes,
    node_updates,
    leases,
    lease_updates,
    events,
    event_forms,
    pods,
    config_maps,
    namespaces
);

async fn endpoint_slices(api: &Api) {
    let slice = |name: &str, rest: Value| {
        let mut slice = json!({"metadata": {"name": name, "labels": {"kubernetes.io/service-name": "x"}}});
        for (key, value) in rest.as_object().expect("an object") {
            slice[key] = value.clone();
        }
        slice
    };
    for (name, rest) in [
        (
            "full",
            json!({"addressType": "IPv4", "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP", "appProtocol": "kubernetes.io/h2c"}],
            "endpoints": [{"addresses": ["10.1.2.3"], "conditions": {"ready": true, "serving": true, "terminating": false}, "nodeName": "n1", "zone": "z", "hostname": "h",
                "targetRef": {"kind": "Pod", "name": "p", "namespace": "d"}, "hints": {"forZones": [{"name": "z"}]}, "deprecatedTopology": {"a": "b"}}]}),
        ),
        ("bare", json!({"addressType": "IPv4"})),
        (
            "empty",
            json!({"addressType": "IPv6", "endpoints": [], "ports": []}),
        ),
        ("no-type", json!({"endpoints": []})),
        ("bad-type", json!({"addressType": "IPv5", "endpoints": []})),
        (
            "fqdn",
            json!({"addressType": "FQDN", "endpoints": [{"addresses": ["a.example.com"]}, {"addresses": ["nodots"]}, {"addresses": ["-a.b"]}]}),
        ),
        (
            "fqdn-good",
            json!({"addressType": "FQDN", "endpoints": [{"addresses": ["a.example.com"]}]}),
        ),
        (
            "no-addresses",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": []}, {}]}),
        ),
        (
            "bad-addresses",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["nope", "fd00::1", "127.0.0.1", "0.0.0.0", "010.1.1.1"]}]}),
        ),
        (
            "bad-v6",
            json!({"addressType": "IPv6", "endpoints": [{"addresses": ["10.1.1.1", "FD00::1", "::1", "fd00::1"]}]}),
        ),
        (
            "same-names",
            json!({"addressType": "IPv4", "ports": [{"port": 80}, {"port": 81}]}),
        ),
        (
            "bad-ports",
            json!({"addressType": "IPv4", "ports": [{"name": "A", "port": 80}, {"name": "b", "protocol": "x"}, {"name": "c", "appProtocol": "a b"}]}),
        ),
        ("no-port", json!({"addressType": "IPv4", "ports": [{"name": ""}]})),
        (
            "bad-fields",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.1.1"], "nodeName": "A b", "hostname": "a.b", "hints": {"forZones": [{"name": "a"}, {"name": "a"}, {"name": "a b"}]}}]}),
        ),
        (
            "many",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": vec!["10.1.1.1"; 101]}]}),
        ),
    ] {
        api.create("endpointslices", slice(name, rest)).await;
    }
    let path = api.path("endpointslices", "");
    let wrong = r#"{"metadata":{"name":"w"},"addressType":"IPv4","endpoints":[{"addresses":"10.0.0.1"}]}"#;
    api.send_text(Method::POST, &path, "application/json", Some(wrong.to_owned()))
        .await;
    let wrong = r#"{"metadata":{"name":"w"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":"yes"}}]}"#;
    api.send_text(Method::POST, &path, "application/json", Some(wrong.to_owned()))
        .await;
}

async fn endpoint_slice_updates(api: &Api) {
    let made = json!({"metadata": {"name": "a"}, "addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.1.1.1"]}]});
    api.create("endpointslices", made).await;
    for patch in [
        json!({"metadata": {"annotations": {"a": "b"}}}),
        json!({"metadata": {"labels": {"a": "b"}}}),
        json!({"endpoints": [{"addresses": ["10.1.1.2"]}]}),
        json!({"endpoints": [{"addresses": ["10.1.1.2"]}]}),
        json!({"endpoints": null}),
        json!({"ports": null}),
        json!({"addressType": "IPv6"}),
    ] {
        api.merge("endpointslices", "a", patch).await;
    }
    api.put(
        "endpointslices",
        "missing",
        json!({"metadata": {"name": "missing"}, "addressType": "IPv4"}),
    )
    .await;
    api.delete("endpointslices", "a").await;
    api.delete("endpointslices", "a").await;
}

async fn nodes(api: &Api) {
    for (name, rest) in [
        ("plain", json!({})),
        (
            "full",
            json!({"spec": {"providerID": "cn-x.i-1", "podCIDR": "10.2.0.0/24", "podCIDRs": ["10.2.0.0/24"], "unschedulable": true,
            "taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
            "status": {"capacity": {"cpu": "4", "memory": "8Gi"}, "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2020-01-01T00:00:00Z", "lastTransitionTime": "2020-01-01T00:00:00Z"}],
            "nodeInfo": {"kubeletVersion": "v1.33.0"}}}),
        ),
        (
            "taints",
            json!({"spec": {"taints": [{"key": "a b", "effect": "NoSchedule"}, {"key": "a"}, {"key": "b", "effect": "x"}, {"key": "c", "value": "d e", "effect": "NoExecute"}, {"key": "f", "effect": "NoExecute"}, {"key": "f", "effect": "NoExecute"}]}}),
        ),
        (
            "ranges",
            json!({"spec": {"podCIDRs": ["10.2.0.0/24", "10.3.0.0/24", "x"]}}),
        ),
    ] {
        let mut node =
            json!({"metadata": {"name": api.unique(name), "labels": {"kubernetes.io/hostname": "h"}}});
        for (key, value) in rest.as_object().expect("an object") {
            node[key] = value.clone();
        }
        api.create("nodes", node).await;
    }
    api.create("nodes", json!({"metadata": {"name": "Bad_Name"}}))
        .await;
    api.create(
        "nodes",
        json!({"metadata": {"name": api.unique("placed"), "namespace": "default"}}),
    )
    .await;
    api.create(
        "nodes",
        json!({"metadata": {"name": api.unique("typed")}, "spec": {"unschedulable": "yes"}}),
    )
    .await;
    api.create(
        "nodes",
        json!({"metadata": {"name": api.unique("typed")}, "status": {"capacity": {"cpu": "four"}}}),
    )
    .await;
    api.delete("nodes", &api.unique("plain")).await;
    api.delete("nodes", &api.unique("full")).await;
}

async fn node_updates(api: &Api) {
    let name = api.unique("n");
    api.create("nodes", json!({"metadata": {"name": name}})).await;
    for patch in [
        json!({"spec": {"providerID": "cn-x.i-1"}}),
        json!({"spec": {"providerID": "cn-x.i-2"}}),
        json!({"spec": {"podCIDR": "10.2.0.0/24", "podCIDRs": ["10.2.0.0/24"]}}),
        json!({"spec": {"podCIDR": "10.3.0.0/24", "podCIDRs": ["10.3.0.0/24"]}}),
        json!({"spec": {"unschedulable": true}}),
        json!({"spec": {"unschedulable": false}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    ] {
        api.merge("nodes", &name, patch).await;
    }
    let status = format!("{}/status", api.path("nodes", &name));
    for patch in [
        json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "r"}]}, "spec": {"unschedulable": true}, "metadata": {"labels": {"a": "b"}}}),
        json!({"status": {"conditions": [{"type": "Other", "status": "False"}]}}),
        json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "10.0.0.1"}]}}),
    ] {
        api.send(
            Method::PATCH,
            &status,
            "application/strategic-merge-patch+json",
            Some(&patch),
        )
        .await;
    }
    api.patch(
        Kind::Strategic,
        "nodes",
        &name,
        json!({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
    )
    .await;
    api.patch(
        Kind::Strategic,
        "nodes",
        &name,
        json!({"spec": {"taints": [{"key": "b", "effect": "NoExecute"}]}}),
    )
    .await;
    api.patch(
        Kind::Strategic,
        "nodes",
        &name,
        json!({"spec": {"taints": [{"$patch": "delete", "key": "a"}]}}),
    )
    .await;
    api.put(
        "nodes",
        &api.unique("missing"),
        json!({"metadata": {"name": api.unique("missing")}}),
    )
    .await;
    api.delete("nodes", &name).await;
}

async fn leases(api: &Api) {
    for (name, spec) in [
        (
            "full",
            json!({"holderIdentity": "me", "leaseDurationSeconds": 15, "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:01.5Z", "leaseTransitions": 0}),
        ),
        ("plain", json!({})),
        (
            "bad",
            json!({"leaseDurationSeconds": 0, "leaseTransitions": -1, "preferredHolder": "x"}),
        ),
        ("typed", json!({"renewTime": "now"})),
        ("typed", json!({"leaseDurationSeconds": "15"})),
    ] {
        api.create("leases", json!({"metadata": {"name": name}, "spec": spec}))
            .await;
    }
    api.create(
        "leases",
        json!({"metadata": {"name": "finalizer", "finalizers": ["x"]}, "spec": {}}),
    )
    .await;
    api.create("leases", json!({"metadata": {"name": "Bad"}})).await;
}

async fn lease_updates(api: &Api) {
    let mut lease = api
        .create(
            "leases",
            json!({"metadata": {"name": "a"}, "spec": {"holderIdentity": "me"}}),
        )
        .await;
    api.put(
        "leases",
        "a",
        json!({"metadata": {"name": "a"}, "spec": {"holderIdentity": "you"}}),
    )
    .await;
    lease["spec"]["holderIdentity"] = json!("you");
    let newer = api.put("leases", "a", lease.clone()).await;
    api.put("leases", "a", lease.clone()).await;
    api.put("leases", "a", newer).await;
    api.put("leases", "b", json!({"metadata": {"name": "b"}, "spec": {}}))
        .await;
    api.merge(
        "leases",
        "a",
        json!({"spec": {"leaseTransitions": 3, "holderIdentity": null}}),
    )
    .await;
    api.delete("leases", "a").await;
    api.put("leases", "a", lease).await;
}

fn about(api: &Api) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "name": "a", "namespace": api.namespace})
}

async fn events(api: &Api) {
    let base = json!({"reason": "R", "message": "m", "type": "Normal", "source": {"component": "c"}});
    for (name, changes) in [
        ("plain", json!({"involvedObject": about(api)})),
        (
            "counted",
            json!({"involvedObject": about(api), "firstTimestamp": "2020-01-01T00:00:00Z", "lastTimestamp": "2020-01-01T00:00:01Z", "count": 2}),
        ),
        (
            "elsewhere",
            json!({"involvedObject": {"kind": "Service", "name": "a", "namespace": "other"}}),
        ),
        (
            "cluster-wide",
            json!({"involvedObject": {"kind": "Node", "name": "a"}}),
        ),
        (
            "timed",
            json!({"involvedObject": about(api), "eventTime": "2020-01-01T00:00:00.123456Z"}),
        ),
        ("Any.Name", json!({"involvedObject": about(api)})),
    ] {
        let mut event = base.clone();
        event["metadata"] = json!({"name": name});
        for (key, value) in changes.as_object().expect("an object") {
            event[key] = value.clone();
        }
        api.create("events", event).await;
    }
    api.put("events", "plain", json!({"metadata": {"name": "plain"}, "involvedObject": about(api), "reason": "R", "message": "again", "count": 3})).await;
    api.send(
        Method::GET,
        &format!(
            "{}?fieldSelector=involvedObject.name=a,reason=R,type=Normal",
            api.path("events", "")
        ),
        "application/json",
        None,
    )
    .await;
}

async fn event_forms(api: &Api) {
    let newer = json!({"metadata": {"name": "newer"}, "eventTime": "2020-01-01T00:00:00.123456Z", "reportingController": "example.com/c", "reportingInstance": "i",
        "action": "Sync", "reason": "R", "regarding": about(api), "note": "n", "type": "Warning"});
    api.create("newevents", newer).await;
    api.get("newevents", "newer").await;
    api.get("events", "newer").await;
    api.create("events", json!({"metadata": {"name": "older"}, "involvedObject": about(api), "reason": "R", "message": "m", "source": {"component": "c", "host": "h"}, "count": 1})).await;
    api.get("newevents", "older").await;
    api.create(
        "newevents",
        json!({"metadata": {"name": "incomplete"}, "regarding": about(api), "note": "n", "count": 1}),
    )
    .await;
    api.create("newevents", json!({"metadata": {"name": "untyped"}, "eventTime": "2020-01-01T00:00:00.123456Z", "reportingController": "c", "reportingInstance": "i", "action": "A", "reason": "R", "regarding": about(api), "type": "Loud"})).await;
    api.merge(
        "newevents",
        "newer",
        json!({"series": {"count": 2, "lastObservedTime": "2020-01-01T00:00:01.000000Z"}}),
    )
    .await;
    api.merge("newevents", "newer", json!({"note": "changed"})).await;
    api.send(
        Method::GET,
        &format!("{}?fieldSelector=regarding.name=a", api.path("newevents", "")),
        "application/json",
        None,
    )
    .await;
    api.delete("newevents", "newer").await;
}

async fn pods(api: &Api) {
    let pod = json!({"metadata": {"name": "a", "labels": {"app": "x"}}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i:1", "ports": [{"containerPort": 80, "name": "http"}]}]}});
    api.create("pods", pod).await;
    let status = format!("{}/status", api.path("pods", "a"));
    let ready = json!({"status": {"phase": "Running", "podIP": "10.1.1.1", "podIPs": [{"ip": "10.1.1.1"}], "conditions": [{"type": "Ready", "status": "True"}]}});
    api.send(
        Method::PATCH,
        &status,
        "application/strategic-merge-patch+json",
        Some(&ready),
    )
    .await;
    let gate = json!({"status": {"conditions": [{"type": "service.readiness.alibabacloud.com/x", "status": "True"}]}});
    api.send(
        Method::PATCH,
        &status,
        "application/strategic-merge-patch+json",
        Some(&gate),
    )
    .await;
    api.send(
        Method::GET,
        &format!(
            "{}?fieldSelector=spec.nodeName=n1,status.phase=Running&labelSelector=app=x",
            api.path("pods", "")
        ),
        "application/json",
        None,
    )
    .await;
    api.delete("pods", "a").await;
    let now = json!({"gracePeriodSeconds": 0});
    api.send(
        Method::DELETE,
        &api.path("pods", "a"),
        "application/json",
        Some(&now),
    )
    .await;
    api.get("pods", "a").await;
    api.create(
        "pods",
        json!({"metadata": {"name": "waiting"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    )
    .await;
    api.delete("pods", "waiting").await;
    api.get("pods", "waiting").await;
}

async fn config_maps(api: &Api) {
    api.create(
        "configmaps",
        json!({"metadata": {"name": "a"}, "data": {"x": "y"}}),
    )
    .await;
    api.create("configmaps", json!({"metadata": {}})).await;
    api.create(
        "configmaps",
        json!({"metadata": {"name": "typed"}, "data": {"x": 1}}),
    )
    .await;
    api.merge("configmaps", "a", json!({"data": {"x": null, "z": "1"}}))
        .await;
    api.put("configmaps", "b", json!({"metadata": {"name": "b"}}))
        .await;
    api.delete("configmaps", "a").await;
}

async fn namespaces(api: &Api) {
    let name = api.unique("extra");
    api.create("namespaces", json!({"metadata": {"name": name}}))
        .await;
    api.create("namespaces", json!({"metadata": {"name": "Bad"}}))
        .await;
    api.merge("namespaces", &name, json!({"metadata": {"labels": {"a": "b"}}}))
        .await;
    api.merge(
        "namespaces",
        &name,
        json!({"metadata": {"labels": {"kubernetes.io/metadata.name": null}}}),
    )
    .await;
    let (_, system) = api
        .quiet(
            Method::GET,
            "/api/v1/namespaces/kube-system",
            "application/json",
            None,
        )
        .await;
    assert!(system["metadata"]["uid"].is_string(), "the cluster's uid");
    api.delete("namespaces", "kube-system").await;
}
