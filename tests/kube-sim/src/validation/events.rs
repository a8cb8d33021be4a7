//! Rules for events (`legacyValidateEvent`): those that carry `eventTime` have to be complete.

use serde_json::Value;

use super::{FieldError, each_invalid, formats};
use crate::service_view::{is_empty, text};

/// Longest `reportingInstance`, `action` and `reason`.
const LONGEST_NAME: usize = 128;
/// Longest `message`.
const LONGEST_NOTE: usize = 1_024;

/// Rules for an event in its core form.
pub(super) fn content(event: &Value) -> Vec<FieldError> {
    let namespace = text(&event["metadata"]["namespace"]);
    let about = text(&event["involvedObject"]["namespace"]);
    let elsewhere = || {
        FieldError::invalid(
            "involvedObject.namespace",
            about,
            "does not match event.namespace",
        )
    };
    let mut errors = Vec::new();
    if is_empty(&event["eventTime"]) {
        let fits = if about.is_empty() {
            namespace == "default"
        } else {
            about == namespace
        };
        if !fits {
            errors.push(elsewhere());
        }
        return errors;
    }
    if about.is_empty() && !matches!(namespace, "default" | "kube-system") {
        errors.push(elsewhere());
    }
    let reporter = text(&event["reportingComponent"]);
    if reporter.is_empty() {
        errors.push(FieldError::required("reportingComponent", ""));
    }
    errors.extend(each_invalid(
        "reportingComponent",
        &reporter.into(),
        formats::qualified_name(reporter),
    ));
    for member in ["reportingInstance", "action", "reason"] {
        let value = text(&event[member]);
        if value.is_empty() {
            errors.push(FieldError::required(member, ""));
        }
        if value.len() > LONGEST_NAME {
            errors.push(FieldError::invalid(
                member,
                "",
                format!("can have at most {LONGEST_NAME} characters"),
            ));
        }
    }
    if text(&event["message"]).len() > LONGEST_NOTE {
        errors.push(FieldError::invalid(
            "message",
            "",
            format!("can have at most {LONGEST_NOTE} characters"),
        ));
    }
    errors
}
