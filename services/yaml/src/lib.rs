//! YAML as a tree that remembers how and where each value was written, so that a mistake can be shown where it is.
//!
//! Called by `clb-settings`, which takes every scalar as it is spelled, and by `clbctl lint`, which goes by what kubectl makes of it.

mod written;

use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{MessageFormatter, Options, Spanned, UserMessageFormatter};

use written::Written;

/// A position in a text; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// A value and where it begins.
#[derive(Clone)]
pub struct Node {
    /// Where; of an alias, where it is used.
    pub position: Position,
    /// The value.
    pub value: Value,
}

/// A value. Scalars without quotes are resolved by YAML 1.1, as kubectl does: `on` is a boolean. Neither this nor [`Node`] has a `Debug`,
/// since a value may be a secret.
#[derive(Clone)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// A text.
    Text(String),
    /// A boolean, and its spelling.
    Boolean(bool, String),
    /// A whole number, and its spelling.
    Number(i64, String),
    /// The spelling of a scalar that is none of these, such as a fraction.
    Other(String),
    /// A sequence.
    List(Vec<Node>),
    /// In the order of writing; a key that is written twice is there twice.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub position: Position,
    /// The value.
    pub node: Node,
}

/// A text that is no YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYaml {
    /// Where; none when the parser does not know.
    pub position: Option<Position>,
    /// The parser's words, without the text itself.
    pub reason: String,
}

/// The one document of a text. A key may be written twice.
///
/// # Errors
/// The first place that is no YAML.
pub fn document(text: &str) -> Result<Node, NotYaml> {
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.with_snippet = false;
    let written: Spanned<Written> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| not_yaml(&error))?;
    Ok(written::node(written, text))
}

/// All documents of a text, empty ones left out. A key that is written twice is a mistake.
///
/// # Errors
/// The first place that is no YAML.
pub fn documents(text: &str) -> Result<Vec<Node>, NotYaml> {
    let documents: Vec<Spanned<Written>> =
        serde_saphyr::from_multiple(text).map_err(|error| not_yaml(&error))?;
    Ok(documents
        .into_iter()
        .map(|written| written::node(written, text))
        .collect())
}

fn not_yaml(error: &serde_saphyr::Error) -> NotYaml {
    NotYaml {
        position: error.location().map(written::position),
        reason: UserMessageFormatter
            .format_message(error.without_snippet())
            .into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(node: &Node) -> String {
        match &node.value {
            Value::Null => "null".to_owned(),
            Value::Text(text) => format!("text {text}"),
            Value::Boolean(boolean, spelling) => format!("{boolean} {spelling}"),
            Value::Number(number, spelling) => format!("{number} {spelling}"),
            Value::Other(spelling) => format!("other {spelling}"),
            Value::List(items) => items.iter().map(spelled).collect::<Vec<_>>().join(", "),
            Value::Mapping(entries) => {
                let entries = entries.iter().map(|entry| {
                    let Position { line, column } = entry.position;
                    format!("{}@{line}:{column}={}", entry.key, spelled(&entry.node))
                });
                entries.collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[test]
    fn scalars_keep_their_spelling_and_keys_their_places() {
        let node = document("a: on\nb: [0x10, 1.50, '7']\nc:\n  d: ~\na: 0123\n").unwrap();
        assert_eq!(
            spelled(&node),
            "a@1:1=true on, b@2:1=16 0x10, other 1.50, text 7, c@3:1=d@4:3=null, a@5:1=other 0123"
        );
    }

    #[test]
    fn a_text_has_one_document_or_several() {
        assert_eq!(documents("a: 1\n---\n# nothing\n---\nb: 2\n").unwrap().len(), 2);
        assert!(documents("a: 1\na: 2\n").is_err());
        let Err(error) = document("a: 1\nb: [hunter2\nc: 2\n") else {
            panic!("accepted")
        };
        assert_eq!(error.position.map(|position| position.line), Some(3));
        assert!(!error.reason.contains("hunter2"), "{error:?}");
    }
}
