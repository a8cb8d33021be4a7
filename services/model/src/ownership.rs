//! Which Services are ours, and what is to become of those that were: `compatibility.md`, "Which Services are ours".
//!
//! The watcher asks to know which Services travel, the planner to know what to do about each.

use std::collections::BTreeMap;

use crate::cluster::{Condition, ConditionStatus, ServiceType};
use crate::marks;

/// The fields of a Service that decide.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<&'a str>,
    /// `metadata.annotations`.
    pub annotations: &'a BTreeMap<String, String>,
    /// The class that [`marks::CLASS_CONDITION`] remembers; the API server drops the field with the type.
    pub remembered_class: Option<&'a str>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Whether our finalizer is there.
    pub finalizer: bool,
}

/// What is to become of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It gets a CLB.
    Ours,
    /// What it has in the cloud goes, then our finalizer.
    CleanUp,
    /// It left by class or tunnel type with our finalizer on it: no write to the cloud, the finalizer stays, an event says so.
    HandedOver,
    /// Not for us.
    Foreign,
}

/// Decides for one Service. `class` is the load balancer class that we are configured with.
#[must_use]
pub fn standing(candidate: Candidate<'_>, class: Option<&str>) -> Standing {
    let wants_load_balancer = candidate.service_type == ServiceType::LoadBalancer;
    let meant_for_us = class_matches(candidate, class) && !has_tunnel_type(candidate.annotations);
    match (meant_for_us, candidate.finalizer) {
        (true, true) if candidate.deleting || !wants_load_balancer => Standing::CleanUp,
        (true, _) if wants_load_balancer && !candidate.deleting => Standing::Ours,
        (false, true) => Standing::HandedOver,
        _ => Standing::Foreign,
    }
}

fn class_matches(candidate: Candidate<'_>, class: Option<&str>) -> bool {
    let field = match candidate.service_type {
        ServiceType::LoadBalancer => candidate.load_balancer_class,
        _ => candidate.load_balancer_class.or(candidate.remembered_class),
    };
    let annotation = candidate
        .annotations
        .get(marks::CLASS_ANNOTATION)
        .map(String::as_str);
    match class {
        None => field.is_none() && annotation.is_none(),
        Some(class) => {
            let named = [field, annotation];
            named.contains(&Some(class)) && named.into_iter().flatten().all(|name| name == class)
        }
    }
}

fn has_tunnel_type(annotations: &BTreeMap<String, String>) -> bool {
    [marks::ANNOTATION_PREFIX, marks::LEGACY_ANNOTATION_PREFIX]
        .iter()
        .any(|prefix| annotations.contains_key(&format!("{prefix}{}", marks::TUNNEL_TYPE_SUFFIX)))
}

/// The class that a Service's conditions remember; none when the Service has given it up since.
#[must_use]
pub fn remembered_class(conditions: &[Condition]) -> Option<&str> {
    conditions
        .iter()
        .find(|c| c.kind == marks::CLASS_CONDITION && c.status == ConditionStatus::True)
        .map(|c| c.message.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        name: &'static str,
        service_type: ServiceType,
        field: Option<&'static str>,
        annotations: &'static [(&'static str, &'static str)],
        remembered: Option<&'static str>,
        deleting: bool,
        finalizer: bool,
        configured: Option<&'static str>,
        expected: Standing,
    }

    const PLAIN: Case = Case {
        name: "plain",
        service_type: ServiceType::LoadBalancer,
        field: None,
        annotations: &[],
        remembered: None,
        deleting: false,
        finalizer: false,
        configured: None,
        expected: Standing::Ours,
    };
    const CLASS: (&str, &str) = ("service.beta.kubernetes.io/class", "clb");
    const TUNNEL: (&str, &str) = (
        "service.beta.kubernetes.io/alicloud-loadbalancer-tunnel-type",
        "vpc",
    );

    #[test]
    fn the_rules_hold_row_by_row() {
        let cases = [
            PLAIN,
            Case {
                name: "other type",
                service_type: ServiceType::NodePort,
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "class field",
                field: Some("clb"),
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "class annotation",
                annotations: &[CLASS],
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "class wanted, none there",
                configured: Some("clb"),
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "class by field",
                field: Some("clb"),
                configured: Some("clb"),
                ..PLAIN
            },
            Case {
                name: "class by annotation",
                annotations: &[CLASS],
                configured: Some("clb"),
                ..PLAIN
            },
            Case {
                name: "field and annotation disagree",
                field: Some("other"),
                annotations: &[CLASS],
                configured: Some("clb"),
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "tunnel type",
                annotations: &[TUNNEL],
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "being deleted",
                deleting: true,
                finalizer: true,
                expected: Standing::CleanUp,
                ..PLAIN
            },
            Case {
                name: "deleted, never ours",
                deleting: true,
                expected: Standing::Foreign,
                ..PLAIN
            },
            Case {
                name: "type changed",
                service_type: ServiceType::ClusterIp,
                finalizer: true,
                expected: Standing::CleanUp,
                ..PLAIN
            },
            Case {
                name: "type changed, class remembered",
                service_type: ServiceType::ClusterIp,
                finalizer: true,
                remembered: Some("clb"),
                configured: Some("clb"),
                expected: Standing::CleanUp,
                ..PLAIN
            },
            Case {
                name: "left by class",
                field: Some("other"),
                finalizer: true,
                expected: Standing::HandedOver,
                ..PLAIN
            },
            Case {
                name: "left by tunnel type, then deleted",
                annotations: &[TUNNEL],
                finalizer: true,
                deleting: true,
                expected: Standing::HandedOver,
                ..PLAIN
            },
        ];
        for case in cases {
            let annotations = case
                .annotations
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            let candidate = Candidate {
                service_type: case.service_type,
                load_balancer_class: case.field,
                annotations: &annotations,
                remembered_class: case.remembered,
                deleting: case.deleting,
                finalizer: case.finalizer,
            };
            assert_eq!(
                standing(candidate, case.configured),
                case.expected,
                "{}",
                case.name
            );
        }
    }
}
