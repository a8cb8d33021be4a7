//! Deletion: preconditions, finalizers, propagation, many at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(
    deletes,
    finalizers,
    propagation,
    delete_collections,
    namespace_deletion
);

async fn delete_with(api: &Api, resource: &str, name: &str, options: Value) -> Value {
    api.send(
        Method::DELETE,
        &api.path(resource, name),
        "application/json",
        Some(&options),
    )
    .await
}

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
}

async fn deletes(api: &Api) {
    let made = api.create("services", service("a")).await;
    delete_with(api, "services", "a", json!({"preconditions": {"uid": "other"}})).await;
    delete_with(
        api,
        "services",
        "a",
        json!({"preconditions": {"resourceVersion": "424242"}}),
    )
    .await;
    delete_with(api, "services", "a", json!({"dryRun": ["All"]})).await;
    delete_with(api, "services", "a", json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": made["metadata"]["uid"]}})).await;
    api.get("services", "a").await;
    api.delete("services", "a").await;
    api.create(
        "endpointslices",
        json!({"metadata": {"name": "s"}, "addressType": "IPv4"}),
    )
    .await;
    api.delete("endpointslices", "s").await;
    api.create("leases", json!({"metadata": {"name": "l"}})).await;
    api.delete("leases", "l").await;
    api.create("services", service("b")).await;
    delete_with(api, "services", "b", json!({"propagationPolicy": "Sideways"})).await;
    delete_with(api, "services", "b", json!({"gracePeriodSeconds": 30})).await;
}

async fn finalizers(api: &Api) {
    let mut held = service("a");
    held["metadata"]["finalizers"] = json!(["example.com/f", "example.com/g"]);
    held["spec"]["type"] = json!("NodePort");
    held["spec"]["ports"][0]["nodePort"] = json!(31950);
    api.create("services", held).await;
    api.delete("services", "a").await;
    api.delete("services", "a").await;
    api.get("services", "a").await;
    api.merge(
        "services",
        "a",
        json!({"metadata": {"finalizers": ["example.com/f", "example.com/h"]}}),
    )
    .await;
    api.merge(
        "services",
        "a",
        json!({"metadata": {"labels": {"x": "y"}, "deletionTimestamp": null}}),
    )
    .await;
    api.merge(
        "services",
        "a",
        json!({"metadata": {"finalizers": ["example.com/f"]}}),
    )
    .await;
    api.create("services", service("a")).await;
    api.merge("services", "a", json!({"metadata": {"finalizers": null}}))
        .await;
    api.get("services", "a").await;
    // Its node port is free again.
    let mut next = service("b");
    next["spec"]["type"] = json!("NodePort");
    next["spec"]["ports"][0]["nodePort"] = json!(31950);
    api.create("services", next).await;
}

async fn propagation(api: &Api) {
    for (name, policy) in [
        ("orphan", "Orphan"),
        ("foreground", "Foreground"),
        ("background", "Background"),
    ] {
        api.create("configmaps", json!({"metadata": {"name": name}}))
            .await;
        delete_with(api, "configmaps", name, json!({"propagationPolicy": policy})).await;
        api.merge("configmaps", name, json!({"metadata": {"finalizers": null}}))
            .await;
    }
    api.get("configmaps", "orphan").await;
}

async fn delete_collections(api: &Api) {
    for (name, app) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut made = service(name);
        made["metadata"]["labels"] = json!({"app": app});
        api.quiet(
            Method::POST,
            &api.path("services", ""),
            "application/json",
            Some(&made),
        )
        .await;
    }
    let path = format!("{}?labelSelector=app=x", api.path("services", ""));
    let (status, answer) = api.quiet(Method::DELETE, &path, "application/json", None).await;
    assert!(status.is_success(), "{answer}");
    api.get("services", "a").await;
    api.get("services", "b").await;
}

async fn namespace_deletion(api: &Api) {
    let name = api.unique("gone");
    api.create(
        "namespaces",
        json!({"metadata": {"name": name, "finalizers": ["example.com/hold"]}}),
    )
    .await;
    let (_, answer) = api
        .quiet(
            Method::DELETE,
            &api.path("namespaces", &name),
            "application/json",
            None,
        )
        .await;
    assert_eq!(answer["status"]["phase"], "Terminating", "{answer}");
    let inside = format!("/api/v1/namespaces/{name}/configmaps");
    api.send(
        Method::POST,
        &inside,
        "application/json",
        Some(&json!({"metadata": {"name": "late"}})),
    )
    .await;
}
