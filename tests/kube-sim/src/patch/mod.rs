//! The four kinds of patches: what a PATCH makes of the present object.
//!
//! The server picks the kind by `Content-Type`; the result goes through the same intake and update as a PUT.

mod strategic;

use serde_json::Value;

use crate::errors::ApiError;
use crate::managed_fields::Configuration;
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

impl Patch {
    /// The refusal of a patch whose result, `patched`, does not decode because of `why`.
    pub(crate) fn refused(&self, patched: &Value, why: &str) -> ApiError {
        let Self::Strategic(changes) = self else {
            return ApiError::invalid_patch(&patched.to_string(), why);
        };
        let shown = strategic::go_text(changes);
        let Some(mismatch) = why.strip_prefix("json: cannot unmarshal ") else {
            return ApiError::invalid_patch(&shown, why);
        };
        let found = match mismatch.split_whitespace().next().unwrap_or_default() {
            "number" => "int64",
            "object" => "map[string]interface {}",
            "array" => "[]interface {}",
            other => other,
        };
        let wanted = mismatch.rsplit(" of type ").next().unwrap_or_default();
        ApiError::invalid_patch(&shown, &format!("cannot convert {found} to {wanted}"))
    }

    /// Refuses a body of the wrong form.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let (body, is_right, wanted) = match self {
            Self::Json(body) => (body, body.is_array(), "[]handlers.jsonPatchOp"),
            Self::Merge(body) | Self::Strategic(body) => (body, body.is_object(), "map[string]interface {}"),
        };
        if is_right {
            return Ok(());
        }
        let found = match body {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let mut message = format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        if !matches!(self, Self::Strategic(_)) {
            message = format!("error decoding patch: {message}");
        }
        Err(ApiError::bad_request(message))
    }
}

/// Applies a patch to an object with `kind` and `apiVersion`.
pub(crate) fn apply(resource: &Resource, current: &Value, patch: &Patch) -> Result<Value, ApiError> {
    let mut patched = current.clone();
    match patch {
        Patch::Json(operations) => {
            let operations: json_patch::Patch = serde_json::from_value(operations.clone())
                .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut patched, &operations.0).map_err(|error| {
                let refused = "the server rejected our request due to an error in our request";
                ApiError::new(422, "Invalid", format!("{refused}: {error}"))
            })?;
        }
        Patch::Merge(changes) => json_patch::merge(&mut patched, changes),
        Patch::Strategic(changes) => strategic::merge(resource, &mut patched, changes)?,
    }
    Ok(patched)
}

/// An apply patch's body as a configuration; refused unless it says what it is.
pub(crate) fn configuration(
    resource: &Resource,
    mut object: Value,
    force: bool,
) -> Result<Configuration, ApiError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, version) = (text(&object["kind"]), text(&object["apiVersion"]));
    if kind != resource.kind {
        return Err(ApiError::bad_request(format!(
            "invalid object type: /{version}, Kind={kind}"
        )));
    }
    if version != resource.api_version() {
        let wanted = resource.api_version();
        let message = format!(
            "Incorrect version specified in apply patch. Specified patch version: {version}, expected: {wanted}"
        );
        return Err(ApiError::bad_request(message));
    }
    if !object["metadata"]["managedFields"].is_null() {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    if let Some(members) = object.as_object_mut() {
        members.remove("kind");
        members.remove("apiVersion");
    }
    if resource.is_converted() {
        object = crate::events::to_core(&object);
    }
    Ok(Configuration { object, force })
}
