//! DELETE.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{Query, Target};
use super::{App, body, respond};
use crate::errors::ApiError;
use crate::registry::{DeleteOptions, Deleted, Registry};
use crate::storage::Key;
use crate::validation::FieldError;

fn delete_options(query: &Query, headers: &HeaderMap, bytes: &Bytes) -> Result<DeleteOptions, ApiError> {
    let options = if bytes.is_empty() {
        Value::Null
    } else {
        body::object(headers, bytes, "DeleteOptions")?.value
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let propagation = text(&options["propagationPolicy"])
        .or_else(|| Some(query.text("propagationPolicy").to_owned()))
        .filter(|policy| !policy.is_empty());
    if let Some(unknown) = propagation
        .as_deref()
        .filter(|policy| !matches!(*policy, "Orphan" | "Foreground" | "Background"))
    {
        let known = ["Foreground", "Background", "Orphan", "nil"];
        let error = FieldError::not_supported("propagationPolicy", unknown, &known);
        return Err(ApiError::invalid_options("DeleteOptions", &[error]));
    }
    let in_query = query
        .number("gracePeriodSeconds")?
        .and_then(|seconds| i64::try_from(seconds).ok());
    Ok(DeleteOptions {
        uid: text(&options["preconditions"]["uid"]),
        resource_version: text(&options["preconditions"]["resourceVersion"]),
        propagation,
        grace_seconds: options["gracePeriodSeconds"].as_i64().or(in_query),
        dry_run: query.text("dryRun") == "All" || options["dryRun"] == json!(["All"]),
    })
}

/// DELETE of one object, or of all that are selected.
pub(super) fn delete(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Response<Body>, ApiError> {
    let resource = target.resource;
    let options = delete_options(query, headers, bytes)?;
    let Some(name) = target.name.as_deref() else {
        if !resource.deletes_collections() {
            return Err(ApiError::method_not_allowed());
        }
        let selectors = query.selectors(resource)?;
        let items = app
            .registry
            .delete_selected(resource, &target.namespace, &selectors, &options);
        let page = crate::registry::Page {
            revision: app.registry.storage.read().revision,
            items,
            token: None,
            remaining: None,
        };
        return Ok(respond::json(StatusCode::OK, respond::list(resource, &page)));
    };
    match app
        .registry
        .delete(resource, &Key::new(&target.namespace, name), &options)?
    {
        Deleted::Waiting(stored) => Ok(respond::json(StatusCode::OK, stored.document(resource))),
        Deleted::Gone(stored) if Registry::answers_with_object(resource) => {
            Ok(respond::json(StatusCode::OK, stored.document(resource)))
        }
        Deleted::Gone(stored) => {
            let mut details =
                json!({"name": name, "kind": resource.plural, "uid": stored.value["metadata"]["uid"]});
            if !resource.group.is_empty() {
                details["group"] = resource.group.into();
            }
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
            Ok(respond::value(StatusCode::OK, &status))
        }
    }
}
