//! YAML as a tree that remembers where each value was written, and the overlay of flags and variables on that
//! tree.
//!
//! Scalars keep the text as it was written (`0123` stays `0123`), so that a value means the same in a file,
//! in a flag and in a variable.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use crate::problem::{Place, Problem};

/// A value with the place where it was given, and the values of the same field from places that it wins over.
#[derive(Clone)]
pub struct Node {
    /// Where the value was given.
    pub place: Place,
    /// The value.
    pub value: Value,
    /// Values from places of lower precedence, highest first. They are checked, not used.
    pub overridden: Vec<Node>,
}

/// A value as written. It has no `Debug`, since it may be a secret.
#[derive(Clone)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// A scalar's text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping.
    Mapping(Mapping),
}

impl Value {
    /// The kind of value in words, for an error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a plain value",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// A mapping in the order of writing; a key that is written twice is there twice.
#[derive(Clone, Default)]
pub struct Mapping {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub place: Place,
    /// The value.
    pub node: Node,
}

impl Mapping {
    /// The value of the first entry with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }

    /// Puts `node` at `path` above what is there, making the mappings on the way. What is on the way and is
    /// no mapping stays, and is reported when the group is read.
    pub(crate) fn overlay(&mut self, path: &[&'static str], node: Node) {
        let Some((&key, rest)) = path.split_first() else {
            return;
        };
        let position = self.entries.iter().position(|entry| entry.key == key);
        match (position, rest) {
            (Some(index), []) => {
                let below = &mut self.entries[index].node;
                let mut top = node;
                let mut lower = std::mem::replace(below, Node::null(Place::Default));
                top.overridden.extend(std::mem::take(&mut lower.overridden));
                top.overridden.insert(0, lower);
                *below = top;
            }
            (None, []) => self.entries.push(Entry {
                key: key.to_owned(),
                place: node.place.clone(),
                node,
            }),
            (Some(index), _) => {
                let inner = &mut self.entries[index].node;
                if matches!(inner.value, Value::Null) {
                    inner.value = Value::Mapping(Self::default());
                }
                if let Value::Mapping(mapping) = &mut inner.value {
                    mapping.overlay(rest, node);
                }
            }
            (None, _) => {
                let place = node.place.clone();
                let mut mapping = Self::default();
                mapping.overlay(rest, node);
                self.entries.push(Entry {
                    key: key.to_owned(),
                    place: place.clone(),
                    node: Node {
                        place,
                        value: Value::Mapping(mapping),
                        overridden: Vec::new(),
                    },
                });
            }
        }
    }
}

impl Node {
    /// A scalar given at `place`.
    #[must_use]
    pub fn text(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            value: Value::Text(text.into()),
            overridden: Vec::new(),
        }
    }

    /// A mapping without entries, at `place`.
    pub(crate) fn mapping(place: Place) -> Self {
        Self {
            place,
            value: Value::Mapping(Mapping::default()),
            overridden: Vec::new(),
        }
    }

    /// Nothing, at `place`.
    #[must_use]
    pub fn null(place: Place) -> Self {
        Self {
            place,
            value: Value::Null,
            overridden: Vec::new(),
        }
    }
}

/// Where a document's text comes from, to say it in errors.
pub(crate) enum Source {
    /// A file, by the name that the user gave.
    File(Arc<str>),
    /// Inline YAML in a flag or a variable: positions in it would mean nothing to the user.
    Inline(Place),
}

impl Source {
    fn place(&self, location: Location) -> Place {
        match self {
            Self::File(file) => Place::File {
                file: file.clone(),
                line: location.line(),
                column: location.column(),
            },
            Self::Inline(place) => place.clone(),
        }
    }
}

/// Parses YAML into a tree.
///
/// # Errors
/// The place and the parser's words for text that is no YAML; never the text itself, which may hold a secret.
pub(crate) fn parse(text: &str, source: &Source) -> Result<Node, Box<Problem>> {
    let mut options = serde_saphyr::Options::default();
    options.duplicate_keys = serde_saphyr::options::DuplicateKeyPolicy::PassThrough;
    options.with_snippet = false;
    let written: Spanned<Written> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        Box::new(Problem {
            place: Some(source.place(location)),
            field: String::new(),
            value: None,
            wrong: format!(
                "not valid YAML: {}",
                UserMessageFormatter.format_message(error.without_snippet())
            ),
            allowed: String::new(),
        })
    })?;
    Ok(node(written, source, text))
}

/// What the YAML deserializer hands over. Numbers and booleans are read back from the text, to keep their
/// spelling.
enum Written {
    Null,
    Text(String),
    Unquoted(String),
    List(Vec<Spanned<Written>>),
    Mapping(Vec<(Spanned<String>, Spanned<Written>)>),
}

fn node(written: Spanned<Written>, source: &Source, text: &str) -> Node {
    let value = match written.value {
        Written::Null => Value::Null,
        Written::Text(scalar) => Value::Text(scalar),
        Written::Unquoted(resolved) => Value::Text(spelling(written.defined, text).unwrap_or(resolved)),
        Written::List(items) => Value::List(items.into_iter().map(|item| node(item, source, text)).collect()),
        Written::Mapping(pairs) => Value::Mapping(Mapping {
            entries: pairs
                .into_iter()
                .map(|(key, value)| Entry {
                    place: source.place(key.referenced),
                    key: key.value,
                    node: node(value, source, text),
                })
                .collect(),
        }),
    };
    Node {
        place: source.place(written.referenced),
        value,
        overridden: Vec::new(),
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
        Ok(Written::Unquoted(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Unquoted(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Written, E> {
        Ok(Written::Unquoted(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Written, E> {
        Ok(Written::Unquoted(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Written, E> {
        Ok(Written::Unquoted(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Unquoted(value.to_string()))
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
