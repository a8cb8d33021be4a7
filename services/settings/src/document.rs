//! The configuration file as a tree that remembers where each value was given, and the overlay of flags and variables on that
//! tree.
//!
//! Scalars keep the text as it was written (`0123` stays `0123`), so that a value means the same in a file,
//! in a flag and in a variable.

use std::sync::Arc;

use clb_yaml::Position;

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
    fn place(&self, position: Position) -> Place {
        match self {
            Self::File(file) => Place::File {
                file: file.clone(),
                line: position.line,
                column: position.column,
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
    let written = clb_yaml::document(text).map_err(|error| {
        let nowhere = Position { line: 0, column: 0 };
        Box::new(Problem {
            place: Some(source.place(error.position.unwrap_or(nowhere))),
            field: String::new(),
            value: None,
            wrong: format!("not valid YAML: {}", error.reason),
            allowed: String::new(),
        })
    })?;
    Ok(node(written, source))
}

fn node(written: clb_yaml::Node, source: &Source) -> Node {
    let value = match written.value {
        clb_yaml::Value::Null => Value::Null,
        clb_yaml::Value::Text(text) => Value::Text(text),
        clb_yaml::Value::Boolean(_, spelling)
        | clb_yaml::Value::Number(_, spelling)
        | clb_yaml::Value::Other(spelling) => Value::Text(spelling),
        clb_yaml::Value::List(items) => {
            Value::List(items.into_iter().map(|item| node(item, source)).collect())
        }
        clb_yaml::Value::Mapping(entries) => Value::Mapping(Mapping {
            entries: entries
                .into_iter()
                .map(|entry| Entry {
                    key: entry.key,
                    place: source.place(entry.position),
                    node: node(entry.node, source),
                })
                .collect(),
        }),
    };
    Node {
        place: source.place(written.position),
        value,
        overridden: Vec::new(),
    }
}
