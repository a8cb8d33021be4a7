//! What is wrong with the settings that were given: one [`Problem`] per mistake, all of them in
//! [`SettingsErrors`].

use std::fmt;
use std::sync::Arc;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file; line and column count from 1.
    File {
        /// The file as it was named on the command line.
        file: Arc<str>,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
    },
    /// As a flag, by its name with the dashes; or an argument that is no flag.
    Flag(String),
    /// In an environment variable; holds its name.
    Environment(String),
    /// The default that the code declares.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Flag(name) if name.starts_with('-') => write!(f, "flag {name}"),
            Self::Flag(name) => write!(f, "argument {name}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One mistake: where, which field, what was given, what is wrong with it and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was given; `None` for a field that was not given at all.
    pub place: Option<Place>,
    /// Path of the field, such as `clusters[1].vswitches[0].zone`; empty for the document as a whole.
    pub field: String,
    /// The value as given; `None` where there is none, or where it is a secret, a list or a mapping.
    pub value: Option<String>,
    /// What is wrong, in words.
    pub wrong: String,
    /// What is allowed, or what to do; may be empty.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        if let Some(value) = &self.value {
            write!(f, "{value:?}: ")?;
        }
        f.write_str(&self.wrong)?;
        if !self.allowed.is_empty() {
            write!(f, "; {}", self.allowed)?;
        }
        Ok(())
    }
}

/// Every mistake in the settings, in the order of the declaration. Its `Display` has one line per mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsErrors {
    problems: Vec<Problem>,
}

impl SettingsErrors {
    /// Wraps mistakes; `None` when there are none.
    pub(crate) fn from_problems(problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// A [`Setting`](crate::Setting) returned nothing without saying why: an error of the code that
    /// implements it.
    pub(crate) fn without_reason() -> Self {
        let wrong = "a setting could not be read, and its type does not say why".to_owned();
        let problem = Problem {
            place: None,
            field: String::new(),
            value: None,
            wrong,
            allowed: String::new(),
        };
        Self {
            problems: vec![problem],
        }
    }

    /// The mistakes, never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "{count} wrong setting{}:", if count == 1 { "" } else { "s" })?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsErrors {}
