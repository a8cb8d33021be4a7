//! The four kinds of patches: what a PATCH makes of the present object.
//!
//! The server picks the kind by `Content-Type`; the result goes through the same intake and update as a PUT.

mod strategic;

use serde_json::Value;

use crate::errors::ApiError;
use crate::managed_fields::Configuration;
use crate::resources::Resource;
use crate::storage::Key;

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
    /// Refuses a body of the wrong form.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let (body, is_right, wanted) = match self {
            Self::Json(body) => (body, body.is_array(), "jsonpatch.Patch"),
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
        let message =
            format!("error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}");
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
    key: &Key,
    mut object: Value,
    force: bool,
) -> Result<Configuration, ApiError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, version) = (text(&object["kind"]), text(&object["apiVersion"]));
    if kind.is_empty() {
        let shown = object.to_string();
        return Err(ApiError::bad_request(format!(
            "error decoding YAML: Object 'Kind' is missing in '{shown}'"
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
    let name = text(&object["metadata"]["name"]);
    if !name.is_empty() && name != key.name {
        let message = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            key.name
        );
        return Err(ApiError::bad_request(message));
    }
    object["metadata"]["name"] = key.name.as_str().into();
    if let Some(members) = object.as_object_mut() {
        members.remove("kind");
        members.remove("apiVersion");
    }
    if resource.is_converted() {
        object = crate::events::to_core(&object);
    }
    Ok(Configuration { object, force })
}
