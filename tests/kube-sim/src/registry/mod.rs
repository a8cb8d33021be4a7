//! What each verb does to an object, apart from HTTP: the steps of `k8s.io/apiserver/pkg/registry`.
//!
//! The server and in-process callers ([`crate::Cluster`]) both come here. Every write is one closure under the storage's
//! lock: read, prepare, validate, allocate, store.

mod create;
mod delete;
mod metadata;
mod namespaces;
mod pods;
mod read;
mod strategy;
mod update;

use jiff::Timestamp;
use serde_json::Value;

use crate::errors::ApiError;
use crate::resources::{self, Resource};
use crate::schema;
use crate::storage::Storage;

pub(crate) use delete::{DeleteOptions, Deleted};
pub(crate) use read::{ListQuery, Page, VersionMatch};
pub(crate) use update::{Mode, Updated};

/// Whether a write is about the object or about its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
}

/// What a write's query says.
#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    /// `fieldManager`, or the client's name.
    pub(crate) manager: String,
    /// Everything happens except the storing.
    pub(crate) dry_run: bool,
    pub(crate) part: Part,
    /// An event in its newer form, which has more rules.
    pub(crate) newer_event: bool,
}

impl WriteOptions {
    /// A plain write by `manager`.
    pub(crate) fn by(manager: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            dry_run: false,
            part: Part::Main,
            newer_event: false,
        }
    }

    pub(crate) fn with_part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }
}

/// An object that came in, in its stored form with defaults, and the fields that were dropped.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) object: Value,
    pub(crate) unknown: Vec<String>,
}

/// All verbs over one storage.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) storage: Storage,
}

impl Registry {
    /// A registry with the namespaces that a fresh cluster has.
    pub(crate) fn new(storage: Storage) -> Result<Self, ApiError> {
        let registry = Self { storage };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let namespace = serde_json::json!({"metadata": {"name": name}});
            let namespace = intake(&resources::NAMESPACES, &namespace)?.object;
            registry.create(
                &resources::NAMESPACES,
                "",
                namespace,
                &WriteOptions::by("kube-apiserver"),
            )?;
        }
        Ok(registry)
    }
}

/// Decodes, prunes, converts and defaults an object that a client sent for `resource`.
pub(crate) fn intake(resource: &Resource, raw: &Value) -> Result<Intake, ApiError> {
    check_kind(resource, raw)?;
    let (kind, version) = (resource.kind, resource.version);
    let decoded = schema::decode(resource, raw).map_err(|why| {
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        ))
    })?;
    let mut object = if resource.is_converted() {
        crate::events::to_core(&decoded.object)
    } else {
        decoded.object
    };
    if let Some(members) = object.as_object_mut() {
        members.remove("kind");
        members.remove("apiVersion");
    }
    if object.get("metadata").is_none() {
        object["metadata"] = serde_json::json!({});
    }
    crate::defaults::apply(resource.stored_as(), &mut object);
    Ok(Intake {
        object,
        unknown: decoded.unknown,
    })
}

/// An object may leave `kind` and `apiVersion` out, but not name others than the path does.
fn check_kind(resource: &Resource, raw: &Value) -> Result<(), ApiError> {
    let kind = raw["kind"].as_str().unwrap_or_default();
    let api_version = raw["apiVersion"].as_str().unwrap_or_default();
    let wanted = resource.api_version();
    if (kind.is_empty() || kind == resource.kind) && (api_version.is_empty() || api_version == wanted) {
        return Ok(());
    }
    let (kind, api_version) = match (kind, api_version) {
        ("", version) => (resource.kind, version),
        (kind, "") => (kind, wanted.as_str()),
        both => both,
    };
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let why = if resources::by_kind(api_version, kind).is_some() {
        format!(
            "converting (v1.{kind}) to (core.{}): unknown conversion",
            resource.kind
        )
    } else {
        format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"pkg/runtime/scheme.go:111\""
        )
    };
    let wanted = resource.kind;
    Err(ApiError::bad_request(format!(
        "{kind} in version \"{version}\" cannot be handled as a {wanted}: {why}"
    )))
}

/// The present, as the API writes it.
pub(crate) fn now() -> String {
    schema::format_time(Timestamp::now())
}
