//! What the YAML deserializer hands over, and the tree of it.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::{Entry, Node, Position, Value};

/// What the YAML deserializer hands over.
pub(crate) enum Written {
    Null,
    Text(String),
    Number(i64),
    Boolean(bool),
    Other(String),
    List(Vec<Spanned<Written>>),
    Mapping(Vec<(Spanned<String>, Spanned<Written>)>),
}

/// The tree of what was handed over. Numbers and the like are read back from the text, to keep their spelling.
pub(crate) fn node(written: Spanned<Written>, text: &str) -> Node {
    let spelled = |resolved: String| spelling(written.defined, text).unwrap_or(resolved);
    let value = match written.value {
        Written::Null => Value::Null,
        Written::Text(scalar) => Value::Text(scalar),
        Written::Number(number) => Value::Number(number, spelled(number.to_string())),
        Written::Boolean(boolean) => Value::Boolean(boolean, spelled(boolean.to_string())),
        Written::Other(resolved) => Value::Other(spelled(resolved)),
        Written::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Written::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    position: position(key.referenced),
                    key: key.value,
                    node: node(value, text),
                })
                .collect(),
        ),
    };
    Node {
        position: position(written.referenced),
        value,
    }
}

pub(crate) fn position(location: Location) -> Position {
    Position {
        line: location.line(),
        column: location.column(),
    }
}

fn spelling(location: Location, text: &str) -> Option<String> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    let spelled = text.get(start..start.checked_add(length)?)?.trim();
    (!spelled.is_empty()).then(|| spelled.to_owned())
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Written, E> {
        Ok(Written::Null)
    }

    fn visit_none<E>(self) -> Result<Written, E> {
        Ok(Written::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Written, E> {
        Ok(i64::try_from(value).map_or_else(|_| Written::Other(value.to_string()), Written::Number))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Written, E> {
        Ok(Written::Other(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Written, E> {
        Ok(Written::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Other(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Written, E> {
        Ok(Written::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Written, E> {
        Ok(Written::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Written, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Written::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Written, A::Error> {
        let mut mapping = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            mapping.push(pair);
        }
        Ok(Written::Mapping(mapping))
    }
}
