//! Rules for Nodes (`ValidateNode`, `ValidateNodeUpdate`).

use serde_json::Value;

use super::{FieldError, addresses, each_invalid, formats};
use crate::registry::Part;
use crate::service_view::{strings, text};

/// Rules for a node, new or changed.
pub(super) fn content(node: &Value, old: Option<&Value>, part: Part) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if part == Part::Main {
        errors.extend(taints(&node["spec"]["taints"]));
        errors.extend(pod_ranges(&node["spec"]["podCIDRs"]));
    }
    if let Some(old) = old {
        errors.extend(changes(node, old));
    }
    errors
}

/// The real API reports taints under `metadata`.
fn taints(taints: &Value) -> Vec<FieldError> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut errors = Vec::new();
    for (position, taint) in taints.as_array().into_iter().flatten().enumerate() {
        let path = format!("metadata.taints[{position}]");
        let (key, effect) = (text(&taint["key"]), text(&taint["effect"]));
        errors.extend(each_invalid(
            &format!("{path}.key"),
            &key.into(),
            formats::qualified_name(key),
        ));
        let value = text(&taint["value"]);
        let texts = formats::label_value(value);
        if !texts.is_empty() {
            errors.push(FieldError::invalid(
                &format!("{path}.value"),
                value,
                texts.join(";"),
            ));
        }
        let effect_field = format!("{path}.effect");
        if effect.is_empty() {
            errors.push(FieldError::required(&effect_field, ""));
        } else if !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
            let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            errors.push(FieldError::not_supported(&effect_field, effect, &known));
        }
        if seen.contains(&(key, effect)) {
            let shown = format!(
                "{{\"Key\":\"{key}\",\"Value\":\"{value}\",\"Effect\":\"{effect}\",\"TimeAdded\":null}}"
            );
            let mut error = FieldError::duplicate(&path, super::field::verbatim(&shown));
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
        seen.push((key, effect));
    }
    errors
}

fn pod_ranges(ranges: &Value) -> Vec<FieldError> {
    let ranges = strings(ranges);
    let mut errors: Vec<FieldError> = ranges
        .iter()
        .enumerate()
        .flat_map(|(position, range)| addresses::range(&format!("spec.podCIDRs[{position}]"), range))
        .collect();
    let v6 = ranges.iter().filter(|range| range.contains(':')).count();
    let malformed = ranges
        .iter()
        .enumerate()
        .find(|(_, range)| addresses::parse_range(range).is_none());
    if let Some((position, range)) = malformed.filter(|_| ranges.len() > 1) {
        let detail = format!(
            "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{position}]: <nil> \
             (invalid CIDR address: {range})"
        );
        errors.push(FieldError::internal("spec.podCIDRs", detail));
    }
    if ranges.len() > 1 && (ranges.len() > 2 || v6 != 1) {
        let detail = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid(
            "spec.podCIDRs",
            serde_json::json!(ranges),
            detail,
        ));
    }
    errors
}

/// What is given to a node once stays.
fn changes(node: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen: Vec<&Value> = Vec::new();
    for (position, address) in node["status"]["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if seen.contains(&address) {
            let shown = format!(
                "{{\"Type\":{},\"Address\":{}}}",
                address["type"], address["address"]
            );
            let field = format!("status.addresses[{position}]");
            errors.push(FieldError::duplicate(&field, super::field::verbatim(&shown)));
        }
        seen.push(address);
    }
    let former = strings(&old["spec"]["podCIDRs"]);
    if !former.is_empty() && former != strings(&node["spec"]["podCIDRs"]) {
        let detail = "node updates may not change podCIDR except from \"\" to valid";
        errors.push(FieldError::forbidden("spec.podCIDRs", detail));
    }
    let provider = text(&old["spec"]["providerID"]);
    if !provider.is_empty() && provider != text(&node["spec"]["providerID"]) {
        let detail = "node updates may not change providerID except from \"\" to valid";
        errors.push(FieldError::forbidden("spec.providerID", detail));
    }
    errors
}
