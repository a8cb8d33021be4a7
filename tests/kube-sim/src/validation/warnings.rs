//! What the API accepts with a warning (`GetWarningsForService` and its like); sent as `Warning` headers.

use std::net::IpAddr;

use serde_json::Value;

use super::addresses;
use crate::resources::{ENDPOINT_SLICES, Resource, SERVICES};
use crate::service_view::{self as view, ServiceType, text};

/// Warnings about an object that was accepted.
pub(crate) fn about(resource: &Resource, object: &Value) -> Vec<String> {
    if resource == &SERVICES {
        service(object)
    } else if resource == &ENDPOINT_SLICES {
        endpoint_slice(object)
    } else {
        Vec::new()
    }
}

fn service(service: &Value) -> Vec<String> {
    let spec = &service["spec"];
    let service_type = view::service_type(service);
    let is_headless = service_type == ServiceType::ClusterIp && view::is_headless(service);
    let external_ips = view::strings(&spec["externalIPs"]);
    let mut warnings = Vec::new();
    if !view::is_headless(service) {
        warnings.extend(each_address(
            "spec.clusterIPs",
            &view::strings(&spec["clusterIPs"]),
        ));
    }
    if is_headless {
        if !view::is_empty(&spec["loadBalancerIP"]) {
            warnings.push("spec.loadBalancerIP is ignored for headless services".to_owned());
        }
        if !external_ips.is_empty() {
            warnings.push("spec.externalIPs is ignored for headless services".to_owned());
        }
        if spec["sessionAffinity"] != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".to_owned());
        }
    }
    warnings.extend(each_address("spec.externalIPs", &external_ips));
    if !external_ips.is_empty() && !is_headless && service_type != ServiceType::ExternalName {
        warnings.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned(),
        );
    }
    let load_balancer_ip = text(&spec["loadBalancerIP"]);
    if !load_balancer_ip.is_empty() {
        warnings.extend(address("spec.loadBalancerIP", load_balancer_ip));
    }
    for (position, range) in view::strings(&spec["loadBalancerSourceRanges"])
        .iter()
        .enumerate()
    {
        warnings.extend(self::range(
            &format!("spec.loadBalancerSourceRanges[{position}]"),
            range,
        ));
    }
    if service_type == ServiceType::ExternalName && !external_ips.is_empty() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if service_type != ServiceType::ExternalName && !view::is_empty(&spec["externalName"]) {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec["trafficDistribution"] == "PreferClose" {
        warnings.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned(),
        );
    }
    warnings
}

fn endpoint_slice(slice: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if slice["addressType"] == "FQDN" {
        return vec!["spec.addressType: FQDN endpoints are deprecated".to_owned()];
    }
    if text(&slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"])
        == "endpointslice-controller.k8s.io"
    {
        return warnings;
    }
    for (position, endpoint) in slice["endpoints"].as_array().into_iter().flatten().enumerate() {
        let field = format!("endpoints[{position}].addresses");
        warnings.extend(each_address(&field, &view::strings(&endpoint["addresses"])));
    }
    warnings
}

fn each_address(field: &str, list: &[String]) -> Vec<String> {
    list.iter()
        .enumerate()
        .flat_map(|(position, text)| address(&format!("{field}[{position}]"), text))
        .collect()
}

fn address(field: &str, text: &str) -> Option<String> {
    let parsed = addresses::parse(text)?;
    let mapped = matches!(parsed, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let preferred = parsed.to_canonical();
    if text.parse::<IpAddr>().is_err() || mapped {
        return Some(format!(
            "{field}: non-standard IP address \"{text}\" is invalid: use \"{preferred}\""
        ));
    }
    let is_canonical = parsed.is_ipv4() || parsed.to_string() == text;
    (!is_canonical).then(|| {
        format!("{field}: IPv6 address \"{text}\" should be in RFC 5952 canonical format (\"{parsed}\")")
    })
}

fn range(field: &str, text: &str) -> Option<String> {
    let (address, length) = addresses::parse_range(text)?;
    let network: ipnet::IpNet = ipnet::IpNet::new(address, length).ok()?;
    if network.trunc().addr() != address {
        let single = ipnet::IpNet::from(address);
        let network = network.trunc();
        return Some(format!(
            "{field}: CIDR value \"{text}\" is ambiguous in this context (should be \"{network}\" or \"{single}\"?)"
        ));
    }
    if text.parse::<ipnet::IpNet>().is_err() {
        return Some(format!(
            "{field}: non-standard CIDR value \"{text}\" is invalid: use \"{network}\""
        ));
    }
    None
}
