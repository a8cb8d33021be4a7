//! Lists, selectors, pages, gets and what is not there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(lists, list_refusals, selectors, pages, paths);

async fn seed(api: &Api) {
    for (name, labels) in [
        ("a", json!({"app": "x", "tier": "1"})),
        ("b", json!({"app": "y"})),
        ("c", json!({"app": "x"})),
        ("d", json!({})),
    ] {
        let map = json!({"metadata": {"name": name, "labels": labels}, "data": {"k": name}});
        api.quiet(
            Method::POST,
            &api.path("configmaps", ""),
            "application/json",
            Some(&map),
        )
        .await;
    }
}

async fn get(api: &Api, path: &str) -> Value {
    api.send(Method::GET, path, "application/json", None).await
}

async fn lists(api: &Api) {
    get(api, &api.path("configmaps", "")).await;
    seed(api).await;
    let path = api.path("configmaps", "");
    let whole = get(api, &path).await;
    for query in [
        "resourceVersion=0",
        "resourceVersion=0&resourceVersionMatch=NotOlderThan",
        "limit=0",
    ] {
        get(api, &format!("{path}?{query}")).await;
    }
    let version = whole["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version")
        .to_owned();
    api.quiet(
        Method::DELETE,
        &api.path("configmaps", "d"),
        "application/json",
        None,
    )
    .await;
    let exact = format!("{path}?resourceVersion={version}&resourceVersionMatch=Exact");
    let (_, then) = api.quiet(Method::GET, &exact, "application/json", None).await;
    assert_eq!(
        then["items"].as_array().map(Vec::len),
        Some(4),
        "the deleted one was there then: {then}"
    );
    assert_eq!(
        then["metadata"]["resourceVersion"],
        whole["metadata"]["resourceVersion"]
    );
    api.get("configmaps", "a").await;
    api.get("configmaps", "d").await;
    get(api, &format!("{}?resourceVersion=0", api.path("configmaps", "a"))).await;
    get(api, "/api/v1/namespaces/not-there/configmaps").await;
}

async fn list_refusals(api: &Api) {
    let path = api.path("configmaps", "");
    for query in [
        "labelSelector=a%20b",
        "labelSelector=a+in+(b",
        "labelSelector=a%3D%3D%3Db",
        "fieldSelector=data.x=1",
        "fieldSelector=metadata.name",
        "resourceVersion=x",
        "resourceVersionMatch=Exact",
        "resourceVersion=0&resourceVersionMatch=Exact",
        "resourceVersion=1&resourceVersionMatch=Sometimes",
        "limit=x",
        "continue=x",
        "watch=true&resourceVersion=x",
        "watch=true&sendInitialEvents=true",
        "watch=true&resourceVersionMatch=NotOlderThan",
        "watch=true&sendInitialEvents=true&resourceVersionMatch=Exact",
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    ] {
        get(api, &format!("{path}?{query}")).await;
    }
    let future = format!("{path}?resourceVersion=999999999&resourceVersionMatch=NotOlderThan");
    let (status, answer) = api.quiet(Method::GET, &future, "application/json", None).await;
    assert_eq!(status.as_u16(), 504, "{answer}");
    assert_eq!(
        answer["details"]["causes"][0]["reason"], "ResourceVersionTooLarge",
        "{answer}"
    );
}

async fn selectors(api: &Api) {
    seed(api).await;
    let names = async |query: &str| {
        let path = format!("{}?{query}", api.path("configmaps", ""));
        let (_, list) = api.quiet(Method::GET, &path, "application/json", None).await;
        let names: Vec<String> = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["metadata"]["name"].to_string())
            .collect();
        api.note(&format!("{query}: {}", names.join(" ")));
    };
    for query in [
        "labelSelector=app=x",
        "labelSelector=app==x,tier=1",
        "labelSelector=app!=x",
        "labelSelector=app+in+(x,y),tier",
        "labelSelector=app+notin+(x)",
        "labelSelector=!app",
        "labelSelector=tier",
        "labelSelector=tier%3E0",
        "fieldSelector=metadata.name=a",
        "fieldSelector=metadata.name!=a",
        "fieldSelector=metadata.name=a,metadata.namespace=elsewhere",
        "fieldSelector=metadata.name=a&labelSelector=app=y",
    ] {
        names(query).await;
    }
    let all = format!(
        "/api/v1/configmaps?fieldSelector=metadata.namespace={},metadata.name=a",
        api.namespace
    );
    get(api, &all).await;
}

async fn pages(api: &Api) {
    seed(api).await;
    let path = api.path("configmaps", "");
    let first = get(api, &format!("{path}?limit=2")).await;
    let token = first["metadata"]["continue"]
        .as_str()
        .expect("a token")
        .to_owned();
    // What happens meanwhile does not show in the rest.
    api.quiet(
        Method::DELETE,
        &api.path("configmaps", "d"),
        "application/json",
        None,
    )
    .await;
    let (_, second) = api
        .quiet(
            Method::GET,
            &format!("{path}?limit=1&continue={token}"),
            "application/json",
            None,
        )
        .await;
    assert_eq!(second["items"][0]["metadata"]["name"], "c");
    assert_eq!(second["metadata"]["remainingItemCount"], 1);
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    let token = second["metadata"]["continue"]
        .as_str()
        .expect("a token")
        .to_owned();
    let (_, third) = api
        .quiet(
            Method::GET,
            &format!("{path}?limit=1&continue={token}"),
            "application/json",
            None,
        )
        .await;
    assert_eq!(third["items"][0]["metadata"]["name"], "d");
    assert!(third["metadata"].get("continue").is_none(), "{third}");
    get(api, &format!("{path}?limit=2&labelSelector=app")).await;
    get(api, &format!("{path}?limit=5")).await;
}

async fn paths(api: &Api) {
    for path in [
        "/api/v1/nothing",
        "/api/v2/services",
        "/apis/nothing.k8s.io/v1/things",
        "/nothing",
        "/apis/discovery.k8s.io/v1/nothing",
    ] {
        let (status, _headers, _body) = api.raw(Method::GET, path, &[], None).await;
        api.note(&format!("GET {path}: {}", status.as_u16()));
    }
    api.send(
        Method::POST,
        &api.path("services", "a"),
        "application/json",
        Some(&json!({})),
    )
    .await;
    api.send(
        Method::PUT,
        &api.path("services", ""),
        "application/json",
        Some(&json!({})),
    )
    .await;
    api.send(
        Method::GET,
        &format!("{}/status", api.path("configmaps", "a")),
        "application/json",
        None,
    )
    .await;
    for path in ["/healthz", "/livez", "/readyz"] {
        let (status, _headers, body) = api.raw(Method::GET, path, &[], None).await;
        api.note(&format!("GET {path}: {} {body}", status.as_u16()));
    }
}
