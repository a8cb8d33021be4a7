//! Changing Services: what is kept, released, dropped with the type, and refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(
    service_put,
    service_type_changes,
    service_immutable_fields,
    service_node_ports_over_updates,
    service_status,
    service_versions,
);

fn service(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": spec})
}

async fn service_put(api: &Api) {
    api.create(
        "services",
        service("a", json!({"type": "LoadBalancer", "ports": [{"port": 80}]})),
    )
    .await;
    api.put(
        "services",
        "a",
        service("a", json!({"type": "LoadBalancer", "ports": [{"port": 80}]})),
    )
    .await;
    api.put(
        "services",
        "a",
        service("a", json!({"type": "LoadBalancer", "ports": [{"port": 81}]})),
    )
    .await;
    api.put(
        "services",
        "a",
        service(
            "a",
            json!({"type": "LoadBalancer", "ports": [{"port": 81, "name": "x"}, {"port": 82, "name": "y"}]}),
        ),
    )
    .await;
    api.put("services", "a", service("b", json!({"ports": [{"port": 80}]})))
        .await;
    api.put("services", "a", json!({"spec": {"ports": [{"port": 80}]}}))
        .await;
    api.put(
        "services",
        "made-by-put",
        service("made-by-put", json!({"ports": [{"port": 80}]})),
    )
    .await;
    let with_labels = json!({"metadata": {"name": "a", "labels": {"x": "y"}, "annotations": {"a": "b"}, "finalizers": ["example.com/f"]},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    api.put("services", "a", with_labels).await;
    let other_uid = json!({"metadata": {"name": "a", "uid": "22222222-2222-2222-2222-222222222222"}, "spec": {"ports": [{"port": 80}]}});
    api.put("services", "a", other_uid).await;
    let versioned =
        json!({"metadata": {"name": "new", "resourceVersion": "424242"}, "spec": {"ports": [{"port": 80}]}});
    api.put("services", "new", versioned).await;
    let created = json!({"metadata": {"name": "a", "creationTimestamp": "2001-01-01T00:00:00Z"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    api.put("services", "a", created).await;
    api.put(
        "services",
        "a",
        json!({"metadata": {"name": "a", "namespace": "elsewhere"}, "spec": {"ports": [{"port": 80}]}}),
    )
    .await;
    api.put(
        "services",
        "a",
        service("a", json!({"type": "LoadBalancer", "ports": []})),
    )
    .await;
}

async fn service_type_changes(api: &Api) {
    let full = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "a.example/b",
        "allocateLoadBalancerNodePorts": true, "ports": [{"port": 80}]});
    api.create("services", service("a", full.clone())).await;
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}});
    let path = format!("{}/status", api.path("services", "a"));
    api.send(
        Method::PATCH,
        &path,
        "application/merge-patch+json",
        Some(&status),
    )
    .await;
    for patch in [
        json!({"spec": {"type": "NodePort"}}),
        json!({"spec": {"type": "LoadBalancer"}}),
        json!({"spec": {"type": "ClusterIP"}}),
        json!({"spec": {"type": "ExternalName", "externalName": "example.com"}}),
        json!({"spec": {"type": "ClusterIP"}}),
        json!({"spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}}),
        json!({"spec": {"externalTrafficPolicy": "Cluster"}}),
        json!({"spec": {"externalTrafficPolicy": "Local", "healthCheckNodePort": 31990}}),
        json!({"spec": {"type": "NodePort", "loadBalancerClass": "a.example/b"}}),
        json!({"spec": {"type": "ClusterIP", "externalTrafficPolicy": "Cluster"}}),
        json!({"spec": {"type": "ClusterIP", "ports": [{"port": 80, "nodePort": 31989}]}}),
        json!({"spec": {"clusterIP": "None"}}),
    ] {
        api.merge("services", "a", patch).await;
    }
    api.create(
        "services",
        service(
            "headless",
            json!({"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80}]}),
        ),
    )
    .await;
    api.merge("services", "headless", json!({"spec": {"type": "LoadBalancer"}}))
        .await;
    api.merge("services", "headless", json!({"spec": {"ports": null}}))
        .await;
}

async fn service_immutable_fields(api: &Api) {
    api.create(
        "services",
        service(
            "a",
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}),
        ),
    )
    .await;
    for patch in [
        json!({"spec": {"clusterIP": "10.111.99.1"}}),
        json!({"spec": {"clusterIP": "10.111.99.1", "clusterIPs": ["10.111.99.1"]}}),
        json!({"spec": {"clusterIP": ""}}),
        json!({"spec": {"clusterIP": "", "clusterIPs": []}}),
        json!({"spec": {"clusterIP": null, "clusterIPs": null}}),
        json!({"spec": {"loadBalancerClass": "a.example/b"}}),
        json!({"spec": {"healthCheckNodePort": 31988}}),
        json!({"spec": {"ipFamilies": ["IPv6"]}}),
        json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}}),
        json!({"spec": {"ipFamilyPolicy": null, "ipFamilies": null}}),
        json!({"metadata": {"name": "b"}}),
        json!({"metadata": {"uid": "33333333-3333-3333-3333-333333333333"}}),
        json!({"metadata": {"namespace": "elsewhere"}}),
        json!({"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}}),
        json!({"metadata": {"generation": 3}}),
        json!({"metadata": {"labels": {"a b": "c"}}}),
        json!({"spec": {"sessionAffinity": "ClientIP"}}),
        json!({"spec": {"sessionAffinity": "None"}}),
        json!({"spec": {"loadBalancerSourceRanges": ["10.0.0.0/8", "x"]}}),
        json!({"spec": {"loadBalancerSourceRanges": ["10.0.0.1/8"]}}),
        json!({"spec": {"foo": 1}}),
        json!({"spec": {"ports": "x"}}),
        json!({"spec": null}),
        json!([]),
    ] {
        api.merge("services", "a", patch).await;
    }
}

async fn service_node_ports_over_updates(api: &Api) {
    api.create("services", service("a", json!({"type": "NodePort", "ports": [{"name": "x", "port": 80, "nodePort": 31980}, {"name": "y", "port": 81, "nodePort": 31981}]}))).await;
    // The name decides which node port is kept.
    api.put(
        "services",
        "a",
        service(
            "a",
            json!({"type": "NodePort", "ports": [{"name": "y", "port": 80}, {"name": "x", "port": 90}]}),
        ),
    )
    .await;
    api.put(
        "services",
        "a",
        service(
            "a",
            json!({"type": "NodePort", "ports": [{"name": "x", "port": 80, "nodePort": 31982}]}),
        ),
    )
    .await;
    api.create(
        "services",
        service(
            "b",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31981}]}),
        ),
    )
    .await;
    api.put(
        "services",
        "a",
        service(
            "a",
            json!({"type": "NodePort", "ports": [{"name": "x", "port": 80, "nodePort": 31981}]}),
        ),
    )
    .await;
    api.merge("services", "a", json!({"spec": {"type": "ClusterIP"}}))
        .await;
    api.create(
        "services",
        service(
            "c",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31982}]}),
        ),
    )
    .await;
    api.delete("services", "b").await;
    api.create(
        "services",
        service(
            "d",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31981}]}),
        ),
    )
    .await;
    // A refused and a dry-run write take nothing.
    api.create(
        "services",
        service(
            "e",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31983, "protocol": "x"}]}),
        ),
    )
    .await;
    let dry = format!("{}?dryRun=All", api.path("services", ""));
    api.send(
        Method::POST,
        &dry,
        "application/json",
        Some(&service(
            "e",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31983}]}),
        )),
    )
    .await;
    api.create(
        "services",
        service(
            "e",
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 31983}]}),
        ),
    )
    .await;
    api.merge(
        "services",
        "e",
        json!({"spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false}}),
    )
    .await;
    api.merge("services", "e", json!({"spec": {"ports": [{"port": 80}]}}))
        .await;
}

async fn service_status(api: &Api) {
    api.create(
        "services",
        service("a", json!({"type": "LoadBalancer", "ports": [{"port": 80}]})),
    )
    .await;
    let path = format!("{}/status", api.path("services", "a"));
    let merge = "application/merge-patch+json";
    for patch in [
        json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}, "spec": {"type": "NodePort"}, "metadata": {"labels": {"l": "1"}, "annotations": {"n": "1"}, "finalizers": ["example.com/f"]}}),
        json!({"status": {"loadBalancer": {"ingress": [{"hostname": "a.example.com", "ports": [{"port": 80, "protocol": "TCP"}]}]}}}),
        json!({"status": {"loadBalancer": {"ingress": [{"ip": "nope"}, {"hostname": "-"}, {"hostname": "203.0.113.1"}, {"ipMode": "VIP"}, {"ip": "203.0.113.1", "ipMode": "x"}]}}}),
        json!({"status": {"conditions": [{"type": "example.com/Ready", "status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 4}]}}),
        json!({"status": {"loadBalancer": null}}),
        json!({"status": null}),
        json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "Proxy"}]}}}),
    ] {
        api.send(Method::PATCH, &path, merge, Some(&patch)).await;
    }
    api.send(Method::GET, &path, "application/json", None).await;
    // A plain write leaves the status alone.
    api.merge(
        "services",
        "a",
        json!({"status": {"loadBalancer": {"ingress": []}}, "metadata": {"labels": {"l": "2"}}}),
    )
    .await;
    api.merge(
        "services",
        "a",
        json!({"status": {"loadBalancer": {"ingress": []}}}),
    )
    .await;
    let mut whole = api.get("services", "a").await;
    whole["status"] = json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}});
    whole["metadata"]["labels"] = json!({"l": "3"});
    api.send(Method::PUT, &path, "application/json", Some(&whole))
        .await;
    api.send(Method::PUT, &path, "application/json", Some(&whole))
        .await;
    api.send(Method::POST, &path, "application/json", Some(&whole))
        .await;
    api.send(Method::DELETE, &path, "application/json", None).await;
    api.merge("services", "a", json!({"spec": {"type": "NodePort"}}))
        .await;
    api.send(
        Method::PATCH,
        &path,
        merge,
        Some(&json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}})),
    )
    .await;
    let missing = format!("{}/status", api.path("services", "missing"));
    api.send(Method::PATCH, &missing, merge, Some(&json!({"status": {}})))
        .await;
    api.send(
        Method::GET,
        &format!("{}/scale", api.path("services", "a")),
        "application/json",
        None,
    )
    .await;
}

async fn service_versions(api: &Api) {
    let made = api
        .create("services", service("a", json!({"ports": [{"port": 80}]})))
        .await;
    let mut first = made.clone();
    first["metadata"]["labels"] = json!({"x": "1"});
    api.put("services", "a", first.clone()).await;
    api.put("services", "a", first.clone()).await;
    // A merge patch may carry the version it was made from.
    let version = made["metadata"]["resourceVersion"].clone();
    api.merge(
        "services",
        "a",
        json!({"metadata": {"resourceVersion": version, "labels": {"x": "2"}}}),
    )
    .await;
    api.merge("services", "a", json!({"metadata": {"labels": {"x": "1"}}}))
        .await;
    first["metadata"]["resourceVersion"] = json!("x");
    api.put("services", "a", first.clone()).await;
    first["metadata"]["resourceVersion"] = json!("0");
    api.put("services", "a", first).await;
}
