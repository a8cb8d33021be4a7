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
    merge_struct(Some(schemas().root(resource)), target, changes)
}

/// `id` is absent inside maps and below unknown fields.
fn merge_struct(
    id: Option<TypeId>,
    target: &mut Map<String, Value>,
    changes: &Map<String, Value>,
) -> Result<(), ApiError> {
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
        Some(other) => {
            let shown = go_text(&Value::Object(changes.clone()));
            return Err(ApiError::new(
                500,
                "",
                format!("unknown patch type: {other} in map: {shown}"),
            ));
        }
    }
    if let Some(retained) = changes.get(RETAIN_KEYS) {
        let retained: Vec<&str> = retained
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let is_listed = |key: &String| key.starts_with('$') || retained.contains(&key.as_str());
        if !changes.keys().all(is_listed) {
            return Err(ApiError::bad_request("invalid patch format of retainKeys"));
        }
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
) -> Result<(), ApiError> {
    let inner = match field.map(|field| &field.shape) {
        Some(Shape::Struct(id)) => Some(*id),
        _ => None,
    };
    let Some(present) = target.get_mut(key) else {
        // What is not there is taken as it comes.
        if !change.is_null() {
            target.insert(key.to_owned(), without_directives(change));
        }
        return Ok(());
    };
    match change {
        Value::Null => {
            target.remove(key);
        }
        Value::Object(changes) => {
            if !present.is_object() {
                *present = Value::Object(Map::new());
            }
            if let Some(members) = present.as_object_mut() {
                merge_struct(inner, members, changes)?;
            }
        }
        Value::Array(changes) => {
            let former = present.as_array().cloned().unwrap_or_default();
            let merged = match field.filter(|field| field.patch.merge) {
                None => changes.clone(),
                Some(field) => merge_list(field, &former, changes)?,
            };
            *present = Value::Array(merged);
        }
        scalar => *present = scalar.clone(),
    }
    Ok(())
}

/// A patch's value without nulls and without what only patches carry.
fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_kept = |name: &str, member: &Value| {
                let is_directive = name == DIRECTIVE
                    || name == RETAIN_KEYS
                    || name.starts_with(DELETE_PREFIX)
                    || name.starts_with(ORDER_PREFIX);
                !is_directive && !member.is_null()
            };
            let kept = members.iter().filter(|(name, member)| is_kept(name, member));
            Value::Object(
                kept.map(|(name, member)| (name.clone(), without_directives(member)))
                    .collect(),
            )
        }
        Value::Array(entries) => Value::Array(entries.iter().map(without_directives).collect()),
        scalar => scalar.clone(),
    }
}

fn merge_list(field: &Field, original: &[Value], changes: &[Value]) -> Result<Vec<Value>, ApiError> {
    let Some(merge_key) = field.patch.merge_key.as_deref() else {
        let mut merged = original.to_vec();
        for change in changes {
            if !merged.contains(change) {
                merged.push(change.clone());
            }
        }
        return Ok(in_order(merged, changes, original, None));
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
    let item = match &field.shape {
        Shape::List(item) => match item.as_ref() {
            Shape::Struct(id) => Some(*id),
            _ => None,
        },
        _ => None,
    };
    // Deletions come first: an entry of the same key may be added anew.
    let mut kept = original.to_vec();
    let mut wanted: Vec<Value> = Vec::new();
    for change in changes {
        let members = change
            .as_object()
            .ok_or_else(|| ApiError::bad_request(format!("expected an object with \"{merge_key}\"")))?;
        let id = members.get(merge_key).ok_or_else(|| {
            let shown = go_text(change);
            ApiError::new(
                500,
                "",
                format!("map: {shown} does not contain declared merge key: {merge_key}"),
            )
        })?;
        if members
            .get(DIRECTIVE)
            .is_some_and(|directive| directive == "delete")
        {
            kept.retain(|entry| entry.get(merge_key) != Some(id));
        } else {
            wanted.push(change.clone());
        }
    }
    let mut merged = kept.clone();
    for change in &wanted {
        let present = merged
            .iter_mut()
            .find(|entry| entry.get(merge_key) == change.get(merge_key));
        match (present.and_then(Value::as_object_mut), change.as_object()) {
            (Some(entry), Some(members)) => merge_struct(item, entry, members)?,
            _ => merged.push(without_directives(change)),
        }
    }
    Ok(in_order(merged, &wanted, &kept, Some(merge_key)))
}

/// Sorts entries as the patch lists them, among those that it does not list.
fn reorder(field: Option<&Field>, list: Option<&mut Value>, order: &Value) {
    let (Some(entries), Some(order)) = (list.and_then(Value::as_array_mut), order.as_array()) else {
        return;
    };
    let merge_key = field.and_then(|field| field.patch.merge_key.as_deref());
    let original = entries.clone();
    *entries = in_order(std::mem::take(entries), order, &original, merge_key);
}

/// Entries that the patch lists keep its order, the others that of the original; between the two, one of the others comes
/// first only if both stood in the original in that order.
fn in_order(merged: Vec<Value>, order: &[Value], original: &[Value], merge_key: Option<&str>) -> Vec<Value> {
    let identity = |entry: &Value| match merge_key {
        Some(key) => entry.get(key).cloned().unwrap_or(Value::Null),
        None => entry.clone(),
    };
    let position = |list: &[Value], entry: &Value| {
        let id = identity(entry);
        list.iter().position(|other| identity(other) == id)
    };
    let (mut listed, mut others): (Vec<Value>, Vec<Value>) = merged
        .into_iter()
        .partition(|entry| position(order, entry).is_some());
    listed.sort_by_key(|entry| position(order, entry));
    others.sort_by_key(|entry| position(original, entry));
    let mut sorted = Vec::with_capacity(listed.len() + others.len());
    let (mut listed, mut others) = (listed.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let other_is_first = match (others.peek(), listed.peek()) {
            (Some(other), Some(entry)) => {
                let places = position(original, other).zip(position(original, entry));
                places.is_some_and(|(other, entry)| other < entry)
            }
            (other, _) => other.is_some(),
        };
        match if other_is_first {
            others.next()
        } else {
            listed.next()
        } {
            Some(entry) => sorted.push(entry),
            None => return sorted,
        }
    }
}

/// A value as Go's `%v` prints it: `map[a:1 b:[x y]]`.
pub(super) fn go_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{name}:{}", go_text(member)))
                .collect();
            members.sort();
            format!("map[{}]", members.join(" "))
        }
        Value::Array(entries) => format!("[{}]", entries.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
