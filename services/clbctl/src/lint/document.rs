//! YAML documents as trees that remember where each value stands, so that a mistake can be found in the file.
//!
//! Scalars are resolved as kubectl does, by YAML 1.1: `on` without quotes is a boolean.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

/// A line of a file, from 1.
pub(super) type Line = u64;

/// A value and the line on which it, or its key, begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: Line,
    pub(super) value: Value,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Text(String),
    /// A whole number, and its spelling.
    Number(i64, String),
    /// Neither a text nor a whole number: its spelling.
    Other(String),
    Boolean(bool, String),
    List(Vec<Node>),
    /// In the order of writing.
    Mapping(Vec<(String, Node)>),
}

/// A file that is no YAML: where, and the parser's words.
#[derive(Debug)]
pub(super) struct NotYaml {
    pub(super) line: Line,
    pub(super) reason: String,
}

impl Node {
    /// The value of a mapping's key, unless it is null, which means the same as if it were not there.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Mapping(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    /// A text that is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As it is written, for an error; the kind of value in words where it has several lines.
    pub(super) fn written(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Text(text) | Value::Other(text) => text.clone(),
            Value::Number(_, spelling) | Value::Boolean(_, spelling) => spelling.clone(),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// All documents of a text, empty ones left out.
///
/// # Errors
/// The first place that is no YAML.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, NotYaml> {
    let documents: Vec<Spanned<Written>> = serde_saphyr::from_multiple(text).map_err(|error| NotYaml {
        line: error.location().map_or(1, |location| location.line()),
        reason: UserMessageFormatter
            .format_message(error.without_snippet())
            .into_owned(),
    })?;
    Ok(documents.into_iter().map(|written| node(written, text)).collect())
}

/// What the YAML deserializer hands over.
enum Written {
    Null,
    Text(String),
    Number(i64),
    Boolean(bool),
    Other(String),
    List(Vec<Spanned<Written>>),
    Mapping(Vec<(Spanned<String>, Spanned<Written>)>),
}

fn node(written: Spanned<Written>, text: &str) -> Node {
    let line = written.referenced.line();
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
                .map(|(key, value)| {
                    let line = key.referenced.line();
                    let value = node(value, text).value;
                    (key.value, Node { line, value })
                })
                .collect(),
        ),
    };
    Node { line, value }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines_across_documents() {
        let documents = parse("a: 1\n---\n# nothing\n---\nb:\n  - c: x\n    d: y\n").unwrap();
        assert_eq!(documents.len(), 2);
        let Value::List(items) = &documents[1].get("b").unwrap().value else {
            panic!("{:?}", documents[1]);
        };
        assert_eq!(documents[1].get("b").unwrap().line, 5);
        assert_eq!(items[0].get("d").unwrap().line, 7);
    }

    #[test]
    fn what_is_no_text_keeps_its_spelling() {
        let documents = parse("x: y\n---\nq: \"on\"\nswitch: on\nnumber: 0x10\nfraction: 1.50\n").unwrap();
        let document = &documents[1];
        let written = |key: &str| document.get(key).unwrap().written();
        assert_eq!(document.get("q").unwrap().as_text(), Some("on"));
        assert_eq!(document.get("switch").unwrap().as_text(), None);
        assert_eq!(written("switch"), "on");
        assert_eq!(written("number"), "0x10");
        assert_eq!(written("fraction"), "1.50");
    }

    #[test]
    fn what_is_no_yaml_is_named_with_its_line() {
        assert_eq!(parse("a: 1\nb: [1\nc: 2\n").unwrap_err().line, 3);
    }
}
