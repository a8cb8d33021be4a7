//! Discovery and OpenAPI: what the real API says about the resources that kube-sim has.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, conforms};

conforms!(discovery, aggregated_discovery, openapi_schemas);

const GROUPS: [&str; 4] = [
    "/api/v1",
    "/apis/coordination.k8s.io/v1",
    "/apis/discovery.k8s.io/v1",
    "/apis/events.k8s.io/v1",
];
const RESOURCES: [&str; 9] = [
    "configmaps",
    "endpoints",
    "events",
    "namespaces",
    "nodes",
    "pods",
    "services",
    "leases",
    "endpointslices",
];

fn is_ours(name: &str) -> bool {
    RESOURCES.contains(&name.strip_suffix("/status").unwrap_or(name))
}

async fn get(api: &Api, path: &str, accept: &str) -> Value {
    let (status, _headers, text) = api.raw(Method::GET, path, &[("accept", accept)], None).await;
    assert_eq!(status.as_u16(), 200, "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn discovery(api: &Api) {
    for path in GROUPS {
        let list = get(api, path, "application/json").await;
        api.note(&format!("{path} {} {}", list["kind"], list["groupVersion"]));
        for resource in list["resources"].as_array().expect("resources") {
            if is_ours(resource["name"].as_str().unwrap_or_default()) {
                let mut resource = resource.clone();
                resource
                    .as_object_mut()
                    .map(|members| members.remove("storageVersionHash"));
                api.event(&resource);
            }
        }
    }
    let groups = get(api, "/apis", "application/json").await;
    for group in groups["groups"].as_array().expect("groups") {
        if ["coordination.k8s.io", "discovery.k8s.io", "events.k8s.io"]
            .iter()
            .any(|name| group["name"] == *name)
        {
            api.event(&json!({"name": group["name"], "preferred": group["preferredVersion"]}));
        }
    }
    let group = get(api, "/apis/discovery.k8s.io", "application/json").await;
    api.note(&format!(
        "{} {} {}",
        group["kind"], group["name"], group["preferredVersion"]["groupVersion"]
    ));
    let core = get(api, "/api", "application/json").await;
    api.note(&format!("{} {}", core["kind"], core["versions"]));
    let version = get(api, "/version", "application/json").await;
    api.note(&format!("{} {}", version["major"], version["gitVersion"]));
}

async fn aggregated_discovery(api: &Api) {
    for path in ["/api", "/apis"] {
        let list = get(
            api,
            path,
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
        )
        .await;
        api.note(&format!("{path} {} {}", list["kind"], list["apiVersion"]));
        for group in list["items"].as_array().expect("groups") {
            let ours = ["", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io"];
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            let version = group["versions"]
                .as_array()
                .expect("versions")
                .iter()
                .find(|version| version["version"] == "v1");
            let Some(version) = version.filter(|_| ours.contains(&name)) else {
                continue;
            };
            for resource in version["resources"].as_array().expect("resources") {
                let plural = resource["resource"].as_str().unwrap_or_default();
                if !is_ours(plural) {
                    continue;
                }
                let mut resource = resource.clone();
                if let Some(subresources) = resource.get_mut("subresources").and_then(Value::as_array_mut) {
                    subresources.retain(|subresource| subresource["subresource"] == "status");
                }
                api.event(&json!({"group": name, "resource": resource}));
            }
        }
    }
}

/// The schemas that kube-sim decodes by are those that the real API publishes.
async fn openapi_schemas(api: &Api) {
    let index = get(api, "/openapi/v3", "application/json").await;
    for (group, kinds) in [
        (
            "api/v1",
            vec![
                "io.k8s.api.core.v1.Service",
                "io.k8s.api.core.v1.ServicePort",
                "io.k8s.api.core.v1.NodeSpec",
                "io.k8s.api.core.v1.PodSpec",
            ],
        ),
        (
            "apis/discovery.k8s.io/v1",
            vec![
                "io.k8s.api.discovery.v1.EndpointSlice",
                "io.k8s.api.discovery.v1.Endpoint",
            ],
        ),
        (
            "apis/coordination.k8s.io/v1",
            vec!["io.k8s.api.coordination.v1.LeaseSpec"],
        ),
        ("apis/events.k8s.io/v1", vec!["io.k8s.api.events.v1.Event"]),
    ] {
        let url = index["paths"][group]["serverRelativeURL"]
            .as_str()
            .expect("a URL");
        let document = get(api, url, "application/json").await;
        for kind in kinds {
            let schema = &document["components"]["schemas"][kind];
            let properties = schema["properties"].as_object().expect("properties");
            let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
            names.sort_unstable();
            api.note(&format!(
                "{kind}: {} required {}",
                names.join(" "),
                schema["required"]
            ));
        }
    }
}
