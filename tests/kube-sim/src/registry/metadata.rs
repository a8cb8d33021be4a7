//! `metadata` on creation and update: what the server sets, what clients may not change.

use rand::Rng;
use serde_json::{Map, Value};

use crate::errors::ApiError;
use crate::resources::Resource;

/// Letters that the API takes for generated names: no vowels, so no words.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Names with a suffix stay within a DNS label.
const LONGEST_GENERATED_BASE: usize = 58;

/// The text of a metadata member.
pub(crate) fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object["metadata"][member].as_str().unwrap_or_default()
}

pub(crate) fn members(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object["metadata"].as_object_mut()
}

/// Sets or removes a metadata member.
pub(super) fn set(object: &mut Value, member: &str, value: Value) {
    if let Some(metadata) = members(object) {
        if value.is_null() {
            metadata.remove(member);
        } else {
            metadata.insert(member.to_owned(), value);
        }
    }
}

/// Checks the namespace against the path and fills it.
pub(super) fn place(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let given = text(object, "namespace");
    if resource.namespaced && !given.is_empty() && given != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let namespace = if resource.namespaced {
        Value::from(namespace)
    } else {
        Value::Null
    };
    set(object, "namespace", namespace);
    Ok(())
}

/// Fills what the server gives to a new object.
pub(super) fn fill_new(object: &mut Value) {
    if text(object, "name").is_empty() && !text(object, "generateName").is_empty() {
        let base: String = text(object, "generateName")
            .chars()
            .take(LONGEST_GENERATED_BASE)
            .collect();
        let mut random = rand::rng();
        let suffix: String = (0..5)
            .map(|_| char::from(NAME_LETTERS[random.random_range(0..NAME_LETTERS.len())]))
            .collect();
        set(object, "name", format!("{base}{suffix}").into());
    }
    for member in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "resourceVersion",
    ] {
        set(object, member, Value::Null);
    }
    set(object, "uid", uuid::Uuid::new_v4().to_string().into());
    set(object, "creationTimestamp", super::now().into());
}

/// Carries over what only the server changes. A UID or a deletion time that a client made up is for validation to refuse.
pub(super) fn carry_over(object: &mut Value, old: &Value) {
    for member in ["generation", "creationTimestamp"] {
        set(object, member, old["metadata"][member].clone());
    }
    if text(object, "uid").is_empty() {
        set(object, "uid", old["metadata"]["uid"].clone());
    }
    for member in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        let former = &old["metadata"][member];
        if !former.is_null() {
            set(object, member, former.clone());
        }
    }
    set(object, "selfLink", Value::Null);
}

/// Adds one to `metadata.generation`.
pub(super) fn raise_generation(object: &mut Value) {
    let next = object["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
    set(object, "generation", next.into());
}

/// Finalizers of an object.
pub(super) fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"]
        .as_array()
        .is_some_and(|list| !list.is_empty())
}

pub(super) fn is_being_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}
