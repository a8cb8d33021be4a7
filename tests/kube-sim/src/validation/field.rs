//! One broken rule: which field, what kind of mistake, the value, what is allowed.

use std::fmt;

use serde_json::Value;

/// Kinds of mistakes that the API tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// The field has to be set.
    Required,
    /// The value breaks a rule.
    Invalid,
    /// The value has the wrong type (`field.TypeInvalid`).
    TypeInvalid,
    /// The value is not one of a fixed set.
    NotSupported,
    /// The same value stands elsewhere.
    Duplicate,
    /// The field may not be set, or not be changed, here.
    Forbidden,
    /// More characters than allowed.
    TooLong,
    /// More entries than allowed.
    TooMany,
    /// The server could not do what the value asks.
    Internal,
}

impl FieldErrorKind {
    /// The cause's reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What sort of mistake.
    pub kind: FieldErrorKind,
    /// Path such as `spec.ports[0].port`.
    pub field: String,
    /// The value, where the message shows it.
    pub value: Option<Value>,
    /// What is allowed, or why not.
    pub detail: String,
}

impl FieldError {
    fn new(kind: FieldErrorKind, field: &str, value: Option<Value>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            field: field.to_owned(),
            value,
            detail: detail.into(),
        }
    }

    /// A field that has to be set.
    pub fn required(field: &str, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, None, detail)
    }

    /// A value that breaks a rule.
    pub fn invalid(field: &str, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, Some(value.into()), detail)
    }

    /// A value outside of a fixed set, which the message lists.
    pub fn not_supported(field: &str, value: impl Into<Value>, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("supported values: {}", list.join(", "));
        Self::new(FieldErrorKind::NotSupported, field, Some(value.into()), detail)
    }

    /// A value that stands twice.
    pub fn duplicate(field: &str, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, Some(value.into()), "")
    }

    /// A field that may not be set or changed.
    pub fn forbidden(field: &str, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, None, detail)
    }

    /// A text of more than `limit` bytes.
    pub fn too_long(field: &str, limit: usize) -> Self {
        Self::new(
            FieldErrorKind::TooLong,
            field,
            None,
            format!("may not be more than {limit} bytes"),
        )
    }

    /// A list of more than `limit` entries.
    pub fn too_many(field: &str, actual: usize, limit: usize) -> Self {
        let detail = format!("must have at most {limit} items");
        Self::new(FieldErrorKind::TooMany, field, Some(actual.into()), detail)
    }

    /// Something that the server could not do.
    pub fn internal(field: &str, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Internal, field, None, detail)
    }

    /// The message without the field's path: what a cause carries.
    pub fn body(&self) -> String {
        let kind = self.kind.text();
        let shown = match &self.value {
            Some(value) => format!("{kind}: {}", render_value(value)),
            None => kind.to_owned(),
        };
        if self.detail.is_empty() {
            shown
        } else {
            format!("{shown}: {}", self.detail)
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.body())
    }
}

/// Marks a value that already is in the form in which Go prints it.
const VERBATIM: &str = "\u{0}";

/// A value that messages show as it is.
pub(super) fn verbatim(text: &str) -> Value {
    Value::from(format!("{VERBATIM}{text}"))
}

fn render_value(value: &Value) -> String {
    match value {
        Value::String(text) => text
            .strip_prefix(VERBATIM)
            .map_or_else(|| value.to_string(), str::to_owned),
        Value::Array(entries) => {
            let entries: Vec<String> = entries.iter().map(render_value).collect();
            format!("[{}]", entries.join(","))
        }
        other => other.to_string(),
    }
}
