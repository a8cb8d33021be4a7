//! What may not change on a Service (`ValidateServiceUpdate`).

use serde_json::{Value, json};

use super::FieldError;
use crate::service_view::{self as view, ServiceType};

/// Rules between the present and the wanted Service.
pub(super) fn content(service: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = cluster_ips(service, old);
    errors.extend(families(service, old));
    errors.extend(class(service, old));
    let needs_port = view::needs_health_check_port(service) && view::needs_health_check_port(old);
    if needs_port && view::health_check_port(service) != view::health_check_port(old) {
        errors.push(FieldError::forbidden(
            "spec.healthCheckNodePort",
            "field is immutable",
        ));
    }
    errors
}

fn is_external_name(service: &Value) -> bool {
    view::service_type(service) == ServiceType::ExternalName
}

fn cluster_ips(service: &Value, old: &Value) -> Vec<FieldError> {
    if is_external_name(service)
        || is_external_name(old)
        || (view::is_headless(service) && view::is_headless(old))
    {
        return Vec::new();
    }
    let former = view::strings(&old["spec"]["clusterIPs"]);
    let wanted = view::strings(&service["spec"]["clusterIPs"]);
    let invalid = |position: usize, detail: &str| {
        FieldError::invalid(&format!("spec.clusterIPs[{position}]"), json!(wanted), detail)
    };
    let mut errors = Vec::new();
    if former.len() == wanted.len() {
        for position in 0..former.len() {
            if former[position] != wanted[position] {
                errors.push(invalid(position, "may not change once set"));
            }
        }
        return errors;
    }
    if wanted.is_empty() {
        errors.push(invalid(0, "primary clusterIP can not be unset"));
    } else if !former.is_empty() && wanted[0] != former[0] {
        errors.push(invalid(0, "may not change once set"));
    }
    let policy = &service["spec"]["ipFamilyPolicy"];
    if former.len() > wanted.len() && wanted.len() == 1 && policy != "SingleStack" {
        let detail = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        errors.push(FieldError::invalid("spec.ipFamilyPolicy", policy.clone(), detail));
    }
    errors
}

fn families(service: &Value, old: &Value) -> Vec<FieldError> {
    if is_external_name(service)
        || is_external_name(old)
        || view::is_headless(service)
        || view::is_headless(old)
    {
        return Vec::new();
    }
    let former = view::strings(&old["spec"]["ipFamilies"]);
    let wanted = view::strings(&service["spec"]["ipFamilies"]);
    let is_changed = former
        .iter()
        .zip(&wanted)
        .any(|(former, wanted)| former != wanted);
    if is_changed {
        vec![FieldError::invalid(
            "spec.ipFamilies[0]",
            json!(wanted),
            "may not change once set",
        )]
    } else {
        Vec::new()
    }
}

fn class(service: &Value, old: &Value) -> Vec<FieldError> {
    let is_load_balancer = |service: &Value| view::service_type(service) == ServiceType::LoadBalancer;
    let spec = &service["spec"];
    let mut errors = Vec::new();
    if is_load_balancer(service)
        && is_load_balancer(old)
        && spec["loadBalancerClass"] != old["spec"]["loadBalancerClass"]
    {
        let value = spec["loadBalancerClass"].clone();
        errors.push(FieldError::invalid(
            "spec.loadBalancerClass",
            value,
            "may not change once set",
        ));
    }
    errors.extend(super::services::load_balancer_class(
        spec,
        view::service_type(service),
    ));
    errors
}
