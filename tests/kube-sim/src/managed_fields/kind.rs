//! How a value is taken apart: which lists have keys, which maps are one whole.

use serde_json::Value;

use super::path::PathElement;
use crate::schema::{Field, ListType, Shape, TypeId, schemas};

/// The form of a value at some place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A scalar, or something that changes only as a whole.
    Leaf,
    /// Fields with forms of their own.
    Struct(TypeId),
    /// Free keys, one form for all values.
    Map(&'static Shape),
    /// Scalars told apart by their value.
    Set,
    /// Structs told apart by some of their fields.
    Keyed(&'static Field),
}

impl Kind {
    /// The form of a struct's field.
    pub(super) fn of_field(field: &'static Field) -> Self {
        if field.atomic {
            return Self::Leaf;
        }
        match (&field.shape, &field.list_type) {
            (Shape::List(_), ListType::Set) => Self::Set,
            (Shape::List(_), ListType::Map(_)) => Self::Keyed(field),
            (Shape::List(_), ListType::Atomic) => Self::Leaf,
            (shape, _) => Self::of_shape(shape),
        }
    }

    /// The form of a map's value or a list's entry.
    pub(super) fn of_shape(shape: &'static Shape) -> Self {
        match shape {
            Shape::Struct(id) if schemas().get(*id).atomic => Self::Leaf,
            Shape::Struct(id) => Self::Struct(*id),
            Shape::Map(item) => Self::Map(item),
            _ => Self::Leaf,
        }
    }

    /// The form one step further.
    pub(super) fn below(self, step: &PathElement) -> Self {
        match (self, step) {
            (Self::Struct(id), PathElement::Field(name)) => schemas()
                .get(id)
                .fields
                .get(name)
                .map_or(Self::Leaf, Self::of_field),
            (Self::Map(item), PathElement::Field(_)) => Self::of_shape(item),
            (Self::Keyed(field), PathElement::Key(_)) => Self::of_entry(field),
            _ => Self::Leaf,
        }
    }

    /// The form of a keyed list's entries.
    pub(super) fn of_entry(field: &'static Field) -> Self {
        match &field.shape {
            Shape::List(item) => Self::of_shape(item),
            _ => Self::Leaf,
        }
    }

    /// The steps to the parts of a value, with the parts. Empty for leaves.
    pub(super) fn parts(self, value: &Value) -> Vec<(PathElement, &Value)> {
        match (self, value) {
            (Self::Struct(_) | Self::Map(_), Value::Object(members)) => members
                .iter()
                .map(|(name, member)| (PathElement::field(name), member))
                .collect(),
            (Self::Set, Value::Array(entries)) => entries
                .iter()
                .map(|entry| (PathElement::value(entry), entry))
                .collect(),
            (Self::Keyed(field), Value::Array(entries)) => entries
                .iter()
                .map(|entry| (entry_key(field, entry), entry))
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_leaf(self) -> bool {
        matches!(self, Self::Leaf)
    }
}

/// The key of an entry; a missing member counts with its default.
fn entry_key(field: &'static Field, entry: &Value) -> PathElement {
    let ListType::Map(names) = &field.list_type else {
        return PathElement::value(entry);
    };
    let item = match Kind::of_entry(field) {
        Kind::Struct(id) => Some(schemas().get(id)),
        _ => None,
    };
    let members: Vec<(&str, Value)> = names
        .iter()
        .filter_map(|name| {
            let default = || item?.fields.get(name)?.default.clone();
            let value = entry.get(name).cloned().or_else(default)?;
            Some((name.as_str(), value))
        })
        .collect();
    PathElement::key(&members)
}
