//! What clients ask first: versions, groups and resources, plain and aggregated.

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
fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "kube-sim", "compiler": "rustc", "platform": "linux/amd64",
    })
}

/// The discovery document at a path and its media type, or `None`.
pub(crate) fn document(path: &str, accept: &str) -> Option<(Value, &'static str)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let wants_aggregated = accept.split(',').any(|range| {
        let has = |parameter: &str| range.split(';').any(|part| part.trim() == parameter);
        has("as=APIGroupDiscoveryList") && has("v=v2") && has("g=apidiscovery.k8s.io")
    });
    let document = match parts.as_slice() {
        ["api"] if wants_aggregated => return Some((aggregated_list(|group| group.is_empty()), AGGREGATED)),
        ["apis"] if wants_aggregated => {
            return Some((aggregated_list(|group| !group.is_empty()), AGGREGATED));
        }
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["apis"] => {
            let named = resources::groups()
                .into_iter()
                .filter(|(group, _)| !group.is_empty());
            let groups: Vec<Value> = named.map(|(group, version)| api_group(group, version)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", group] => {
            let (group, version) = resources::groups()
                .into_iter()
                .find(|(known, _)| known == group && !group.is_empty())?;
            let mut document = api_group(group, version);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        ["api", version] => resource_list("", version)?,
        ["apis", group, version] => resource_list(group, version)?,
        ["version"] => version(),
        _ => return None,
    };
    Some((document, "application/json"))
}

fn verbs(resource: &Resource) -> Vec<&'static str> {
    MAIN_VERBS
        .into_iter()
        .filter(|verb| *verb != "deletecollection" || resource.deletes_collections())
        .collect()
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
            "kind": resource.kind, "verbs": verbs(resource),
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
    // Empty means: of the group and version around it.
    let kind = json!({"group": "", "version": "", "kind": resource.kind});
    let mut entry = json!({
        "resource": resource.plural, "responseKind": kind, "singularResource": resource.singular,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "verbs": verbs(resource),
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
