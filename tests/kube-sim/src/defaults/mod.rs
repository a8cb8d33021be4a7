//! Values that the API fills in where a client leaves them out, kind by kind (`pkg/apis/*/v1/defaults.go`).
//!
//! Applied to everything that comes in, before any check.

mod pods;
mod services;

use serde_json::{Value, json};

use crate::resources::Resource;
use crate::service_view as view;

/// Fills an object, in its stored form, in place.
pub(crate) fn apply(resource: &Resource, object: &mut Value) {
    match resource.plural {
        "services" => services::apply(object),
        "endpointslices" => endpoint_slice(object),
        "endpoints" => endpoints(object),
        "namespaces" => namespace(object),
        "nodes" => node(object),
        "pods" => pods::apply(object),
        _ => {}
    }
}

/// Sets a member that is absent or empty.
fn fill(object: &mut Value, member: &str, value: impl Into<Value>) {
    if view::is_empty(object.get(member).unwrap_or(&Value::Null)) {
        object[member] = value.into();
    }
}

fn endpoint_slice(slice: &mut Value) {
    for port in slice["ports"].as_array_mut().into_iter().flatten() {
        for (member, default) in [("name", ""), ("protocol", "TCP")] {
            if port.get(member).is_none() {
                port[member] = default.into();
            }
        }
    }
}

fn endpoints(endpoints: &mut Value) {
    for subset in endpoints
        .get_mut("subsets")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        for port in subset
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            fill(port, "protocol", "TCP");
        }
    }
}

/// Every namespace carries its name as a label.
fn namespace(namespace: &mut Value) {
    if let Some(name) = namespace["metadata"].get("name").cloned() {
        if namespace["metadata"].get("labels").is_none() {
            namespace["metadata"]["labels"] = json!({});
        }
        namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    }
    fill(&mut namespace["status"], "phase", "Active");
}

fn node(node: &mut Value) {
    if let Some(capacity) = node["status"].get("capacity").cloned()
        && node["status"].get("allocatable").is_none()
    {
        node["status"]["allocatable"] = capacity;
    }
}
