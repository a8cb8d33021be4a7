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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{} is missing: {}", self.place, self.allowed)?;
        } else {
            write!(
                f,
                "{}: {:?} is not valid: {}",
                self.place, self.value, self.allowed
            )?;
        }
        if self.example.is_empty() {
            Ok(())
        } else {
            write!(f, ", for example {}", self.example)
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
