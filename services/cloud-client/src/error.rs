//! How a call can fail. None of it holds a key id, a token or a signature.

use std::fmt;

use crate::answer::UnexpectedAnswer;
use crate::classify::Class;
use crate::credentials::CredentialsError;

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The action.
    pub action: &'static str,
    /// The region.
    pub region: String,
    /// What went wrong.
    pub failure: Failure,
}

/// What went wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The cloud answered with an error.
    Refused(Refusal),
    /// The cloud was not reached: nothing happened there.
    NotSent(String),
    /// Sent, but no answer that says what happened.
    Unknown(String),
    /// There was nothing to sign with.
    NoCredentials(CredentialsError),
}

/// An error that the cloud answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of error it is.
    pub class: Class,
    /// `Code`.
    pub code: String,
    /// `Message`, scrubbed.
    pub message: String,
    /// `RequestId`; may be empty.
    pub request_id: String,
    /// The HTTP status.
    pub status: u16,
}

impl CallError {
    /// The cloud's answer, where there was one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            Failure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The class of the cloud's answer, where there was one.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.refusal().map(|refusal| refusal.class)
    }

    /// Whether the cloud answered with this code.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == code)
    }

    /// Whether the call may have taken effect although it failed.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self.failure, Failure::Unknown(_)) || self.class() == Some(Class::Transient)
    }

    /// Whether what the call is about does not exist.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.class() == Some(Class::Gone)
    }

    /// Whether no call can succeed until somebody mends the credentials.
    #[must_use]
    pub fn is_credentials(&self) -> bool {
        matches!(self.failure, Failure::NoCredentials(_)) || self.class() == Some(Class::Credentials)
    }

    /// A short text for metrics: the cloud's code, or what kind of failure it was.
    #[must_use]
    pub fn label(&self) -> &str {
        match &self.failure {
            Failure::Refused(refusal) => &refusal.code,
            Failure::NotSent(_) => "unreachable",
            Failure::Unknown(_) => "unknown",
            Failure::NoCredentials(_) => "no-credentials",
        }
    }

    pub(crate) fn unexpected(action: &'static str, region: &str, answer: &UnexpectedAnswer) -> Self {
        Self {
            action,
            region: region.to_owned(),
            failure: Failure::Unknown(answer.to_string()),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.action, self.region, self.failure)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::NotSent(reason) => write!(f, "the API was not reached: {reason}"),
            Self::Unknown(reason) => write!(f, "no usable answer: {reason}"),
            Self::NoCredentials(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (HTTP {}", self.code, self.message, self.status)?;
        if !self.request_id.is_empty() {
            write!(f, ", request {}", self.request_id)?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for CallError {}
