//! Tables and metadata-only answers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(
    service_tables,
    node_tables,
    other_tables,
    table_watches,
    metadata_only,
    negotiation
);

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// Cells of every row, and the columns where they are asked for.
async fn table(api: &Api, path: &str, with_columns: bool) {
    let (status, _headers, text) = api.raw(Method::GET, path, &[("accept", TABLE)], None).await;
    let table: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (status.as_u16(), &table["kind"], &table["apiVersion"]),
        (200, &json!("Table"), &json!("meta.k8s.io/v1")),
        "{text}"
    );
    api.note(&format!("table {path}"));
    if with_columns {
        for column in table["columnDefinitions"].as_array().expect("columns") {
            let description: String = column["description"]
                .as_str()
                .expect("text")
                .chars()
                .take(60)
                .collect();
            api.note(&format!(
                "  column {} {} {} {} {description}",
                column["name"], column["type"], column["format"], column["priority"]
            ));
        }
    }
    for row in table["rows"].as_array().expect("rows") {
        assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
        let mut row = json!({"cells": row["cells"], "conditions": row["conditions"]});
        for cell in row["cells"].as_array_mut().expect("cells") {
            if cell.as_str().is_some_and(|text| {
                text.len() < 4 && text.ends_with('s') && text.starts_with(|c: char| c.is_ascii_digit())
            }) {
                *cell = json!("<age>");
            }
        }
        api.event(&row);
    }
}

async fn quiet(api: &Api, resource: &str, object: Value) {
    let (status, answer) = api
        .quiet(
            Method::POST,
            &api.path(resource, ""),
            "application/json",
            Some(&object),
        )
        .await;
    assert!(status.is_success(), "{answer}");
}

async fn put_status(api: &Api, resource: &str, name: &str, status: Value) {
    let path = format!("{}/status", api.path(resource, name));
    let (code, answer) = api
        .quiet(
            Method::PATCH,
            &path,
            "application/merge-patch+json",
            Some(&json!({"status": status})),
        )
        .await;
    assert!(code.is_success(), "{answer}");
}

