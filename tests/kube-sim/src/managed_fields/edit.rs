//! Merging a configuration into an object, and taking fields out of one.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::path::PathElement;
use super::set::FieldSet;

/// The object with everything that the configuration names; lists keep what it does not name.
pub(super) fn merge(kind: Kind, live: Option<&Value>, configured: Option<&Value>) -> Option<Value> {
    let (live, configured) = match (live, configured) {
        (live, None) => return live.cloned(),
        (None, configured) => return configured.cloned(),
        (Some(live), Some(configured)) => (live, configured),
    };
    match (kind, live, configured) {
        (Kind::Struct(_) | Kind::Map(_), Value::Object(live), Value::Object(configured)) => {
            let mut merged = live.clone();
            for (name, wanted) in configured {
                let below = kind.below(&PathElement::field(name));
                if let Some(value) = merge(below, live.get(name), Some(wanted)) {
                    merged.insert(name.clone(), value);
                }
            }
            Some(Value::Object(merged))
        }
        (Kind::Set | Kind::Keyed(_), Value::Array(_), Value::Array(_)) => {
            Some(merge_lists(kind, live, configured))
        }
        _ => Some(configured.clone()),
    }
}

/// Entries that only the object has stay where they were; the configuration's order counts for its own.
fn merge_lists(kind: Kind, live: &Value, configured: &Value) -> Value {
    let present = kind.parts(live);
    let wanted = kind.parts(configured);
    let find = |parts: &[(PathElement, &Value)], step: &PathElement| {
        parts
            .iter()
            .find(|(known, _)| known == step)
            .map(|(_, part)| (*part).clone())
    };
    let mut merged = Vec::new();
    let mut next = 0;
    let mut take = |merged: &mut Vec<Value>, end: usize| {
        while next < end {
            let (step, part) = &wanted[next];
            let live_part = find(&present, step);
            merged.extend(merge(kind.below(step), live_part.as_ref(), Some(part)));
            next += 1;
        }
    };
    for (step, part) in &present {
        match wanted.iter().position(|(known, _)| known == step) {
            Some(position) => take(&mut merged, position + 1),
            None => merged.push((*part).clone()),
        }
    }
    take(&mut merged, wanted.len());
    Value::Array(merged)
}

/// The value without the members of a set; `None` if nothing is left.
pub(super) fn remove(kind: Kind, value: &Value, gone: &FieldSet) -> Option<Value> {
    match (kind, value) {
        (Kind::Struct(_) | Kind::Map(_), Value::Object(members)) => {
            let mut rest = Map::new();
            for (name, member) in members {
                let step = PathElement::field(name);
                if let Some(left) = remove_part(kind, &step, member, gone) {
                    rest.insert(name.clone(), left);
                }
            }
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        (Kind::Set | Kind::Keyed(_), Value::Array(_)) => {
            let parts = kind.parts(value);
            let rest: Vec<Value> = parts
                .iter()
                .filter_map(|(step, part)| remove_part(kind, step, part, gone))
                .collect();
            (!rest.is_empty()).then_some(Value::Array(rest))
        }
        (Kind::Leaf, _) if value.is_object() || value.is_array() => None,
        _ => Some(value.clone()),
    }
}

fn remove_part(kind: Kind, step: &PathElement, part: &Value, gone: &FieldSet) -> Option<Value> {
    match gone.children.get(step) {
        None => Some(part.clone()),
        Some(below) if below.is_member => None,
        Some(below) => remove(kind.below(step), part, below),
    }
}
