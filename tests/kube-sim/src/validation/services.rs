//! Rules for Services (`ValidateService…` of `pkg/apis/core/validation`).

use serde_json::Value;

use super::FieldError;

/// Rules for a Service's spec.
pub(super) fn content(_service: &Value, _old: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}

/// `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` have to fit each other.
pub(crate) fn cluster_ip_fields(_service: &Value, _old: Option<&Value>) -> Vec<FieldError> {
    Vec::new()
}
