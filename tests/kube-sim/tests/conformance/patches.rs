//! The patch types, field managers and server-side apply.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Kind, conforms};

conforms!(
    json_patches,
    merge_patches,
    strategic_patches,
    managed_fields,
    server_side_apply,
    apply_conflicts,
    apply_refusals
);

async fn make(api: &Api) -> Value {
    let service = json!({"metadata": {"name": "a", "labels": {"x": "1"}, "finalizers": ["example.com/f"]}, "spec": {"type": "LoadBalancer", "selector": {"app": "x"},
        "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}]}});
    api.create("services", service).await
}

async fn json_patches(api: &Api) {
    make(api).await;
    for patch in [
        json!([{"op": "add", "path": "/metadata/labels/y", "value": "2"}]),
        json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]),
        json!([{"op": "test", "path": "/metadata/labels/x", "value": "1"}, {"op": "remove", "path": "/metadata/labels/x"}]),
        json!([{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/g"}]),
        json!([{"op": "remove", "path": "/metadata/finalizers"}]),
        json!([{"op": "replace", "path": "/spec/ports/0/port", "value": "http"}]),
        json!([{"op": "add", "path": "/spec/nothing", "value": 1}]),
        json!([]),
        json!({}),
    ] {
        api.patch(Kind::Json, "services", "a", patch).await;
    }
    for patch in [
        json!([{"op": "test", "path": "/metadata/labels/y", "value": "3"}]),
        json!([{"op": "remove", "path": "/metadata/labels/missing"}]),
        json!([{"op": "move", "path": "/x"}]),
    ] {
        let path = api.path("services", "a");
        let (status, answer) = api
            .quiet(Method::PATCH, &path, "application/json-patch+json", Some(&patch))
            .await;
        assert!(matches!(status.as_u16(), 400 | 422), "{answer}");
    }
}

async fn merge_patches(api: &Api) {
    make(api).await;
    for patch in [
        json!({"metadata": {"labels": {"x": null, "y": "2"}, "annotations": {"a": "b"}}}),
        json!({"metadata": {"finalizers": null}}),
        json!({"spec": {"ports": [{"name": "only", "port": 8080}]}}),
        json!({"spec": {"selector": null}}),
        json!({"kind": "Pod"}),
        json!({"apiVersion": "v2"}),
        json!({}),
    ] {
        api.merge("services", "a", patch).await;
    }
    api.merge("services", "missing", json!({})).await;
    let path = api.path("services", "a");
    api.send_text(Method::PATCH, &path, "application/json", Some("{}".to_owned()))
        .await;
    api.send_text(Method::PATCH, &path, "text/plain", Some("{}".to_owned()))
        .await;
    let dry = format!("{path}?dryRun=All");
    api.send(
        Method::PATCH,
        &dry,
        "application/merge-patch+json",
        Some(&json!({"metadata": {"labels": {"dry": "run"}}})),
    )
    .await;
    let strict = format!("{path}?fieldValidation=Strict");
    api.send(
        Method::PATCH,
        &strict,
        "application/merge-patch+json",
        Some(&json!({"spec": {"foo": 1}})),
    )
    .await;
    api.get("services", "a").await;
}

async fn strategic_patches(api: &Api) {
    make(api).await;
    for patch in [
        json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        json!({"spec": {"ports": [{"port": 90, "name": "new"}]}}),
        json!({"spec": {"ports": [{"port": 443, "$patch": "delete"}]}}),
        json!({"spec": {"$setElementOrder/ports": [{"port": 80}, {"port": 90}]}}),
        json!({"spec": {"ports": [{"port": 90, "name": "again"}, {"port": 90, "$patch": "delete"}]}}),
        json!({"spec": {"ports": [{"name": "no-key"}]}}),
        json!({"spec": {"ports": [{"port": 80, "name": "http", "protocol": "UDP"}]}}),
        json!({"spec": {"ports": [{"$patch": "replace"}, {"port": 1, "name": "one"}]}}),
        json!({"spec": {"selector": {"$patch": "replace", "z": "9"}}}),
        json!({"metadata": {"finalizers": ["example.com/g"]}}),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/f"]}}),
        json!({"metadata": {"labels": null}}),
        json!({"metadata": {"$retainKeys": ["name"], "annotations": {"a": "b"}}}),
        json!({"spec": {"type": 7}}),
        json!({"spec": {"$patch": "explode"}}),
        json!([]),
    ] {
        api.patch(Kind::Strategic, "services", "a", patch).await;
    }
    let status = format!("{}/status", api.path("services", "a"));
    let strategic = "application/strategic-merge-patch+json";
    for patch in [
        json!({"status": {"conditions": [{"type": "A", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}}),
        json!({"status": {"conditions": [{"type": "B", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}}),
        json!({"status": {"conditions": [{"type": "A", "status": "False"}]}}),
        json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}),
        json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}}}),
    ] {
        api.send(Method::PATCH, &status, strategic, Some(&patch)).await;
    }
}

async fn managed_fields(api: &Api) {
    api.show_managers();
    make(api).await;
    let by = |name: &str, manager: &str| format!("{}?fieldManager={manager}", api.path("services", name));
    let merge = "application/merge-patch+json";
    api.send(
        Method::PATCH,
        &by("a", "second"),
        merge,
        Some(&json!({"metadata": {"labels": {"x": "2", "y": "1"}}})),
    )
    .await;
    api.send(
        Method::PATCH,
        &by("a", "second"),
        merge,
        Some(&json!({"metadata": {"labels": {"x": "2", "y": "1"}}})),
    )
    .await;
    api.send(
        Method::PATCH,
        &by("a", "third"),
        merge,
        Some(&json!({"spec": {"ports": [{"name": "http", "port": 80}]}})),
    )
    .await;
    api.send(
        Method::PATCH,
        &by("a", "third"),
        merge,
        Some(&json!({"spec": {"sessionAffinity": "ClientIP"}, "metadata": {"labels": null}})),
    )
    .await;
    let status = format!("{}/status?fieldManager=controller", api.path("services", "a"));
    api.send(
        Method::PATCH,
        &status,
        merge,
        Some(&json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}})),
    )
    .await;
    api.send(Method::PATCH, &status, merge, Some(&json!({"status": {"conditions": [{"type": "A", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2020-01-01T00:00:00Z"}]}}))).await;
    api.send(
        Method::PATCH,
        &by("a", "fourth"),
        merge,
        Some(&json!({"metadata": {"managedFields": [{}]}})),
    )
    .await;
    api.create(
        "configmaps",
        json!({"metadata": {"name": "c", "annotations": {"a": "b"}}, "data": {"k": "v"}}),
    )
    .await;
    api.create("endpointslices", json!({"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": [{"addresses": ["10.1.1.1"]}], "ports": [{"port": 80}]})).await;
    api.create(
        "leases",
        json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}),
    )
    .await;
}

fn wanted(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec})
}

async fn server_side_apply(api: &Api) {
    api.show_managers();
    for (query, spec) in [
        (
            "fieldManager=one",
            json!({"type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]}),
        ),
        (
            "fieldManager=one",
            json!({"type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]}),
        ),
        (
            "fieldManager=two",
            json!({"ports": [{"name": "https", "port": 443}]}),
        ),
        (
            "fieldManager=one",
            json!({"type": "LoadBalancer", "selector": {"tier": "y"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}),
        ),
        ("fieldManager=two", json!({})),
        (
            "fieldManager=one&dryRun=All",
            json!({"type": "NodePort", "ports": [{"name": "http", "port": 80}]}),
        ),
    ] {
        api.apply("services", "a", query, wanted(spec)).await;
    }
    let labels = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"l": "1"}, "annotations": {"n": "1"}, "finalizers": ["example.com/f"]}});
    api.apply("services", "a", "fieldManager=three", labels).await;
    api.apply(
        "services",
        "a",
        "fieldManager=three",
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {}}}),
    )
    .await;
    let path = format!(
        "{}/status?fieldManager=controller&force=true",
        api.path("services", "a")
    );
    let status = json!({"apiVersion": "v1", "kind": "Service", "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}});
    api.send(
        Method::PATCH,
        &path,
        "application/apply-patch+yaml",
        Some(&status),
    )
    .await;
}

async fn apply_conflicts(api: &Api) {
    api.apply(
        "services",
        "a",
        "fieldManager=one",
        wanted(
            json!({"type": "NodePort", "selector": {"app": "x"}, "ports": [{"name": "http", "port": 80}]}),
        ),
    )
    .await;
    api.apply(
        "services",
        "a",
        "fieldManager=two",
        wanted(json!({"type": "LoadBalancer"})),
    )
    .await;
    api.apply(
        "services",
        "a",
        "fieldManager=two",
        wanted(
            json!({"type": "LoadBalancer", "selector": {"app": "y"}, "ports": [{"name": "web", "port": 80}]}),
        ),
    )
    .await;
    api.apply(
        "services",
        "a",
        "fieldManager=two",
        wanted(json!({"type": "NodePort"})),
    )
    .await;
    api.merge("services", "a", json!({"spec": {"sessionAffinity": "ClientIP"}}))
        .await;
    api.apply(
        "services",
        "a",
        "fieldManager=two",
        wanted(json!({"type": "NodePort", "sessionAffinity": "None"})),
    )
    .await;
    api.show_managers();
    api.apply(
        "services",
        "a",
        "fieldManager=two&force=true",
        wanted(json!({"type": "LoadBalancer", "sessionAffinity": "None"})),
    )
    .await;
}

async fn apply_refusals(api: &Api) {
    let good = json!({"ports": [{"port": 80}]});
    api.apply("services", "a", "", wanted(good.clone())).await;
    api.apply("services", "b", "fieldManager=one", wanted(good.clone()))
        .await;
    api.apply(
        "services",
        "a",
        "fieldManager=one",
        json!({"apiVersion": "v1", "metadata": {"name": "a"}, "spec": good}),
    )
    .await;
    api.apply("services", "a", "fieldManager=one", wanted(json!({"ports": []})))
        .await;
    let version = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "managedFields": []}, "spec": good});
    api.apply("services", "a", "fieldManager=one", version).await;
    api.apply(
        "configmaps",
        "c",
        "fieldManager=one",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}),
    )
    .await;
}
