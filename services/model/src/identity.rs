//! Identifiers that must not be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that cannot be an identifier of the named kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: {allowed}")]
pub struct InvalidText {
    /// What the text was to be.
    pub what: &'static str,
    /// The text.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 128 characters of letters, digits, `-`, `_`, `.` and `*`.
            ///
            /// # Errors
            /// Anything else is an [`InvalidText`].
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidText> {
                let value = text.into();
                let fits = (1..=128).contains(&value.len())
                    && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.*".contains(c));
                if fits {
                    Ok(Self(value))
                } else {
                    Err(InvalidText {
                        what: $what,
                        value,
                        allowed: "1 to 128 characters of letters, digits, - _ . *",
                    })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

identifier!(
    /// A cluster's id, as in the tag `ack.aliyun.com` and in the names of vServer groups.
    ClusterId,
    "cluster id"
);
identifier!(
    /// `metadata.uid` of a Service.
    ServiceUid,
    "Service UID"
);
identifier!(
    /// The id of a CLB, `lb-…`.
    LoadBalancerId,
    "CLB id"
);
identifier!(
    /// The id of a vServer group, `rsp-…`.
    VServerGroupId,
    "vServer group id"
);

/// Namespace and name of a Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl ServiceKey {
    /// Takes a namespace and a name as the API server gave them.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
