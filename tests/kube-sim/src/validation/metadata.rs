//! Rules for `metadata` (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`).

use serde_json::Value;

use super::{FieldError, each_invalid, formats};
use crate::resources::Resource;
use crate::service_view::{strings, text};

/// Bytes of all annotations together.
const LARGEST_ANNOTATIONS: usize = 256 * 1024;
/// Finalizers without a domain that the API knows.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// What an update may not change.
const IMMUTABLE: [&str; 6] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Rules for a new object.
pub(crate) fn on_create(resource: &Resource, object: &Value) -> Vec<FieldError> {
    if resource.plural == "events" {
        // Old clients name events as they like; only the new form is checked, and its names come from kube's recorder.
        return Vec::new();
    }
    let metadata = &object["metadata"];
    let name_rule = match resource.plural {
        "services" | "namespaces" => formats::dns_label,
        _ => formats::dns_subdomain,
    };
    let mut errors = named(metadata, name_rule);
    if metadata["generation"]
        .as_i64()
        .is_some_and(|generation| generation < 0)
    {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(
            "metadata.generation",
            metadata["generation"].clone(),
            detail,
        ));
    }
    errors.extend(common(metadata));
    errors.extend(finalizer_names(metadata));
    if resource.plural != "leases" {
        errors.extend(finalizers_are_qualified(metadata));
    }
    errors
}

/// A name that fits its rule, generated or given.
pub(super) fn named(metadata: &Value, rule: fn(&str) -> Vec<String>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let base = text(&metadata["generateName"]);
    if !base.is_empty() {
        // A dash at the end becomes part of the name.
        let masked = base
            .strip_suffix('-')
            .map_or_else(|| base.to_owned(), |base| format!("{base}a"));
        errors.extend(each_invalid(
            "metadata.generateName",
            &metadata["generateName"],
            rule(&masked),
        ));
    }
    let name = text(&metadata["name"]);
    if name.is_empty() {
        errors.push(FieldError::required(
            "metadata.name",
            "name or generateName is required",
        ));
    } else {
        errors.extend(each_invalid("metadata.name", &metadata["name"], rule(name)));
    }
    errors
}

/// Rules for a changed object.
pub(crate) fn on_update(resource: &Resource, object: &Value, old: &Value) -> Vec<FieldError> {
    if resource.plural == "events" {
        return Vec::new();
    }
    let (metadata, former) = (&object["metadata"], &old["metadata"]);
    let mut errors = Vec::new();
    if !former["deletionTimestamp"].is_null() {
        let known = strings(&former["finalizers"]);
        let extra: Vec<String> = strings(&metadata["finalizers"])
            .into_iter()
            .filter(|name| !known.contains(name))
            .collect();
        if !extra.is_empty() {
            let list: Vec<String> = extra.iter().map(|name| format!("\"{name}\"")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                list.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    for member in IMMUTABLE {
        if metadata[member] != former[member] {
            let field = format!("metadata.{member}");
            errors.push(FieldError::invalid(
                &field,
                metadata[member].clone(),
                "field is immutable",
            ));
        }
    }
    errors.extend(common(metadata));
    if resource.plural != "leases" {
        errors.extend(finalizers_are_qualified(metadata));
    }
    errors
}

fn common(metadata: &Value) -> Vec<FieldError> {
    let mut errors = labels("metadata.labels", &metadata["labels"]);
    errors.extend(annotations(&metadata["annotations"]));
    errors.extend(owners(&metadata["ownerReferences"]));
    errors
}

/// Keys and values of a label map.
pub(super) fn labels(field: &str, labels: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        errors.extend(each_invalid(
            field,
            &key.as_str().into(),
            formats::qualified_name(key),
        ));
        errors.extend(each_invalid(field, value, formats::label_value(text(value))));
    }
    errors
}

fn annotations(annotations: &Value) -> Vec<FieldError> {
    let field = "metadata.annotations";
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        errors.extend(each_invalid(
            field,
            &key.as_str().into(),
            formats::qualified_name(&key.to_lowercase()),
        ));
        size += key.len() + text(value).len();
    }
    if size > LARGEST_ANNOTATIONS {
        errors.push(FieldError::too_long(field, LARGEST_ANNOTATIONS));
    }
    errors
}

fn owners(owners: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for owner in owners.as_array().into_iter().flatten() {
        for (member, detail) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(&owner[member]).is_empty() {
                errors.push(FieldError::invalid(
                    &format!("metadata.ownerReferences.{member}"),
                    "",
                    detail,
                ));
            }
        }
    }
    errors
}

fn finalizer_names(metadata: &Value) -> Vec<FieldError> {
    let names = strings(&metadata["finalizers"]);
    let broken = names.iter().flat_map(|name| {
        each_invalid(
            "metadata.finalizers",
            &name.as_str().into(),
            formats::qualified_name(name),
        )
    });
    broken.collect()
}

/// Core kinds ask for a domain in a finalizer's name, unless it is one of their own.
fn finalizers_are_qualified(metadata: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (position, name) in strings(&metadata["finalizers"]).iter().enumerate() {
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name.as_str()) {
            let field = format!("metadata.finalizers[{position}]");
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(&field, name.as_str(), detail));
        }
    }
    errors
}
