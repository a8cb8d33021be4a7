//! Refusals by content: the rules of the real API for each kind, all broken ones reported at once.
//!
//! Called by the registry after defaulting. A rule's text and field path follow `pkg/apis/*/validation` of Kubernetes
//! 1.36; [`FieldError`] renders them as `k8s.io/apimachinery/pkg/util/validation/field` does.

mod field;
pub(crate) mod metadata;

pub use field::{FieldError, FieldErrorKind};
pub(crate) mod services;

use serde_json::Value;

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
        ("services", Part::Main) => services::content(object, old),
        _ => Vec::new(),
    }
}
