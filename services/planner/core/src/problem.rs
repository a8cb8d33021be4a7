//! Mistakes in a Service, and remarks on it, as a person is told of them.

use std::fmt;

pub use clb_model::events::reason;
use serde::Serialize;

/// A mistake. The cloud is left as it is until it is mended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The annotation as the user wrote it, or a field as `spec.ports[0].protocol`.
    pub place: String,
    /// The value that is there; empty when something is missing.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
    /// An example that would be right.
    pub example: String,
}

/// Characters of a value, and of an example made from it, that are told. A value may have 256 KiB, an event's text 1 KiB in all.
const MOST_TOLD: usize = 200;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            value,
            allowed,
            ..
        } = self;
        if value.is_empty() {
            write!(f, "{place} is missing: {allowed}")?;
        } else if let Some((cut, _)) = value.char_indices().nth(MOST_TOLD) {
            let (told, _) = value.split_at(cut);
            let length = value.chars().count();
            write!(
                f,
                "{place}: {told:?}… ({length} characters) is not valid: {allowed}"
            )?;
        } else {
            write!(f, "{place}: {value:?} is not valid: {allowed}")?;
        }
        match self.example.char_indices().nth(MOST_TOLD) {
            _ if self.example.is_empty() => Ok(()),
            Some((cut, _)) => write!(f, ", for example {}…", self.example.split_at(cut).0),
            None => write!(f, ", for example {}", self.example),
        }
    }
}

/// Something that a person should know though nothing is wrong enough to stop: an annotation without effect,
/// a change that cannot be made. Said once; a hash of it is remembered in the Service's conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Notice {
    /// Whether it is a Warning event rather than a Normal one.
    pub warning: bool,
    /// The event's reason, one of [`clb_model::events::reason`].
    pub reason: &'static str,
    /// The event's message.
    pub message: String,
}

/// Joins the first few of these, and counts the others.
pub(crate) fn first_few(mut words: Vec<String>, most: usize, separator: &str) -> String {
    let more = words.len().saturating_sub(most);
    words.truncate(most);
    let told = words.join(separator);
    if more > 0 {
        format!("{told} and {more} more")
    } else {
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: &str) -> String {
        let problem = Problem {
            place: "annotation".to_owned(),
            value: value.to_owned(),
            allowed: "on or off".to_owned(),
            example: "on".to_owned(),
        };
        problem.to_string()
    }

    #[test]
    fn a_value_is_told_as_it_stands_there() {
        assert_eq!(
            said("o\nn "),
            r#"annotation: "o\nn " is not valid: on or off, for example on"#
        );
        assert_eq!(said(""), "annotation is missing: on or off, for example on");
        assert!(said(&"x".repeat(200)).contains(&format!("{:?} is", "x".repeat(200))));
    }

    #[test]
    fn what_is_allowed_is_told_however_long_the_value_is() {
        let said = said(&"\u{8d1f}".repeat(50_000));
        assert!(said.len() < 1000, "{} bytes", said.len());
        assert!(
            said.ends_with("… (50000 characters) is not valid: on or off, for example on"),
            "{said}"
        );
    }

    #[test]
    fn a_long_example_is_cut() {
        let problem = Problem {
            place: "annotation".to_owned(),
            value: "all".to_owned(),
            allowed: "some".to_owned(),
            example: "\u{8d1f}".repeat(50_000),
        };
        let said = problem.to_string();
        assert!(said.ends_with('…') && said.chars().count() < 300, "{said}");
    }
}
