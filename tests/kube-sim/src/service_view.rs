//! Questions about a Service's JSON that defaults, validation, allocation and tables all ask.

use std::net::IpAddr;

use serde_json::Value;

/// `spec.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceType {
    ClusterIp,
    NodePort,
    LoadBalancer,
    ExternalName,
    /// Refused by validation.
    Unknown,
}

pub(crate) fn service_type(service: &Value) -> ServiceType {
    match text(&service["spec"]["type"]) {
        "" | "ClusterIP" => ServiceType::ClusterIp,
        "NodePort" => ServiceType::NodePort,
        "LoadBalancer" => ServiceType::LoadBalancer,
        "ExternalName" => ServiceType::ExternalName,
        _ => ServiceType::Unknown,
    }
}

/// Whether the type has node ports.
pub(crate) fn uses_node_ports(service: &Value) -> bool {
    matches!(
        service_type(service),
        ServiceType::NodePort | ServiceType::LoadBalancer
    )
}

/// Whether ports without a node port get one.
pub(crate) fn allocates_node_ports(service: &Value) -> bool {
    service_type(service) == ServiceType::NodePort
        || service["spec"]["allocateLoadBalancerNodePorts"] != false
}

/// Whether the Service can be reached from outside, so that an external traffic policy means something.
pub(crate) fn is_externally_accessible(service: &Value) -> bool {
    uses_node_ports(service)
        || (service_type(service) == ServiceType::ClusterIp
            && !strings(&service["spec"]["externalIPs"]).is_empty())
}

/// Whether a load balancer probes the nodes for local endpoints.
pub(crate) fn needs_health_check_port(service: &Value) -> bool {
    service_type(service) == ServiceType::LoadBalancer
        && text(&service["spec"]["externalTrafficPolicy"]) == "Local"
}

pub(crate) fn health_check_port(service: &Value) -> i64 {
    service["spec"]["healthCheckNodePort"].as_i64().unwrap_or(0)
}

pub(crate) fn is_headless(service: &Value) -> bool {
    text(&service["spec"]["clusterIP"]) == "None"
}

pub(crate) fn ports(service: &Value) -> &[Value] {
    service["spec"]["ports"].as_array().map_or(&[], Vec::as_slice)
}

/// Node ports that are set.
pub(crate) fn node_ports(service: &Value) -> Vec<i64> {
    ports(service)
        .iter()
        .filter_map(|port| port["nodePort"].as_i64())
        .filter(|port| *port != 0)
        .collect()
}

/// The text, empty for anything else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The texts of a list.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| text(entry).to_owned())
        .collect()
}

/// Whether a list, map or text holds nothing.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

/// `IPv4` or `IPv6`; empty for what is no address.
pub(crate) fn family_of(address: &str) -> &'static str {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => "IPv4",
        Ok(IpAddr::V6(_)) => "IPv6",
        Err(_) => "",
    }
}

/// Indexing a missing member for writing leaves `null` behind; stored objects have none.
pub(crate) fn prune_nulls(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
}
