//! What clients ask first: versions, groups and resources, plain and aggregated.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::resources::{self, Resource};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const MAIN_VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

/// `/version`: the version whose behaviour is simulated.
pub(crate) fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "kube-sim", "compiler": "rustc", "platform": "linux/amd64",
    })
}

/// The discovery document at a path, or `None`.
pub(crate) fn document(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let wants_aggregated = accepts_aggregated(headers);
    let (document, aggregated) = match parts.as_slice() {
        ["api"] if wants_aggregated => (aggregated_list(|group| group.is_empty()), true),
        ["apis"] if wants_aggregated => (aggregated_list(|group| !group.is_empty()), true),
        ["api"] => (
            json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
            false,
        ),
        ["apis"] => {
            let groups: Vec<Value> = resources::groups()
                .into_iter()
                .filter(|(group, _)| !group.is_empty())
                .map(|(group, version)| api_group(group, version))
                .collect();
            (
                json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
                false,
            )
        }
        ["apis", group] => {
            let (group, version) = resources::groups()
                .into_iter()
                .find(|(known, _)| known == group && !group.is_empty())?;
            let mut document = api_group(group, version);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            (document, false)
        }
        ["api", version] => (resource_list("", version)?, false),
        ["apis", group, version] => (resource_list(group, version)?, false),
        _ => return None,
    };
    let mut response = Response::new(Body::from(Bytes::from(document.to_string())));
    *response.status_mut() = StatusCode::OK;
    let media_type = if aggregated {
        AGGREGATED
    } else {
        "application/json"
    };
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Some(response)
}

fn accepts_aggregated(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.split(',').any(|accepted| {
        accepted.contains("as=APIGroupDiscoveryList")
            && accepted.contains("v=v2")
            && !accepted.contains("v=v2beta1")
    })
}

fn api_group(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

fn resources_of<'a>(group: &'a str, version: &'a str) -> impl Iterator<Item = &'static Resource> + 'a {
    resources::ALL
        .into_iter()
        .filter(move |resource| resource.group == group && resource.version == version)
}

fn resource_list(group: &str, version: &str) -> Option<Value> {
    let mut listed: Vec<Value> = Vec::new();
    for resource in resources_of(group, version) {
        let mut entry = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": MAIN_VERBS,
        });
        if !resource.short_names.is_empty() {
            entry["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            entry["categories"] = json!(resource.categories);
        }
        listed.push(entry);
        if resource.status {
            listed.push(json!({
                "name": format!("{}/status", resource.plural), "singularName": "", "namespaced": resource.namespaced,
                "kind": resource.kind, "verbs": STATUS_VERBS,
            }));
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    (!listed.is_empty())
        .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}))
}

fn aggregated_list(is_wanted: impl Fn(&str) -> bool) -> Value {
    let groups: Vec<Value> = resources::groups()
        .into_iter()
        .filter(|(group, _)| is_wanted(group))
        .map(|(group, version)| {
            let listed: Vec<Value> = resources_of(group, version).map(aggregated_resource).collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": [{"version": version, "resources": listed, "freshness": "Current"}]})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups})
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let mut entry = json!({
        "resource": resource.plural, "responseKind": kind, "singularResource": resource.singular,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "verbs": MAIN_VERBS,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    if resource.status {
        entry["subresources"] =
            json!([{"subresource": "status", "responseKind": kind, "verbs": STATUS_VERBS}]);
    }
    entry
}
