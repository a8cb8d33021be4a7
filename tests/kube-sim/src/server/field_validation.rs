//! `fieldValidation`: what happens about fields that a type does not have, and members that stand twice.

use super::document::Document;
use super::request::{Query, Target};
use crate::errors::ApiError;
use crate::registry::{Intake, intake};
use crate::validation::FieldError;
use serde_json::Value;

/// The query's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// `options` names the options kind in a refusal: `CreateOptions` and so on.
    pub(super) fn parse(query: &Query, options: &str) -> Result<Self, ApiError> {
        match query.text("fieldValidation") {
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            "Strict" => Ok(Self::Strict),
            other => {
                let known = ["", "Ignore", "Strict", "Warn"];
                Err(ApiError::invalid_options(
                    options,
                    &[FieldError::not_supported("fieldValidation", other, &known)],
                ))
            }
        }
    }

    /// Decodes a document as an object of the target's kind. Fields that are dropped become warnings, or the refusal.
    pub(super) fn decode(
        self,
        target: &Target,
        document: &Document,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let Intake { object, mut unknown } = intake(target.resource, &document.value)?;
        document.sort(&mut unknown);
        let unknown = unknown.iter().map(|path| format!("unknown field \"{path}\""));
        let duplicate = document
            .duplicates
            .iter()
            .map(|path| format!("duplicate field \"{path}\""));
        let found: Vec<String> = unknown.chain(duplicate).collect();
        match self {
            Self::Strict if !found.is_empty() => {
                let (kind, version) = (target.resource.kind, target.resource.version);
                Err(ApiError::bad_request(format!(
                    "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
                    found.join(", ")
                )))
            }
            Self::Warn => {
                warnings.extend(found);
                Ok(object)
            }
            Self::Strict | Self::Ignore => Ok(object),
        }
    }
}
