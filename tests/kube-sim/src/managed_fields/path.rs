//! One step of a field's path, in the spellings of `fieldsV1` and of messages.

use std::fmt;

use serde_json::{Map, Value};

/// A step. Values are kept as JSON text with sorted keys, which orders and compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PathElement {
    /// A struct's field or a map's key: `f:name`.
    Field(String),
    /// An entry of a keyed list: `k:{"port":80,"protocol":"TCP"}`.
    Key(String),
    /// An entry of a set: `v:"value"`.
    Value(String),
}

impl PathElement {
    pub(super) fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// The key of a list's entry.
    pub(super) fn key(members: &[(&str, Value)]) -> Self {
        let mut members = members.to_vec();
        members.sort_by_key(|(name, _)| *name);
        let text: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        Self::Key(format!("{{{}}}", text.join(",")))
    }

    pub(super) fn value(value: &Value) -> Self {
        Self::Value(value.to_string())
    }

    /// As it stands in `fieldsV1`.
    pub(super) fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => format!("k:{key}"),
            Self::Value(value) => format!("v:{value}"),
        }
    }

    /// `None` for what is none of the known forms, such as a list's position.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let (form, rest) = text.split_once(':')?;
        match form {
            "f" => Some(Self::field(rest)),
            "k" => {
                let members: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let members: Vec<(&str, Value)> = members
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.clone()))
                    .collect();
                Some(Self::key(&members))
            }
            "v" => Some(Self::Value(rest.to_owned())),
            _ => None,
        }
    }
}

/// As messages show it: `.spec`, `[port=80,protocol="TCP"]`, `[="value"]`.
impl fmt::Display for PathElement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(formatter, ".{name}"),
            Self::Value(value) => write!(formatter, "[={value}]"),
            Self::Key(key) => {
                let members: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
                let mut shown: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                shown.sort();
                write!(formatter, "[{}]", shown.join(","))
            }
        }
    }
}
