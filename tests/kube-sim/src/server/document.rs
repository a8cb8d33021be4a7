//! A JSON body with what a plain parse forgets: members that stand twice, and the order in which members came.
//!
//! Both show in the refusals and warnings of field validation.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A parsed body.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    /// Paths of members that stand more than once, such as `spec.ports[0].port`; the last one counts.
    pub(super) duplicates: Vec<String>,
    /// Position of each member in the text.
    order: HashMap<String, usize>,
}

impl Document {
    /// Parses JSON.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let mut notes = Notes::default();
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = Tracked {
            notes: &mut notes,
            path: String::new(),
        }
        .deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(Self {
            value,
            duplicates: notes.duplicates,
            order: notes.order,
        })
    }

    /// A value that came some other way: YAML, a patched object.
    pub(super) fn plain(value: Value) -> Self {
        Self {
            value,
            duplicates: Vec::new(),
            order: HashMap::new(),
        }
    }

    /// Sorts paths as their members stand in the text.
    pub(super) fn sort(&self, paths: &mut [String]) {
        paths.sort_by_key(|path| self.order.get(path).copied().unwrap_or(usize::MAX));
    }
}

#[derive(Default)]
struct Notes {
    duplicates: Vec<String>,
    order: HashMap<String, usize>,
}

/// Deserializes one value at a path.
struct Tracked<'a> {
    notes: &'a mut Notes,
    path: String,
}

impl<'de> DeserializeSeed<'de> for Tracked<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tracked<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match entries.next_element_seed(Tracked {
                notes: self.notes,
                path,
            })? {
                Some(entry) => list.push(entry),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            let position = self.notes.order.len();
            self.notes.order.entry(path.clone()).or_insert(position);
            let is_duplicate = map.contains_key(&key);
            let value = members.next_value_seed(Tracked {
                notes: self.notes,
                path: path.clone(),
            })?;
            if is_duplicate {
                self.notes.duplicates.push(path);
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_named_and_the_last_one_counts() {
        let document = Document::parse(br#"{"b":{"x":1,"x":2},"a":[{"y":1,"y":3}]}"#).expect("JSON");
        assert_eq!(document.duplicates, ["b.x", "a[0].y"]);
        assert_eq!(
            document.value,
            serde_json::json!({"b": {"x": 2}, "a": [{"y": 3}]})
        );
        let mut paths = vec!["a".to_owned(), "b.x".to_owned(), "b".to_owned()];
        document.sort(&mut paths);
        assert_eq!(paths, ["b", "b.x", "a"]);
    }
}
