//! Refusals by content: the rules of the real API for each kind, all broken ones reported at once.
//!
//! Called by the registry after defaulting. A rule's text and field path follow `pkg/apis/*/validation` of Kubernetes
//! 1.36; [`FieldError`] renders them as `k8s.io/apimachinery/pkg/util/validation/field` does.

pub(crate) mod addresses;
mod endpointslices;
mod events;
mod field;
pub(crate) mod formats;
mod leases;
pub(crate) mod metadata;
mod nodes;
pub(crate) mod service_addresses;
mod service_ports;
mod services;
mod services_update;
mod status;
pub(crate) mod warnings;

use serde_json::Value;

pub use field::{FieldError, FieldErrorKind};

use crate::registry::Part;
use crate::resources::Resource;

/// Rules about everything but `metadata`; `old` is the present object where there is one.
pub(crate) fn content(
    resource: &Resource,
    object: &Value,
    old: Option<&Value>,
    part: Part,
) -> Vec<FieldError> {
    match (resource.plural, part) {
        ("services", Part::Main) => {
            let mut errors = old
                .map(|old| services_update::content(object, old))
                .unwrap_or_default();
            errors.extend(services::content(object, old));
            errors
        }
        ("services", Part::Status) => status::load_balancer(object),
        ("endpointslices", _) => endpointslices::content(object, old),
        ("nodes", part) => nodes::content(object, old, part),
        ("leases", _) => leases::content(object),
        ("events", _) => events::content(object),
        _ => Vec::new(),
    }
}

/// Rules of `events.k8s.io`, which come on top of those for every event.
pub(crate) fn newer_event(event: &Value, old: Option<&Value>) -> Vec<FieldError> {
    match old {
        Some(old) => events::newer_update(event, old),
        None => events::newer_create(event),
    }
}

/// One error per text about one value.
fn each_invalid(field: &str, value: &Value, texts: Vec<String>) -> Vec<FieldError> {
    texts
        .into_iter()
        .map(|text| FieldError::invalid(field, value.clone(), text))
        .collect()
}

/// A value that has to be one of a set.
fn one_of(field: &str, value: &Value, supported: &[&str]) -> Vec<FieldError> {
    match value.as_str() {
        Some(text) if supported.contains(&text) => Vec::new(),
        _ => vec![FieldError::not_supported(field, value.clone(), supported)],
    }
}
