//! What is wrong with a message of a peer.

use clb_model::InvalidText;

/// A message that cannot be turned into a domain type. The peer has a fault or is too new: log it, and answer
/// `INVALID_ARGUMENT` where it was a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field holds a value that it may not hold.
    #[error("{message}.{field}: {value:?} is not valid, allowed is {allowed}")]
    Invalid {
        /// The message's name.
        message: &'static str,
        /// The field's name.
        field: &'static str,
        /// The value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A field that must be set is not.
    #[error("{message}.{field} is not set, it must be {allowed}")]
    Missing {
        /// The message's name.
        message: &'static str,
        /// The field's name.
        field: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A payload is no encoded message of its kind.
    #[error("the payload of {key:?} is no {message} message: {reason}")]
    Undecodable {
        /// The message that it should be.
        message: &'static str,
        /// Key of the record.
        key: String,
        /// What the decoder says.
        reason: String,
    },
}

impl WireError {
    /// For `map_err` on what parses a text of the domain.
    pub(crate) fn from_text(message: &'static str, field: &'static str) -> impl Fn(InvalidText) -> Self {
        move |invalid| Self::Invalid {
            message,
            field,
            value: invalid.value,
            allowed: invalid.allowed,
        }
    }
}
