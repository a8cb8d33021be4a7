//! Strategic merge patches: maps merge, lists with a merge key merge entry by entry, directives delete and replace.
//!
//! Follows `k8s.io/apimachinery/pkg/util/strategicpatch`: `$patch: delete | replace | merge`, `$retainKeys`,
//! `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`.

use serde_json::{Map, Value};

use crate::errors::ApiError;
use crate::resources::Resource;
use crate::schema::{Field, Shape, TypeId, schemas};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";
const ORDER_PREFIX: &str = "$setElementOrder/";

/// Merges `changes` into `current`.
pub(super) fn merge(resource: &Resource, current: &mut Value, changes: &Value) -> Result<(), ApiError> {
    let (Some(target), Some(changes)) = (current.as_object_mut(), changes.as_object()) else {
        return Err(ApiError::bad_request(
            "a strategic merge patch has to be an object",
        ));
    };
    merge_struct(Some(schemas().root(resource)), target, changes).map_err(|why| ApiError::bad_request(why))
}

/// `id` is absent inside maps and below unknown fields.
fn merge_struct(
    id: Option<TypeId>,
    target: &mut Map<String, Value>,
    changes: &Map<String, Value>,
) -> Result<(), String> {
    match changes.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            *target = changes.clone();
            target.remove(DIRECTIVE);
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type: {other}")),
    }
    if let Some(retained) = changes.get(RETAIN_KEYS) {
        let retained: Vec<&str> = retained
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        target.retain(|key, _| retained.contains(&key.as_str()));
    }
    let field_of = |name: &str| id.and_then(|id| schemas().get(id).fields.get(name));
    for (key, change) in changes {
        if key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(ORDER_PREFIX) {
            continue;
        }
        if let Some(list) = key.strip_prefix(DELETE_PREFIX) {
            let gone = change.as_array().cloned().unwrap_or_default();
            if let Some(entries) = target.get_mut(list).and_then(Value::as_array_mut) {
                entries.retain(|entry| !gone.contains(entry));
            }
            continue;
        }
        merge_member(field_of(key), target, key, change)?;
    }
    for (key, order) in changes {
        if let Some(list) = key.strip_prefix(ORDER_PREFIX) {
            reorder(field_of(list), target.get_mut(list), order);
        }
    }
    Ok(())
}

fn merge_member(
    field: Option<&Field>,
    target: &mut Map<String, Value>,
    key: &str,
    change: &Value,
) -> Result<(), String> {
    let inner = match field.map(|field| &field.shape) {
        Some(Shape::Struct(id)) => Some(*id),
        _ => None,
    };
    match change {
        Value::Null => {
            target.remove(key);
        }
        Value::Object(changes) => {
            let slot = target
                .entry(key.to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Some(members) = slot.as_object_mut() {
                merge_struct(inner, members, changes)?;
            }
        }
        Value::Array(changes) => {
            let merges = field.filter(|field| field.patch.merge);
            let present = target
                .get(key)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let merged = match merges {
                None => changes.clone(),
                Some(field) => merge_list(field, present, changes)?,
            };
            target.insert(key.to_owned(), Value::Array(merged));
        }
        scalar => {
            target.insert(key.to_owned(), scalar.clone());
        }
    }
    Ok(())
}

fn merge_list(field: &Field, mut present: Vec<Value>, changes: &[Value]) -> Result<Vec<Value>, String> {
    let Some(merge_key) = field.patch.merge_key.as_deref() else {
        for change in changes {
            if !present.contains(change) {
                present.push(change.clone());
            }
        }
        return Ok(present);
    };
    let item = match &field.shape {
        Shape::List(item) => match item.as_ref() {
            Shape::Struct(id) => Some(*id),
            _ => None,
        },
        _ => None,
    };
    if changes.iter().any(|change| {
        change
            .get(DIRECTIVE)
            .is_some_and(|directive| directive == "replace")
    }) {
        return Ok(changes
            .iter()
            .filter(|change| change.get(DIRECTIVE).is_none())
            .cloned()
            .collect());
    }
    for change in changes {
        let members = change
            .as_object()
            .ok_or_else(|| format!("expected an object with \"{merge_key}\""))?;
        let id = members
            .get(merge_key)
            .ok_or_else(|| format!("map: {change} does not contain declared merge key: {merge_key}"))?;
        let is_deletion = members
            .get(DIRECTIVE)
            .is_some_and(|directive| directive == "delete");
        if is_deletion {
            present.retain(|entry| entry.get(merge_key) != Some(id));
            continue;
        }
        match present
            .iter_mut()
            .find(|entry| entry.get(merge_key) == Some(id))
            .and_then(Value::as_object_mut)
        {
            Some(entry) => merge_struct(item, entry, members)?,
            None => {
                let mut entry = Map::new();
                merge_struct(item, &mut entry, members)?;
                present.push(Value::Object(entry));
            }
        }
    }
    Ok(present)
}

/// Sorts the named entries as the patch lists them; entries that it does not list keep their place behind their
/// predecessor.
fn reorder(field: Option<&Field>, list: Option<&mut Value>, order: &Value) {
    let (Some(entries), Some(order)) = (list.and_then(Value::as_array_mut), order.as_array()) else {
        return;
    };
    let merge_key = field.and_then(|field| field.patch.merge_key.as_deref());
    let identity = |entry: &Value| match merge_key {
        Some(key) => entry.get(key).cloned().unwrap_or(Value::Null),
        None => entry.clone(),
    };
    let wanted: Vec<Value> = order.iter().map(identity).collect();
    let position = |entry: &Value| wanted.iter().position(|id| *id == identity(entry));
    let mut last = None;
    let mut ranked: Vec<(Option<usize>, Value)> = Vec::new();
    for entry in entries.drain(..) {
        last = position(&entry).or(last);
        ranked.push((last, entry));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    entries.extend(ranked.into_iter().map(|(_, entry)| entry));
}
