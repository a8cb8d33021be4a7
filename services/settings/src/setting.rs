//! What can be a setting ([`Setting`]), and what a setting looks like from outside ([`Shape`]), which the
//! command line, `--help` and the overlay of flags are made from.

use crate::document::{Node, Value};
use crate::problem::SettingsErrors;
use crate::read::{At, GroupReader};

/// A type that a field of the settings can have.
pub trait Setting: Sized {
    /// What the type looks like from outside.
    fn shape() -> Shape;

    /// Reads a value. Where it is wrong, says so through `at` and returns `None`.
    fn from_node(node: &Node, at: &mut At<'_>) -> Option<Self>;
}

/// A struct that the [`settings!`](crate::settings) macro declared: a group of fields, or the settings as a
/// whole.
pub trait Settings: Setting {
    /// The same fields, each `None` if it is wrong.
    type Partial;

    /// Its fields in the order of declaration.
    fn fields() -> Vec<FieldShape>;

    /// Reads all fields, then the checks across fields; all mistakes go to the reader.
    fn read(reader: &mut GroupReader<'_, '_>) -> Option<Self>;

    /// Reads the settings from YAML alone, for tests and for programs that start services themselves.
    ///
    /// # Errors
    /// Every wrong field.
    fn from_yaml(text: &str) -> Result<Self, SettingsErrors> {
        crate::load::from_yaml(text)
    }
}

/// The fields of `T` as far as they could be read, for checks across them.
pub type Partial<T> = <T as Settings>::Partial;

/// What a type looks like from outside.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One value, written as a text.
    Scalar {
        /// What is allowed, in words.
        allowed: String,
        /// The value may be in no error and no log.
        secret: bool,
        /// As a flag it needs no value (`--insecure`).
        switch: bool,
    },
    /// A list of values of one shape.
    List(Box<Shape>),
    /// A mapping with known fields.
    Group(Vec<FieldShape>),
}

impl Shape {
    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Scalar { allowed, .. } => allowed.clone(),
            Self::List(item) => match &**item {
                Self::Scalar { allowed, .. } => format!("a list, each item {allowed}"),
                inner => format!("a list, each item {}", inner.allowed()),
            },
            Self::Group(fields) => {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                format!("a mapping with {}", names.join(", "))
            }
        }
    }

    /// Whether a secret is in it, at any depth.
    #[must_use]
    pub fn holds_secret(&self) -> bool {
        match self {
            Self::Scalar { secret, .. } => *secret,
            Self::List(item) => item.holds_secret(),
            Self::Group(fields) => fields.iter().any(|field| field.shape.holds_secret()),
        }
    }
}

/// A field from outside: what the command line and `--help` are made from.
#[derive(Debug, Clone)]
pub struct FieldShape {
    /// The name, as in the file.
    pub name: &'static str,
    /// The declaration's comment.
    pub doc: String,
    /// The default as a text; `None` when there is none.
    pub default: Option<String>,
    /// Whether it has to be given.
    pub required: bool,
    /// Environment variables beside the one that is made from the name, highest precedence first.
    pub environment: Vec<&'static str>,
    /// What is allowed, in words.
    pub allowed: String,
    /// The type's shape.
    pub shape: Shape,
}

impl<T: Setting> Setting for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn from_node(node: &Node, at: &mut At<'_>) -> Option<Self> {
        match node.value {
            Value::Null => Some(None),
            _ => T::from_node(node, at).map(Some),
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn from_node(node: &Node, at: &mut At<'_>) -> Option<Self> {
        match &node.value {
            Value::Null => Some(Self::new()),
            Value::List(items) => {
                let read: Vec<Option<T>> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| T::from_node(item, &mut at.item(index)))
                    .collect();
                read.into_iter().collect()
            }
            other => {
                at.wrong(node, format!("{} where a list is needed", other.kind()));
                None
            }
        }
    }
}
