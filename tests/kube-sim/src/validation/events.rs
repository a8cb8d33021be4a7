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

/// What `events.k8s.io` asks of a new event on top.
pub(super) fn newer_create(event: &Value) -> Vec<FieldError> {
    let mut errors = super::metadata::named(&event["metadata"], formats::dns_subdomain);
    errors.extend(series(event));
    if is_empty(&event["eventTime"]) {
        errors.push(FieldError::required("eventTime", ""));
    }
    let kind = text(&event["type"]);
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(FieldError::invalid(
            "type",
            "",
            format!("has invalid value: {kind}"),
        ));
    }
    for member in ["firstTimestamp", "lastTimestamp"] {
        if !is_empty(&event[member]) {
            errors.push(FieldError::invalid(member, "", "needs to be unset"));
        }
    }
    if event["count"].as_i64().unwrap_or(0) != 0 {
        errors.push(FieldError::invalid("count", "", "needs to be unset"));
    }
    if !is_empty(&event["source"]["component"]) || !is_empty(&event["source"]["host"]) {
        errors.push(FieldError::invalid("source", "", "needs to be unset"));
    }
    errors
}

/// What `events.k8s.io` lets nobody change.
pub(super) fn newer_update(event: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = if event["series"] == old["series"] {
        Vec::new()
    } else {
        series(event)
    };
    for (member, field) in [
        ("involvedObject", "involvedObject"),
        ("reason", "reason"),
        ("message", "message"),
        ("source", "source"),
        ("firstTimestamp", "firstTimestamp"),
        ("lastTimestamp", "lastTimestamp"),
        ("count", "count"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ] {
        if event[member] != old[member] {
            errors.push(FieldError::invalid(
                field,
                event[member].clone(),
                "field is immutable",
            ));
        }
    }
    errors
}

fn series(event: &Value) -> Vec<FieldError> {
    let Some(series) = event.get("series") else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    if series["count"].as_i64().unwrap_or(0) < 2 {
        errors.push(FieldError::invalid("series.count", "", "should be at least 2"));
    }
    if is_empty(&series["lastObservedTime"]) {
        errors.push(FieldError::required("series.lastObservedTime", ""));
    }
    errors
}
