//! Cells of a Node.

use serde_json::Value;

use crate::service_view::{is_empty, text};

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

pub(super) fn cells(node: &Value, name: &str, age: &str) -> Vec<Value> {
    let info = &node["status"]["nodeInfo"];
    let or_unknown = |member: &str| {
        let value = &info[member];
        if is_empty(value) {
            "<unknown>".to_owned()
        } else {
            text(value).to_owned()
        }
    };
    let mut kernel = or_unknown("kernelVersion");
    if !is_empty(&info["architecture"]) {
        kernel = format!("{kernel} ({})", text(&info["architecture"]));
    }
    vec![
        name.into(),
        status(node).into(),
        roles(node).into(),
        age.into(),
        text(&info["kubeletVersion"]).into(),
        address(node, "InternalIP").into(),
        address(node, "ExternalIP").into(),
        or_unknown("osImage").into(),
        kernel.into(),
        or_unknown("containerRuntimeVersion").into(),
    ]
}

fn status(node: &Value) -> String {
    let conditions = node["status"]["conditions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let ready = conditions
        .iter()
        .rev()
        .find(|condition| condition["type"] == "Ready");
    let status = match ready {
        Some(ready) if ready["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if node["spec"]["unschedulable"] == true {
        format!("{status},SchedulingDisabled")
    } else {
        status.to_owned()
    }
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object();
    let mut roles: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => Some(role.to_owned()),
            None if key == ROLE_LABEL => Some(text(value).to_owned()),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    }
}

fn address(node: &Value, kind: &str) -> String {
    let addresses = node["status"]["addresses"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let found = addresses.iter().find(|address| address["type"] == kind);
    found.map_or_else(
        || "<none>".to_owned(),
        |address| text(&address["address"]).to_owned(),
    )
}
