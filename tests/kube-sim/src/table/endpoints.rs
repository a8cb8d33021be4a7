//! Cells of EndpointSlices and Endpoints.

use serde_json::Value;

use super::at_most_three;
use crate::service_view::{strings, text};

pub(super) fn slice_cells(slice: &Value, name: &str, age: &str) -> Vec<Value> {
    let ports: Vec<String> = entries(&slice["ports"])
        .iter()
        .map(|port| match port.get("port").filter(|number| !number.is_null()) {
            Some(number) => number.to_string(),
            None => text(&port["name"]).to_owned(),
        })
        .collect();
    let addresses: Vec<String> = entries(&slice["endpoints"])
        .iter()
        .flat_map(|endpoint| strings(&endpoint["addresses"]))
        .collect();
    // A slice with one unnamed port has an empty text to show, which counts as none.
    let ports = if ports == [""] { Vec::new() } else { ports };
    vec![
        name.into(),
        slice["addressType"].clone(),
        at_most_three(&ports, "<unset>").into(),
        at_most_three(&addresses, "<unset>").into(),
        age.into(),
    ]
}

pub(super) fn cells(endpoints: &Value, name: &str, age: &str) -> Vec<Value> {
    let mut shown = Vec::new();
    for subset in entries(&endpoints["subsets"]) {
        let addresses = entries(&subset["addresses"]);
        let ports = entries(&subset["ports"]);
        if ports.is_empty() {
            shown.extend(addresses.iter().map(|address| text(&address["ip"]).to_owned()));
        }
        for port in ports {
            shown.extend(
                addresses
                    .iter()
                    .map(|address| join(text(&address["ip"]), &port["port"])),
            );
        }
    }
    vec![name.into(), at_most_three(&shown, "<none>").into(), age.into()]
}

fn join(address: &str, port: &Value) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
