//! POST, PUT, PATCH, DELETE.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{Query, Target};
use super::{App, body, respond};
use crate::errors::ApiError;
use crate::patch::{self, Patch};
use crate::registry::{DeleteOptions, Deleted, Intake, Registry, intake};
use crate::storage::Key;

/// Media types of a PATCH.
const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// What to do about unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        match query.text("fieldValidation") {
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            "Strict" => Ok(Self::Strict),
            other => Err(ApiError::bad_request(format!(
                "fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            ))),
        }
    }

    /// The object, or a refusal; unknown fields become warnings where they are allowed.
    fn check(self, target: &Target, intake: Intake, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
        let named: Vec<String> = intake
            .unknown
            .iter()
            .map(|path| format!("unknown field \"{path}\""))
            .collect();
        match self {
            Self::Strict if !named.is_empty() => {
                let (kind, version) = (target.resource.kind, target.resource.version);
                Err(ApiError::bad_request(format!(
                    "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
                    named.join(", ")
                )))
            }
            Self::Warn => {
                warnings.extend(named);
                Ok(intake.object)
            }
            _ => Ok(intake.object),
        }
    }
}

pub(super) fn create(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Response<Body>, ApiError> {
    if target.name.is_some() {
        return Err(ApiError::method_not_allowed());
    }
    let options = query.write(headers, target.part)?;
    let raw = body::object(headers, bytes, target.resource.kind)?;
    let mut warnings = Vec::new();
    let object =
        FieldValidation::parse(query)?.check(target, intake(target.resource, &raw)?, &mut warnings)?;
    let namespace = if target.namespace.is_empty() && target.resource.namespaced {
        return Err(ApiError::bad_request(
            "an empty namespace may not be set during creation",
        ));
    } else {
        &target.namespace
    };
    let stored = app
        .registry
        .create(target.resource, namespace, object, &options)?;
    let mut response = respond::json(StatusCode::CREATED, stored.document(target.resource));
    respond::warn(&mut response, &warnings);
    Ok(response)
}

pub(super) fn update(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Response<Body>, ApiError> {
    let name = target.name.as_deref().ok_or_else(ApiError::method_not_allowed)?;
    let options = query.write(headers, target.part)?;
    let raw = body::object(headers, bytes, target.resource.kind)?;
    let mut warnings = Vec::new();
    let object =
        FieldValidation::parse(query)?.check(target, intake(target.resource, &raw)?, &mut warnings)?;
    let key = Key::new(&target.namespace, name);
    let may_create = Registry::put_may_create(target.resource, target.part);
    let updated = app
        .registry
        .update(target.resource, &key, &options, may_create, |_old| Ok(object))?;
    let status = if updated.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = respond::json(status, updated.object.document(target.resource));
    respond::warn(&mut response, &warnings);
    Ok(response)
}

pub(super) fn patch(
    app: &App,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Response<Body>, ApiError> {
    let name = target.name.as_deref().ok_or_else(ApiError::method_not_allowed)?;
    let options = query.write(headers, target.part)?;
    let kind = target.resource.kind;
    let patch = match body::media_type(headers) {
        "application/json-patch+json" => Patch::Json(body::json(bytes, kind)?),
        "application/merge-patch+json" => Patch::Merge(body::json(bytes, kind)?),
        "application/strategic-merge-patch+json" => Patch::Strategic(body::json(bytes, kind)?),
        "application/apply-patch+yaml" => Patch::Merge(body::yaml(bytes)?),
        _ => return Err(ApiError::unsupported_media_type(&PATCH_TYPES)),
    };
    let is_apply = body::media_type(headers) == "application/apply-patch+yaml";
    let validation = FieldValidation::parse(query)?;
    let mut warnings = Vec::new();
    let key = Key::new(&target.namespace, name);
    let updated = app
        .registry
        .update(target.resource, &key, &options, is_apply, |old| {
            let patched = match (old, &patch) {
                (Some(old), _) => {
                    patch::apply(target.resource, name, &old.full_value(target.resource), &patch)?
                }
                (None, Patch::Merge(object)) => object.clone(),
                (None, _) => return Err(ApiError::not_found(target.resource, name)),
            };
            validation.check(target, intake(target.resource, &patched)?, &mut warnings)
        })?;
    let status = if updated.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut response = respond::json(status, updated.object.document(target.resource));
    respond::warn(&mut response, &warnings);
    Ok(response)
}

fn delete_options(query: &Query, bytes: &Bytes) -> Result<DeleteOptions, ApiError> {
    let options = if bytes.is_empty() {
        Value::Null
    } else {
        body::json(bytes, "DeleteOptions")?
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let propagation = text(&options["propagationPolicy"])
        .or_else(|| Some(query.text("propagationPolicy").to_owned()))
        .filter(|policy| !policy.is_empty());
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

pub(super) fn delete(
    app: &App,
    target: &Target,
    query: &Query,
    bytes: &Bytes,
) -> Result<Response<Body>, ApiError> {
    let resource = target.resource;
    let options = delete_options(query, bytes)?;
    let Some(name) = target.name.as_deref() else {
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