async fn service_tables(api: &Api) {
    for (name, spec) in [
        ("a", json!({"clusterIP": "10.111.20.1", "ports": [{"port": 80}]})),
        (
            "b",
            json!({"type": "NodePort", "clusterIP": "10.111.20.2", "selector": {"x": "1", "a": "2"}, "ports": [{"name": "t", "port": 53, "nodePort": 31901}, {"name": "u", "port": 53, "protocol": "UDP", "nodePort": 31901}]}),
        ),
        (
            "c",
            json!({"type": "LoadBalancer", "clusterIP": "10.111.20.3", "ports": [{"port": 80, "nodePort": 31902}]}),
        ),
        (
            "d",
            json!({"type": "LoadBalancer", "clusterIP": "10.111.20.4", "ports": [{"port": 80, "nodePort": 31903}], "externalIPs": ["203.0.113.200"]}),
        ),
        (
            "e",
            json!({"type": "ExternalName", "externalName": "example.com"}),
        ),
        ("f", json!({"clusterIP": "None", "selector": {"x": "1"}})),
        (
            "g",
            json!({"clusterIP": "10.111.20.7", "externalIPs": ["203.0.113.201", "203.0.113.202"], "ports": [{"port": 80}]}),
        ),
        (
            "h",
            json!({"type": "LoadBalancer", "clusterIP": "10.111.20.8", "ports": [{"port": 80, "nodePort": 31904}]}),
        ),
    ] {
        quiet(api, "services", json!({"metadata": {"name": name}, "spec": spec})).await;
    }
    put_status(
        api,
        "services",
        "d",
        json!({"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}, {"ip": "203.0.113.10"}]}}),
    )
    .await;
    put_status(api, "services", "h", json!({"loadBalancer": {"ingress": [{"hostname": "a-very-long-name.of-a-load-balancer.example.com"}]}})).await;
    table(api, &api.path("services", ""), true).await;
    table(api, &api.path("services", "d"), false).await;
}

async fn node_tables(api: &Api) {
    let name = api.unique("n");
    let node = json!({"metadata": {"name": name, "labels": {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/edge": ""}}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": "h"}],
            "nodeInfo": {"kubeletVersion": "v1.33.0", "osImage": "Linux", "kernelVersion": "6.1", "architecture": "amd64", "containerRuntimeVersion": "containerd://2",
                "bootID": "", "kubeProxyVersion": "", "machineID": "", "operatingSystem": "linux", "systemUUID": ""}}});
    quiet(api, "nodes", node).await;
    table(api, &api.path("nodes", &name), true).await;
    let plain = api.unique("plain");
    quiet(api, "nodes", json!({"metadata": {"name": plain}})).await;
    table(api, &api.path("nodes", &plain), false).await;
    put_status(
        api,
        "nodes",
        &plain,
        json!({"conditions": [{"type": "Ready", "status": "Unknown"}]}),
    )
    .await;
    table(api, &api.path("nodes", &plain), false).await;
}

async fn other_tables(api: &Api) {
    quiet(api, "endpointslices", json!({"metadata": {"name": "many"}, "addressType": "IPv4",
        "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}, {"name": "c"}, {"name": "d", "port": 4}, {"name": "e", "port": 5}],
        "endpoints": [{"addresses": ["10.1.1.1"]}, {"addresses": ["10.1.1.2", "10.1.1.3"]}, {"addresses": ["10.1.1.4"]}]})).await;
    quiet(
        api,
        "endpointslices",
        json!({"metadata": {"name": "none"}, "addressType": "IPv6"}),
    )
    .await;
    table(api, &api.path("endpointslices", ""), true).await;
    quiet(api, "endpoints", json!({"metadata": {"name": "e"}, "subsets": [{"addresses": [{"ip": "10.1.1.1"}, {"ip": "10.1.1.2"}], "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}]})).await;
    table(api, &api.path("endpoints", "e"), true).await;
    quiet(
        api,
        "leases",
        json!({"metadata": {"name": "held"}, "spec": {"holderIdentity": "me"}}),
    )
    .await;
    quiet(api, "leases", json!({"metadata": {"name": "free"}})).await;
    table(api, &api.path("leases", ""), true).await;
    quiet(
        api,
        "configmaps",
        json!({"metadata": {"name": "c"}, "data": {"a": "b"}, "binaryData": {"b": "AA=="}}),
    )
    .await;
    table(api, &api.path("configmaps", ""), true).await;
    table(api, &api.path("namespaces", &api.namespace), true).await;
    let about = json!({"kind": "Service", "name": "a", "namespace": api.namespace});
    quiet(api, "events", json!({"metadata": {"name": "old"}, "involvedObject": about, "type": "Normal", "reason": "R", "message": " m ", "source": {"component": "c", "host": "h"}, "count": 3})).await;
    quiet(api, "newevents", json!({"metadata": {"name": "new"}, "regarding": about, "type": "Warning", "reason": "R", "note": "n", "action": "A",
        "eventTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(), "reportingController": "example.com/c", "reportingInstance": "i"})).await;
    table(api, &api.path("events", ""), true).await;
    table(api, &api.path("newevents", "new"), false).await;
    quiet(api, "pods", json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "readinessGates": [{"conditionType": "example.com/g"}], "containers": [{"name": "c", "image": "i"}]}})).await;
    table(api, &api.path("pods", "p"), true).await;
    put_status(api, "pods", "p", json!({"phase": "Running", "podIPs": [{"ip": "10.1.1.1"}], "podIP": "10.1.1.1", "conditions": [{"type": "Ready", "status": "True"}, {"type": "example.com/g", "status": "True"}],
        "containerStatuses": [{"name": "c", "ready": true, "restartCount": 2, "image": "i", "imageID": "", "state": {"running": {}}}]})).await;
    table(api, &api.path("pods", "p"), false).await;
    put_status(api, "pods", "p", json!({"containerStatuses": [{"name": "c", "ready": false, "restartCount": 3, "image": "i", "imageID": "", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]})).await;
    table(api, &api.path("pods", "p"), false).await;
    api.quiet(Method::DELETE, &api.path("pods", "p"), "application/json", None)
        .await;
    table(api, &api.path("pods", "p"), false).await;
    quiet(
        api,
        "pods",
        json!({"metadata": {"name": "done"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    )
    .await;
    put_status(api, "pods", "done", json!({"phase": "Succeeded"})).await;
    table(api, &api.path("pods", "done"), false).await;
}

async fn table_watches(api: &Api) {
    let list = api
        .quiet(Method::GET, &api.path("configmaps", ""), "application/json", None)
        .await
        .1;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version")
        .to_owned();
    quiet(api, "configmaps", json!({"metadata": {"name": "a"}})).await;
    quiet(api, "configmaps", json!({"metadata": {"name": "b"}})).await;
    let path = format!(
        "{}?watch=true&resourceVersion={version}",
        api.path("configmaps", "")
    );
    let mut watch = api.watch_as(&path, TABLE).await;
    for _ in 0..2 {
        let event = watch.next().await.expect("an event");
        let columns = event["object"]["columnDefinitions"]
            .as_array()
            .map_or(0, Vec::len);
        let object = &event["object"];
        api.note(&format!(
            "{} {} {} columns, cells {}",
            event["type"], object["kind"], columns, object["rows"][0]["cells"][0]
        ));
        assert!(object["metadata"]["resourceVersion"].is_string(), "{object}");
    }
}

async fn metadata_only(api: &Api) {
    quiet(
        api,
        "configmaps",
        json!({"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}}),
    )
    .await;
    for (path, form) in [
        (api.path("configmaps", "a"), "PartialObjectMetadata"),
        (api.path("configmaps", ""), "PartialObjectMetadataList"),
    ] {
        let accept = format!("application/json;as={form};g=meta.k8s.io;v=v1");
        let (status, _headers, text) = api.raw(Method::GET, &path, &[("accept", &accept)], None).await;
        let mut answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["metadata"]["resourceVersion"] = json!("");
        assert_eq!(status.as_u16(), 200);
        api.event(&answer);
    }
}

async fn negotiation(api: &Api) {
    quiet(api, "configmaps", json!({"metadata": {"name": "a"}})).await;
    for accept in [
        "*/*",
        "application/json",
        "application/json;charset=utf-8",
        "text/html",
        "text/html,application/json",
        "application/json;as=Table;v=v9;g=meta.k8s.io",
        "application/json;as=Table;v=v9;g=meta.k8s.io,application/json",
    ] {
        let (status, _headers, text) = api
            .raw(
                Method::GET,
                &api.path("configmaps", "a"),
                &[("accept", accept)],
                None,
            )
            .await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        api.note(&format!(
            "{accept}: {} {} {}",
            status.as_u16(),
            answer["kind"],
            answer["message"]
        ));
    }
}
