//! Tolerant reading of the cloud's JSON: numbers come as texts, lists are wrapped or bare, empty texts stand for nothing.

use serde_json::Value;

/// An object of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a>(pub &'a Value);

/// An answer of success that lacks what it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer has no usable {field}")]
pub struct UnexpectedAnswer {
    /// What is missing.
    pub field: &'static str,
}

impl<'a> Node<'a> {
    /// The text of a field, a number or a boolean as a text too; none when absent or empty.
    #[must_use]
    pub fn text(self, field: &str) -> Option<String> {
        match self.0.get(field)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(on) => Some(on.to_string()),
            _ => None,
        }
    }

    /// The text of a field; empty when absent.
    #[must_use]
    pub fn text_or_empty(self, field: &str) -> String {
        self.text(field).unwrap_or_default()
    }

    /// A whole number, given as one or as a text.
    #[must_use]
    pub fn number(self, field: &str) -> Option<i64> {
        match self.0.get(field)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A field of a type that is read from text.
    #[must_use]
    pub fn parsed<T: std::str::FromStr>(self, field: &str) -> Option<T> {
        self.text(field)?.parse().ok()
    }

    /// A field without which the answer is of no use.
    ///
    /// # Errors
    /// It is absent or cannot be read.
    pub fn required<T: std::str::FromStr>(self, field: &'static str) -> Result<T, UnexpectedAnswer> {
        self.parsed(field).ok_or(UnexpectedAnswer { field })
    }

    /// The items of a list, be it `outer: {inner: […]}` or `outer: […]`; none when absent.
    pub fn items(self, outer: &str, inner: &str) -> impl Iterator<Item = Node<'a>> {
        let list = self.0.get(outer).and_then(|value| match value {
            Value::Array(items) => Some(items),
            other => other.get(inner).and_then(Value::as_array),
        });
        list.into_iter().flatten().map(Node)
    }

    /// An object within.
    #[must_use]
    pub fn object(self, field: &str) -> Option<Node<'a>> {
        self.0.get(field).filter(|value| value.is_object()).map(Node)
    }

    /// Tags, wrapped or bare, their names in either spelling. An empty value is a legal one.
    #[must_use]
    pub fn tags(self) -> std::collections::BTreeMap<String, String> {
        self.items("Tags", "Tag")
            .filter_map(|tag| {
                let key = tag.text("TagKey").or_else(|| tag.text("Key"))?;
                let value = tag.text("TagValue").or_else(|| tag.text("Value"));
                Some((key, value.unwrap_or_default()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_texts_and_lists_may_be_bare() {
        let value = json!({"Port": "80", "Weight": 100, "Empty": "", "Bare": [{"A": 1}], "Wrapped": {"Item": [{"A": 2}]}});
        let node = Node(&value);
        assert_eq!(
            (node.number("Port"), node.number("Weight")),
            (Some(80), Some(100))
        );
        assert_eq!(node.text("Empty"), None);
        assert_eq!(node.items("Bare", "Item").count(), 1);
        assert_eq!(node.items("Wrapped", "Item").count(), 1);
        assert_eq!(node.items("Absent", "Item").count(), 0);
    }

    #[test]
    fn a_tag_may_have_an_empty_value() {
        let value =
            json!({"Tags": {"Tag": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": "1"}]}});
        let tags = Node(&value).tags();
        assert_eq!(tags.get("a").map(String::as_str), Some(""));
        assert_eq!(tags.get("b").map(String::as_str), Some("1"));
    }
}
