//! `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` have to fit each other.
//!
//! Asked twice, as in the real API: before allocation, which relies on it, and with everything else.

use serde_json::{Value, json};

use super::{FieldError, addresses, one_of};
use crate::service_view::{self as view, ServiceType, text};

const FIELD: &str = "spec.clusterIPs";

/// Rules between the four fields; `ExternalName` has none of them.
pub(crate) fn cluster_ip_fields(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    if view::service_type(service) == ServiceType::ExternalName {
        return Vec::new();
    }
    let spec = &service["spec"];
    let single = text(&spec["clusterIP"]);
    let cluster_ips = view::strings(&spec["clusterIPs"]);
    let families = view::strings(&spec["ipFamilies"]);
    let mut errors = singular_and_plural(single, &cluster_ips);
    for (position, family) in families.iter().enumerate() {
        let field = format!("spec.ipFamilies[{position}]");
        errors.extend(one_of(&field, &family.as_str().into(), &["IPv4", "IPv6"]));
        if families[..position].contains(family) {
            errors.push(FieldError::duplicate(&field, family.as_str()));
        }
    }
    if let Some(policy) = spec.get("ipFamilyPolicy") {
        errors.extend(one_of(
            "spec.ipFamilyPolicy",
            policy,
            &["PreferDualStack", "RequireDualStack", "SingleStack"],
        ));
    }
    let former = old
        .map(|old| view::strings(&old["spec"]["clusterIPs"]))
        .unwrap_or_default();
    let mut malformed = false;
    for (position, address) in cluster_ips.iter().enumerate() {
        let found = if position == 0 && address == "None" {
            if cluster_ips.len() > 1 {
                vec![FieldError::invalid(
                    FIELD,
                    json!(cluster_ips),
                    "'None' must be the first and only value",
                )]
            } else {
                Vec::new()
            }
        } else if former.contains(address) {
            Vec::new()
        } else {
            addresses::address(&format!("{FIELD}[{position}]"), address)
        };
        malformed |= !found.is_empty();
        errors.extend(found);
    }
    if cluster_ips.len() > 2 {
        errors.push(FieldError::invalid(
            FIELD,
            json!(cluster_ips),
            "may only hold up to 2 values",
        ));
    }
    if malformed {
        return errors;
    }
    if cluster_ips.len() > 1 {
        let has_v6 = cluster_ips.iter().any(|address| addresses::is_v6(address));
        let has_v4 = cluster_ips.iter().any(|address| !addresses::is_v6(address));
        if !(has_v4 && has_v6) {
            let detail = "may specify no more than one IP for each IP family";
            errors.push(FieldError::invalid(FIELD, json!(cluster_ips), detail));
        }
    }
    if cluster_ips != ["None"] {
        errors.extend(families_fit(&cluster_ips, &families));
    }
    errors
}

fn singular_and_plural(single: &str, cluster_ips: &[String]) -> Vec<FieldError> {
    match (single, cluster_ips.first()) {
        ("", None) => Vec::new(),
        ("", Some(_)) => {
            let detail = "must be empty when `clusterIP` is not specified";
            vec![FieldError::invalid(FIELD, json!(cluster_ips), detail)]
        }
        (_, None) => vec![FieldError::required(FIELD, "")],
        (single, Some(first)) if first != single => {
            vec![FieldError::invalid(
                FIELD,
                json!(cluster_ips),
                "first value must match `clusterIP`",
            )]
        }
        _ => Vec::new(),
    }
}

fn families_fit(cluster_ips: &[String], families: &[String]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (position, (address, family)) in cluster_ips.iter().zip(families).enumerate() {
        let is_v6 = addresses::is_v6(address);
        if (family == "IPv4" && is_v6) || (family == "IPv6" && !is_v6) {
            let field = format!("{FIELD}[{position}]");
            let detail = format!("expected an {family} value as indicated by `ipFamilies[{position}]`");
            errors.push(FieldError::invalid(&field, address.as_str(), detail));
        }
    }
    errors
}
