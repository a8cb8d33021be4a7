//! YAML documents as manifests are looked at: by line, with a null as good as nothing, and scalars resolved as kubectl does (`on`
//! without quotes is a boolean).

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
    let documents = clb_yaml::documents(text).map_err(|error| NotYaml {
        line: error.position.map_or(1, |position| position.line),
        reason: error.reason,
    })?;
    Ok(documents.into_iter().map(Node::from).collect())
}

impl From<clb_yaml::Node> for Node {
    fn from(node: clb_yaml::Node) -> Self {
        let value = match node.value {
            clb_yaml::Value::Null => Value::Null,
            clb_yaml::Value::Text(text) => Value::Text(text),
            clb_yaml::Value::Number(number, spelling) => Value::Number(number, spelling),
            clb_yaml::Value::Boolean(boolean, spelling) => Value::Boolean(boolean, spelling),
            clb_yaml::Value::Other(spelling) => Value::Other(spelling),
            clb_yaml::Value::List(items) => Value::List(items.into_iter().map(Self::from).collect()),
            clb_yaml::Value::Mapping(entries) => Value::Mapping(
                entries
                    .into_iter()
                    .map(|entry| {
                        let line = entry.position.line;
                        let value = Self::from(entry.node).value;
                        (entry.key, Self { line, value })
                    })
                    .collect(),
            ),
        };
        Self {
            line: node.position.line,
            value,
        }
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
