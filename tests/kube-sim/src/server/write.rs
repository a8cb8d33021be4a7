//! POST, PUT and PATCH: an object or a patch comes in, the stored object goes out.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;

use super::document::Document;
use super::field_validation::FieldValidation;
use super::request::{Query, Target};
use super::{App, body, respond};
use crate::errors::ApiError;
use crate::patch::{self, Patch};
use crate::registry::{Mode, Updated, WriteOptions};
use crate::storage::{Key, Stored};
use crate::validation::FieldError;

/// A request that carries an object or a patch.
pub(super) struct Write<'a> {
    pub(super) app: &'a App,
    pub(super) target: &'a Target,
    pub(super) query: &'a Query,
    pub(super) headers: &'a HeaderMap,
    pub(super) bytes: &'a Bytes,
}

impl Write<'_> {
    /// Does what the request asks; warnings go with refusals too.
    pub(super) fn answer(
        &self,
        verb: impl FnOnce(&Self, &mut Vec<String>) -> Result<Response<Body>, ApiError>,
    ) -> Response<Body> {
        let mut warnings = Vec::new();
        let mut response = verb(self, &mut warnings).unwrap_or_else(|error| respond::error(&error));
        respond::warn(&mut response, &warnings);
        response
    }

    /// POST to a collection.
    pub(super) fn create(&self, warnings: &mut Vec<String>) -> Result<Response<Body>, ApiError> {
        let Target {
            resource, namespace, ..
        } = self.target;
        if self.target.name.is_some() || (resource.namespaced && namespace.is_empty()) {
            return Err(ApiError::method_not_allowed());
        }
        let options = self.query.write(self.headers, self.target, "CreateOptions")?;
        let validation = FieldValidation::parse(self.query, "CreateOptions")?;
        let document = body::object(self.headers, self.bytes, resource.kind)?;
        let object = validation.decode(self.target, &document, warnings)?;
        let stored = self.app.registry.create(resource, namespace, object, &options)?;
        Ok(self.stored(StatusCode::CREATED, &stored, warnings))
    }

    /// PUT of one object.
    pub(super) fn update(&self, warnings: &mut Vec<String>) -> Result<Response<Body>, ApiError> {
        let resource = self.target.resource;
        let key = self.key()?;
        let options = self.query.write(self.headers, self.target, "UpdateOptions")?;
        let validation = FieldValidation::parse(self.query, "UpdateOptions")?;
        let document = body::object(self.headers, self.bytes, resource.kind)?;
        let object = validation.decode(self.target, &document, warnings)?;
        let updated = self
            .app
            .registry
            .update(resource, &key, &options, Mode::Put, |_old| Ok(object))?;
        Ok(self.updated(&updated, warnings))
    }

    /// PATCH of one object.
    pub(super) fn patch(&self, warnings: &mut Vec<String>) -> Result<Response<Body>, ApiError> {
        let resource = self.target.resource;
        let key = self.key()?;
        let options = self.query.write(self.headers, self.target, "PatchOptions")?;
        let validation = FieldValidation::parse(self.query, "PatchOptions")?;
        let media_type = body::media_type(self.headers);
        if media_type == "application/apply-patch+yaml" {
            return self.apply(&key, &options, validation, warnings);
        }
        let document = match media_type {
            "application/json-patch+json"
            | "application/merge-patch+json"
            | "application/strategic-merge-patch+json" => body::patch(self.bytes)?,
            _ => return Err(ApiError::unsupported_patch()),
        };
        let patch = match media_type {
            "application/json-patch+json" => Patch::Json(document.value),
            "application/merge-patch+json" => Patch::Merge(document.value),
            _ => Patch::Strategic(document.value),
        };
        patch.check()?;
        let updated = self
            .app
            .registry
            .update(resource, &key, &options, Mode::Patch, |old| {
                let old = old.ok_or_else(|| ApiError::not_found(resource, &key.name))?;
                let patched = patch::apply(resource, &old.full_value(resource), &patch)?;
                let document = Document::plain(patched);
                validation
                    .decode(self.target, &document, warnings)
                    .map_err(|error| patch_refused(&patch, &document, error))
            })?;
        Ok(self.updated(&updated, warnings))
    }

    /// Server-side apply.
    fn apply(
        &self,
        key: &Key,
        options: &WriteOptions,
        validation: FieldValidation,
        warnings: &mut Vec<String>,
    ) -> Result<Response<Body>, ApiError> {
        let resource = self.target.resource;
        if self.query.text("fieldManager").is_empty() {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(ApiError::invalid_options("PatchOptions", &[error]));
        }
        let configuration =
            patch::configuration(resource, body::yaml(self.bytes)?, self.query.flag("force"))?;
        let updated = self
            .app
            .registry
            .apply(resource, key, options, &configuration, |merged| {
                validation.decode(self.target, &Document::plain(merged), warnings)
            })?;
        Ok(self.updated(&updated, warnings))
    }

    fn key(&self) -> Result<Key, ApiError> {
        let name = self
            .target
            .name
            .as_deref()
            .ok_or_else(ApiError::method_not_allowed)?;
        Ok(Key::new(&self.target.namespace, name))
    }

    fn updated(&self, updated: &Updated, warnings: &mut Vec<String>) -> Response<Body> {
        let status = if updated.created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        self.stored(status, &updated.object, warnings)
    }

    fn stored(&self, status: StatusCode, stored: &Stored, warnings: &mut Vec<String>) -> Response<Body> {
        warnings.extend(crate::validation::warnings::about(
            self.target.resource,
            &stored.value,
        ));
        respond::json(status, stored.document(self.target.resource))
    }
}

/// A patch's result that does not decode is the patch's fault.
fn patch_refused(patch: &Patch, document: &Document, error: ApiError) -> ApiError {
    match error
        .message
        .split_once(" cannot be handled as a ")
        .and_then(|(_, rest)| rest.split_once(": "))
    {
        Some((_, why)) if error.code == 400 => patch.refused(&document.value, why),
        _ => error,
    }
}
