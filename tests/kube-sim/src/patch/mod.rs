//! The four kinds of patches: what a PATCH makes of the present object.
//!
//! The server picks the kind by `Content-Type`; the result goes through the same intake and update as a PUT.

mod strategic;

use serde_json::Value;

use crate::errors::ApiError;
use crate::resources::Resource;

/// A patch by its media type. Apply patches are not here: they need the object's managed fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Patch {
    /// RFC 6902.
    Json(Value),
    /// RFC 7386.
    Merge(Value),
    /// The API's own, which knows the lists of built-in types.
    Strategic(Value),
}

/// Applies a patch to an object with `kind` and `apiVersion`.
pub(crate) fn apply(
    resource: &Resource,
    name: &str,
    current: &Value,
    patch: &Patch,
) -> Result<Value, ApiError> {
    let mut patched = current.clone();
    match patch {
        Patch::Json(operations) => {
            let operations: json_patch::Patch = serde_json::from_value(operations.clone())
                .map_err(|error| ApiError::bad_request(error.to_string()))?;
            json_patch::patch(&mut patched, &operations.0).map_err(|error| {
                ApiError::new(
                    422,
                    "Invalid",
                    format!("the server rejected our request due to an error in our request: {error}"),
                )
            })?;
        }
        Patch::Merge(changes) => json_patch::merge(&mut patched, changes),
        Patch::Strategic(changes) => strategic::merge(resource, name, &mut patched, changes)?,
    }
    Ok(patched)
}
