//! Rules for a Service's status (`ValidateLoadBalancerStatus`).

use serde_json::Value;

use super::{FieldError, addresses, each_invalid, formats, one_of};
use crate::service_view::{self as view, ServiceType, text};

/// Addresses that a load balancer reports.
pub(super) fn load_balancer(service: &Value) -> Vec<FieldError> {
    let ingress = service["status"]["loadBalancer"]["ingress"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let field = "status.loadBalancer.ingress";
    if view::service_type(service) != ServiceType::LoadBalancer && !ingress.is_empty() {
        return vec![FieldError::forbidden(
            field,
            "may only be used when `spec.type` is 'LoadBalancer'",
        )];
    }
    let mut errors = Vec::new();
    for (position, entry) in ingress.iter().enumerate() {
        let path = format!("{field}[{position}]");
        let ip = text(&entry["ip"]);
        if !ip.is_empty() {
            errors.extend(addresses::address(&format!("{path}.ip"), ip));
        }
        let mode_field = format!("{path}.ipMode");
        match entry.get("ipMode") {
            None if !ip.is_empty() => {
                errors.push(FieldError::required(
                    &mode_field,
                    "must be specified when `ip` is set",
                ));
            }
            Some(_) if ip.is_empty() => {
                errors.push(FieldError::forbidden(
                    &mode_field,
                    "may not be specified when `ip` is not set",
                ));
            }
            Some(mode) => errors.extend(one_of(&mode_field, mode, &["Proxy", "VIP"])),
            None => {}
        }
        let hostname = text(&entry["hostname"]);
        if !hostname.is_empty() {
            let field = format!("{path}.hostname");
            errors.extend(each_invalid(
                &field,
                &entry["hostname"],
                formats::dns_subdomain(hostname),
            ));
            if addresses::parse(hostname).is_some() {
                errors.push(FieldError::invalid(
                    &field,
                    hostname,
                    "must be a DNS name, not an IP address",
                ));
            }
        }
    }
    errors
}
