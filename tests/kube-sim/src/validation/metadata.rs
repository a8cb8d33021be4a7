//! Rules for `metadata` (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`).

use serde_json::Value;

use super::FieldError;
use crate::resources::Resource;

/// Rules for a new object.
pub(crate) fn on_create(_resource: &Resource, object: &Value) -> Vec<FieldError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return vec![FieldError::required(
            "metadata.name",
            "name or generateName is required",
        )];
    }
    Vec::new()
}

/// Rules for a changed object.
pub(crate) fn on_update(_object: &Value, _old: &Value) -> Vec<FieldError> {
    Vec::new()
}
