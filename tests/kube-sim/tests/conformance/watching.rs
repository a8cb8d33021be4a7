//! Watches: order, versions, selectors, bookmarks, initial events, time-outs, 410 as an event.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(
    watch_changes,
    watch_selected,
    watch_from_any_version,
    watch_initial_events,
    watch_one_object,
    watch_finalizers,
    watch_pods_going,
    watch_times_out,
    watch_statuses
);

fn map(name: &str, data: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": data}}, "data": {"k": data}})
}

async fn quiet(api: &Api, method: Method, name: &str, body: Option<Value>) -> Value {
    let path = api.path("configmaps", name);
    let media_type = if method == Method::PATCH {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    api.quiet(method, &path, media_type, body.as_ref()).await.1
}

async fn version(api: &Api) -> String {
    let list = quiet(api, Method::GET, "", None).await;
    list["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version")
        .to_owned()
}

async fn watch_changes(api: &Api) {
    quiet(api, Method::POST, "", Some(map("before", "1"))).await;
    let version = version(api).await;
    let mut watch = api
        .watch(&format!(
            "{}?watch=true&resourceVersion={version}",
            api.path("configmaps", "")
        ))
        .await;
    quiet(api, Method::POST, "", Some(map("a", "1"))).await;
    quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": "2"}}))).await;
    quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": "2"}}))).await;
    quiet(api, Method::DELETE, "a", None).await;
    quiet(api, Method::POST, "", Some(map("b", "1"))).await;
    watch.show(4).await;
    // A second watch from the same version sees the same.
    let mut again = api
        .watch(&format!(
            "{}?watch=1&resourceVersion={version}",
            api.path("configmaps", "")
        ))
        .await;
    again.show(4).await;
}

async fn watch_selected(api: &Api) {
    let version = version(api).await;
    let path = format!(
        "{}?watch=true&resourceVersion={version}&labelSelector=app=x",
        api.path("configmaps", "")
    );
    let mut watch = api.watch(&path).await;
    quiet(api, Method::POST, "", Some(map("other", "y"))).await;
    quiet(api, Method::POST, "", Some(map("a", "x"))).await;
    quiet(
        api,
        Method::PATCH,
        "a",
        Some(json!({"metadata": {"labels": {"app": "y"}}})),
    )
    .await;
    quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": "unseen"}}))).await;
    quiet(
        api,
        Method::PATCH,
        "a",
        Some(json!({"metadata": {"labels": {"app": "x"}}})),
    )
    .await;
    quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": "seen"}}))).await;
    quiet(api, Method::DELETE, "a", None).await;
    watch.show(5).await;
}

async fn watch_from_any_version(api: &Api) {
    for name in ["a", "b"] {
        quiet(api, Method::POST, "", Some(map(name, "1"))).await;
    }
    for query in ["watch=true", "watch=true&resourceVersion=0"] {
        let mut watch = api
            .watch(&format!("{}?{query}", api.path("configmaps", "")))
            .await;
        let mut names = watch.names(2).await;
        names.sort();
        assert_eq!(names, ["ADDED a", "ADDED b"], "{query}");
        quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": query}}))).await;
        assert_eq!(watch.names(1).await, ["MODIFIED a"], "{query}");
    }
}

async fn watch_initial_events(api: &Api) {
    for name in ["a", "b"] {
        quiet(api, Method::POST, "", Some(map(name, "1"))).await;
    }
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = api
        .watch(&format!("{}?{query}", api.path("configmaps", "")))
        .await;
    let mut names = watch.names(2).await;
    names.sort();
    assert_eq!(names, ["ADDED a", "ADDED b"]);
    watch.show(1).await;
    quiet(api, Method::DELETE, "a", None).await;
    assert_eq!(watch.names(1).await, ["DELETED a"]);

    let query =
        "watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = api
        .watch(&format!("{}?{query}", api.path("configmaps", "")))
        .await;
    quiet(api, Method::PATCH, "b", Some(json!({"data": {"k": "2"}}))).await;
    assert_eq!(watch.names(1).await, ["MODIFIED b"]);
}

async fn watch_one_object(api: &Api) {
    for name in ["a", "b"] {
        quiet(api, Method::POST, "", Some(map(name, "1"))).await;
    }
    let version = version(api).await;
    let path = api.path("configmaps", "");
    let mut by_field = api
        .watch(&format!(
            "{path}?watch=true&resourceVersion={version}&fieldSelector=metadata.name=b"
        ))
        .await;
    quiet(api, Method::PATCH, "a", Some(json!({"data": {"k": "2"}}))).await;
    quiet(api, Method::PATCH, "b", Some(json!({"data": {"k": "2"}}))).await;
    assert_eq!(by_field.names(1).await, ["MODIFIED b"]);
}

async fn watch_finalizers(api: &Api) {
    let version = version(api).await;
    let mut watch = api
        .watch(&format!(
            "{}?watch=true&resourceVersion={version}",
            api.path("configmaps", "")
        ))
        .await;
    let mut held = map("a", "1");
    held["metadata"]["finalizers"] = json!(["example.com/f"]);
    quiet(api, Method::POST, "", Some(held)).await;
    quiet(api, Method::DELETE, "a", None).await;
    quiet(
        api,
        Method::PATCH,
        "a",
        Some(json!({"metadata": {"finalizers": null}, "data": {"k": "last"}})),
    )
    .await;
    quiet(api, Method::POST, "", Some(map("b", "1"))).await;
    watch.show(4).await;
}

async fn watch_pods_going(api: &Api) {
    let version = version(api).await;
    let mut watch = api
        .watch(&format!(
            "{}?watch=true&resourceVersion={version}",
            api.path("pods", "")
        ))
        .await;
    let path = |name: &str| api.path("pods", name);
    let now = json!({"gracePeriodSeconds": 0});
    let pod = |name: &str, node: Value| json!({"metadata": {"name": name}, "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}});
    for (name, node) in [("running", json!("n")), ("waiting", Value::Null)] {
        api.quiet(
            Method::POST,
            &path(""),
            "application/json",
            Some(&pod(name, node)),
        )
        .await;
        api.quiet(Method::DELETE, &path(name), "application/json", None)
            .await;
    }
    api.quiet(Method::DELETE, &path("running"), "application/json", Some(&now))
        .await;
    watch.show(7).await;
}

async fn watch_times_out(api: &Api) {
    let version = version(api).await;
    let mut watch = api
        .watch(&format!(
            "{}?watch=true&timeoutSeconds=1&resourceVersion={version}",
            api.path("configmaps", "")
        ))
        .await;
    assert!(watch.next().await.is_none(), "the server ends the watch");
}

async fn watch_statuses(api: &Api) {
    let (status, headers, _body) = {
        let path = format!("{}?watch=true&timeoutSeconds=1", api.path("configmaps", ""));
        api.raw(Method::GET, &path, &[], None).await
    };
    let media_type = headers["content-type"].to_str().expect("text");
    api.note(&format!("{} {media_type}", status.as_u16()));
    // Revision 1 is compacted or never was; both APIs start there or say 410 in an event, never as a status.
    let path = format!(
        "{}?watch=true&timeoutSeconds=1&resourceVersion=1",
        api.path("configmaps", "")
    );
    let (status, _headers, _body) = api.raw(Method::GET, &path, &[], None).await;
    assert_eq!(status.as_u16(), 200);
}
