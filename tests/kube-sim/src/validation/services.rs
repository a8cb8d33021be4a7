//! Rules for a Service's spec (`validateService` of `pkg/apis/core/validation`), in the order in which they are reported.

use serde_json::Value;

use super::{
    FieldError, addresses, each_invalid, formats, metadata, one_of, service_addresses, service_ports,
};
use crate::service_view::{self as view, ServiceType, text};

/// Longest session affinity in seconds.
const LONGEST_AFFINITY: i64 = 86_400;
const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";

/// Everything that a Service has to fulfil, new or changed.
pub(super) fn content(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &service["spec"];
    let service_type = view::service_type(service);
    let mut errors = by_type(service, service_type);
    errors.extend(service_ports::each(service));
    errors.extend(metadata::labels("spec.selector", &spec["selector"]));
    errors.extend(affinity(spec));
    errors.extend(service_addresses::cluster_ip_fields(service, old));
    errors.extend(external_ips(spec, old));
    errors.extend(one_of(
        "spec.type",
        &spec["type"],
        &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
    ));
    errors.extend(service_ports::together(service, service_type));
    errors.extend(source_ranges(service, old));
    if !spec["allocateLoadBalancerNodePorts"].is_null() && service_type != ServiceType::LoadBalancer {
        errors.push(FieldError::forbidden(
            "spec.allocateLoadBalancerNodePorts",
            ONLY_LOAD_BALANCER,
        ));
    }
    errors.extend(load_balancer_class(spec, service_type));
    errors.extend(external_traffic(service));
    if let Some(policy) = spec.get("internalTrafficPolicy") {
        errors.extend(one_of(
            "spec.internalTrafficPolicy",
            policy,
            &["Cluster", "Local"],
        ));
    }
    if let Some(distribution) = spec.get("trafficDistribution") {
        let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        errors.extend(one_of("spec.trafficDistribution", distribution, &known));
    }
    errors
}

fn by_type(service: &Value, service_type: ServiceType) -> Vec<FieldError> {
    let spec = &service["spec"];
    let mut errors = Vec::new();
    let is_headless = view::is_headless(service);
    if view::ports(service).is_empty() && !is_headless && service_type != ServiceType::ExternalName {
        errors.push(FieldError::required("spec.ports", ""));
    }
    match service_type {
        ServiceType::LoadBalancer | ServiceType::NodePort if is_headless => {
            let detail = format!("may not be set to 'None' for {} services", text(&spec["type"]));
            errors.push(FieldError::invalid("spec.clusterIPs[0]", "None", detail));
        }
        ServiceType::ExternalName => {
            for member in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if !view::is_empty(&spec[member]) {
                    let field = format!("spec.{member}");
                    errors.push(FieldError::forbidden(
                        &field,
                        "may not be set for ExternalName services",
                    ));
                }
            }
            let name = text(&spec["externalName"]);
            let name = name.strip_suffix('.').unwrap_or(name);
            if name.is_empty() {
                errors.push(FieldError::required("spec.externalName", ""));
            } else {
                errors.extend(each_invalid(
                    "spec.externalName",
                    &name.into(),
                    formats::dns_subdomain(name),
                ));
            }
        }
        _ => {}
    }
    errors
}

fn affinity(spec: &Value) -> Vec<FieldError> {
    let mut errors = one_of(
        "spec.sessionAffinity",
        &spec["sessionAffinity"],
        &["ClientIP", "None"],
    );
    if spec["sessionAffinity"] == "ClientIP" {
        let seconds = &spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
        if !seconds
            .as_i64()
            .is_some_and(|seconds| (1..=LONGEST_AFFINITY).contains(&seconds))
        {
            let field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
            let detail = format!("must be greater than 0 and less than {LONGEST_AFFINITY}");
            errors.push(FieldError::invalid(field, seconds.clone(), detail));
        }
    }
    errors
}

/// Addresses that were accepted before stay accepted.
fn external_ips(spec: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let former = old
        .map(|old| view::strings(&old["spec"]["externalIPs"]))
        .unwrap_or_default();
    let mut errors = Vec::new();
    for (position, address) in view::strings(&spec["externalIPs"]).iter().enumerate() {
        let field = format!("spec.externalIPs[{position}]");
        let malformed = if former.contains(address) {
            Vec::new()
        } else {
            addresses::address(&field, address)
        };
        if malformed.is_empty() {
            errors.extend(addresses::endpoint(&field, address));
        }
        errors.extend(malformed);
    }
    errors
}

fn source_ranges(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let is_load_balancer = view::service_type(service) == ServiceType::LoadBalancer;
    let ranges = view::strings(&service["spec"]["loadBalancerSourceRanges"]);
    let mut errors = Vec::new();
    if !ranges.is_empty() {
        // The real API spells this path with a capital letter.
        let field = "spec.LoadBalancerSourceRanges";
        if !is_load_balancer {
            errors.push(FieldError::forbidden(field, ONLY_LOAD_BALANCER));
        }
        let former = old
            .map(|old| view::strings(&old["spec"]["loadBalancerSourceRanges"]))
            .unwrap_or_default();
        for (position, range) in ranges.iter().enumerate() {
            let range = range.trim();
            if !former.iter().any(|former| former.trim() == range) {
                errors.extend(addresses::range(&format!("{field}[{position}]"), range));
            }
        }
        return errors;
    }
    let annotation = |service: &Value| service["metadata"]["annotations"][SOURCE_RANGES_ANNOTATION].clone();
    let Value::String(ranges) = annotation(service) else {
        return errors;
    };
    let field = format!("metadata.annotations[{SOURCE_RANGES_ANNOTATION}]");
    if !is_load_balancer {
        errors.push(FieldError::forbidden(&field, ONLY_LOAD_BALANCER));
    }
    let is_unchanged = old.is_some_and(|old| annotation(old) == Value::String(ranges.clone()));
    if !is_unchanged && !ranges.trim().is_empty() {
        errors.extend(
            ranges
                .split(',')
                .flat_map(|range| addresses::range(&field, range.trim())),
        );
    }
    errors
}

pub(super) fn load_balancer_class(spec: &Value, service_type: ServiceType) -> Vec<FieldError> {
    let field = "spec.loadBalancerClass";
    match (spec.get("loadBalancerClass"), service_type) {
        (None, _) => Vec::new(),
        (Some(class), ServiceType::LoadBalancer) => {
            each_invalid(field, class, formats::qualified_name(text(class)))
        }
        (Some(_), _) => vec![FieldError::forbidden(field, ONLY_LOAD_BALANCER)],
    }
}

fn external_traffic(service: &Value) -> Vec<FieldError> {
    let policy = service["spec"].get("externalTrafficPolicy");
    let mut errors = Vec::new();
    match policy {
        Some(policy) if !view::is_externally_accessible(service) => {
            let detail = "may only be set for externally-accessible services";
            errors.push(FieldError::invalid(
                "spec.externalTrafficPolicy",
                policy.clone(),
                detail,
            ));
        }
        Some(policy) => errors.extend(one_of(
            "spec.externalTrafficPolicy",
            policy,
            &["Cluster", "Local"],
        )),
        None if view::is_externally_accessible(service) => {
            errors.push(FieldError::required("spec.externalTrafficPolicy", ""));
        }
        None => {}
    }
    let port = view::health_check_port(service);
    let field = "spec.healthCheckNodePort";
    if view::needs_health_check_port(service) {
        if port == 0 {
            errors.push(FieldError::required(field, ""));
        } else {
            errors.extend(each_invalid(field, &port.into(), formats::port_number(port)));
        }
    } else if port != 0 {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(field, port, detail));
    }
    errors
}
