//! Cells of a Service.

use serde_json::Value;

use crate::service_view::{self as view, ServiceType, text};

pub(super) fn cells(service: &Value, name: &str, age: &str) -> Vec<Value> {
    let spec = &service["spec"];
    let cluster_ip = view::strings(&spec["clusterIPs"])
        .into_iter()
        .next()
        .unwrap_or_else(|| "<none>".to_owned());
    let ports: Vec<String> = view::ports(service).iter().map(port).collect();
    let ports = if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    };
    vec![
        name.into(),
        spec["type"].clone(),
        cluster_ip.into(),
        external_address(service).into(),
        ports.into(),
        age.into(),
        selector(&spec["selector"]).into(),
    ]
}

fn port(port: &Value) -> String {
    let (number, protocol) = (&port["port"], text(&port["protocol"]));
    match port["nodePort"].as_i64() {
        Some(node_port) if node_port > 0 => format!("{number}:{node_port}/{protocol}"),
        _ => format!("{number}/{protocol}"),
    }
}

fn external_address(service: &Value) -> String {
    let external_ips = view::strings(&service["spec"]["externalIPs"]);
    match view::service_type(service) {
        ServiceType::ExternalName => text(&service["spec"]["externalName"]).to_owned(),
        ServiceType::LoadBalancer => {
            let mut addresses = load_balancer_addresses(service);
            addresses.extend(external_ips);
            if addresses.is_empty() {
                "<pending>".to_owned()
            } else {
                addresses.join(",")
            }
        }
        _ if external_ips.is_empty() => "<none>".to_owned(),
        _ => external_ips.join(","),
    }
}

/// Sorted, once each. The real printers know nothing of `-o wide` when they run on the server, hence cut nothing.
fn load_balancer_addresses(service: &Value) -> Vec<String> {
    let ingress = service["status"]["loadBalancer"]["ingress"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut addresses: Vec<String> = ingress
        .iter()
        .map(|entry| {
            if view::is_empty(&entry["ip"]) {
                text(&entry["hostname"])
            } else {
                text(&entry["ip"])
            }
        })
        .filter(|address| !address.is_empty())
        .map(str::to_owned)
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// `a=b,c=d`, as `labels.FormatLabels` writes it.
pub(super) fn selector(selector: &Value) -> String {
    let mut terms: Vec<String> = selector
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    terms.sort();
    if terms.is_empty() {
        "<none>".to_owned()
    } else {
        terms.join(",")
    }
}
