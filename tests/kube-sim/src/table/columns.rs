//! The columns of each kind. Most descriptions are those of the fields that the columns show.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::schema::COMPONENT_SCHEMAS;

/// Where a column's description stands.
#[derive(Debug, Clone, Copy)]
enum Description {
    /// Type (below `io.k8s.`) and field in the schema.
    Of(&'static str, &'static str),
    Text(&'static str),
}

use Description::{Of, Text};

/// Name, priority (1 shows with `-o wide`), description.
type Column = (&'static str, u8, Description);

const META: &str = "apimachinery.pkg.apis.meta.v1.ObjectMeta";
const NAME: Column = ("Name", 0, Of(META, "name"));
const AGE: Column = ("Age", 0, Of(META, "creationTimestamp"));

const SERVICES: [Column; 7] = [
    NAME,
    ("Type", 0, Of("api.core.v1.ServiceSpec", "type")),
    ("Cluster-IP", 0, Of("api.core.v1.ServiceSpec", "clusterIP")),
    ("External-IP", 0, Of("api.core.v1.ServiceSpec", "externalIPs")),
    ("Port(s)", 0, Of("api.core.v1.ServiceSpec", "ports")),
    AGE,
    ("Selector", 1, Of("api.core.v1.ServiceSpec", "selector")),
];

const NODES: [Column; 10] = [
    NAME,
    ("Status", 0, Text("The status of the node")),
    ("Roles", 0, Text("The roles of the node")),
    AGE,
    ("Version", 0, Of("api.core.v1.NodeSystemInfo", "kubeletVersion")),
    ("Internal-IP", 1, Of("api.core.v1.NodeStatus", "addresses")),
    ("External-IP", 1, Of("api.core.v1.NodeStatus", "addresses")),
    ("OS-Image", 1, Of("api.core.v1.NodeSystemInfo", "osImage")),
    (
        "Kernel-Version",
        1,
        Of("api.core.v1.NodeSystemInfo", "kernelVersion"),
    ),
    (
        "Container-Runtime",
        1,
        Of("api.core.v1.NodeSystemInfo", "containerRuntimeVersion"),
    ),
];

const PODS: [Column; 9] = [
    NAME,
    (
        "Ready",
        0,
        Text("The aggregate readiness state of this pod for accepting traffic."),
    ),
    (
        "Status",
        0,
        Text("The aggregate status of the containers in this pod."),
    ),
    (
        "Restarts",
        0,
        Text(
            "The number of times the containers in this pod have been restarted and when the last container in this pod \
             has restarted.",
        ),
    ),
    AGE,
    ("IP", 1, Of("api.core.v1.PodStatus", "podIP")),
    ("Node", 1, Of("api.core.v1.PodSpec", "nodeName")),
    (
        "Nominated Node",
        1,
        Of("api.core.v1.PodStatus", "nominatedNodeName"),
    ),
    ("Readiness Gates", 1, Of("api.core.v1.PodSpec", "readinessGates")),
];

const ENDPOINT_SLICES: [Column; 5] = [
    NAME,
    (
        "AddressType",
        0,
        Of("api.discovery.v1.EndpointSlice", "addressType"),
    ),
    ("Ports", 0, Of("api.discovery.v1.EndpointSlice", "ports")),
    ("Endpoints", 0, Of("api.discovery.v1.EndpointSlice", "endpoints")),
    AGE,
];

const ENDPOINTS: [Column; 3] = [
    NAME,
    ("Endpoints", 0, Of("api.core.v1.Endpoints", "subsets")),
    AGE,
];

const EVENTS: [Column; 10] = [
    ("Last Seen", 0, Of("api.core.v1.Event", "lastTimestamp")),
    ("Type", 0, Of("api.core.v1.Event", "type")),
    ("Reason", 0, Of("api.core.v1.Event", "reason")),
    ("Object", 0, Of("api.core.v1.Event", "involvedObject")),
    ("Subobject", 1, Of("api.core.v1.ObjectReference", "fieldPath")),
    ("Source", 1, Of("api.core.v1.Event", "source")),
    ("Message", 0, Of("api.core.v1.Event", "message")),
    ("First Seen", 1, Of("api.core.v1.Event", "firstTimestamp")),
    ("Count", 1, Of("api.core.v1.Event", "count")),
    ("Name", 1, Of(META, "name")),
];

const NAMESPACES: [Column; 3] = [NAME, ("Status", 0, Text("The status of the namespace")), AGE];
const LEASES: [Column; 3] = [
    NAME,
    ("Holder", 0, Of("api.coordination.v1.LeaseSpec", "holderIdentity")),
    AGE,
];
const CONFIG_MAPS: [Column; 3] = [NAME, ("Data", 0, Of("api.core.v1.ConfigMap", "data")), AGE];

/// `columnDefinitions` of a kind.
pub(super) fn definitions(resource: &'static Resource) -> Value {
    let columns: &[Column] = match resource.plural {
        "services" => &SERVICES,
        "nodes" => &NODES,
        "pods" => &PODS,
        "endpointslices" => &ENDPOINT_SLICES,
        "endpoints" => &ENDPOINTS,
        "events" => &EVENTS,
        "namespaces" => &NAMESPACES,
        "leases" => &LEASES,
        _ => &CONFIG_MAPS,
    };
    columns.iter().map(definition).collect()
}

fn definition((name, priority, description): &Column) -> Value {
    let text = match description {
        Text(text) => text,
        Of(kind, field) => DESCRIPTIONS.get(&(*kind, *field)).map_or("", String::as_str),
    };
    let format = if *name == "Name" { "name" } else { "" };
    json!({"name": name, "type": "string", "format": format, "description": text, "priority": priority})
}

/// Descriptions of the fields that columns show; looked up once.
static DESCRIPTIONS: LazyLock<HashMap<(&'static str, &'static str), String>> = LazyLock::new(|| {
    let schemas: Value = serde_json::from_str(COMPONENT_SCHEMAS).unwrap_or_default();
    let kinds: [&[Column]; 9] = [
        &SERVICES,
        &NODES,
        &PODS,
        &ENDPOINT_SLICES,
        &ENDPOINTS,
        &EVENTS,
        &NAMESPACES,
        &LEASES,
        &CONFIG_MAPS,
    ];
    let mut found = HashMap::new();
    for (_, _, description) in kinds.into_iter().flatten() {
        if let Of(kind, field) = description {
            let text = &schemas[format!("io.k8s.{kind}")]["properties"][*field]["description"];
            found.insert((*kind, *field), text.as_str().unwrap_or_default().to_owned());
        }
    }
    found
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_described() {
        for resource in crate::resources::ALL {
            for column in definitions(resource).as_array().expect("a list") {
                assert_ne!(
                    column["description"], "",
                    "{} of {}",
                    column["name"], resource.plural
                );
            }
        }
    }
}
