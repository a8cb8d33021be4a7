//! The objects of a simulated API, without HTTP: for generators, scenarios and assertions.
//!
//! Everything goes through the same defaults, checks and allocations as requests do, and watchers see it.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::errors::ApiError;
use crate::patch::{self, Patch};
use crate::registry::{DeleteOptions, ListQuery, Mode, Part, Registry, WriteOptions, intake};
use crate::resources::{self, Resource};
use crate::storage::Key;

/// Who writes, in `metadata.managedFields`.
const MANAGER: &str = "kube-sim";

/// A handle on the objects; cheap to clone.
#[derive(Debug, Clone)]
pub struct Cluster {
    registry: Arc<Registry>,
}

impl Cluster {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// Makes an object; `kind`, `apiVersion` and, where the kind is namespaced, `metadata.namespace` say which and where.
    ///
    /// Fails as a POST would, with 400 for a kind that is not served.
    pub fn create(&self, object: &Value) -> Result<Value, ApiError> {
        let (resource, key) = locate(object)?;
        let object = intake(resource, object)?.object;
        let stored = self
            .registry
            .create(resource, &key.namespace, object, &WriteOptions::by(MANAGER))?;
        Ok(stored.full_value(resource))
    }

    /// Replaces an object, all but its status. Fails as a PUT would: 409 if `metadata.resourceVersion` is set and old.
    pub fn update(&self, object: &Value) -> Result<Value, ApiError> {
        self.put(object, Part::Main)
    }

    /// Replaces an object's status (and labels and annotations, as the real API does).
    pub fn update_status(&self, object: &Value) -> Result<Value, ApiError> {
        self.put(object, Part::Status)
    }

    fn put(&self, object: &Value, part: Part) -> Result<Value, ApiError> {
        let (resource, key) = locate(object)?;
        let object = intake(resource, object)?.object;
        let options = WriteOptions::by(MANAGER).with_part(part);
        let updated = self
            .registry
            .update(resource, &key, &options, Mode::Put, |_old| Ok(object))?;
        Ok(updated.object.full_value(resource))
    }

    /// Changes some members of an object by a JSON merge patch (`null` removes). `namespace` is empty for cluster-wide
    /// kinds.
    pub fn merge_patch(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        changes: &Value,
    ) -> Result<Value, ApiError> {
        self.merge(resource, namespace, name, changes, Part::Main)
    }

    /// The same for the status.
    pub fn merge_patch_status(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        changes: &Value,
    ) -> Result<Value, ApiError> {
        self.merge(resource, namespace, name, changes, Part::Status)
    }

    fn merge(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        changes: &Value,
        part: Part,
    ) -> Result<Value, ApiError> {
        let patch = Patch::Merge(changes.clone());
        let options = WriteOptions::by(MANAGER).with_part(part);
        let updated = self.registry.update(
            resource,
            &Key::new(namespace, name),
            &options,
            Mode::Patch,
            |old| {
                let old = old.ok_or_else(|| ApiError::not_found(resource, name))?;
                let patched = patch::apply(resource, &old.full_value(resource), &patch)?;
                Ok(intake(resource, &patched)?.object)
            },
        )?;
        Ok(updated.object.full_value(resource))
    }

    /// Deletes an object as `kubectl delete --wait=false` would; finalizers hold it.
    pub fn delete(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
        self.registry
            .delete(resource, &Key::new(namespace, name), &DeleteOptions::default())
            .map(|_deleted| ())
    }

    /// One object, or `None`. `namespace` is empty for cluster-wide kinds.
    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<Value> {
        let stored = self.registry.get(resource, &Key::new(namespace, name)).ok()?;
        Some(stored.full_value(resource))
    }

    /// All objects of a namespace, or of every one for an empty name, in order of namespace and name.
    pub fn list(&self, resource: &Resource, namespace: &str) -> Vec<Value> {
        let page = self.registry.list(resource, namespace, &ListQuery::default());
        page.map(|page| {
            page.items
                .iter()
                .map(|stored| stored.full_value(resource))
                .collect()
        })
        .unwrap_or_default()
    }

    /// Wakes whenever an object of the resource has changed.
    pub fn changes(&self, resource: &Resource) -> watch::Receiver<u64> {
        self.registry.storage.subscribe(resource.stored_as())
    }

    pub(crate) fn expire_versions(&self) {
        self.registry.storage.write(crate::storage::State::expire_history);
    }
}

fn locate(object: &Value) -> Result<(&'static Resource, Key), ApiError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let resource = resources::by_kind(&api_version, &kind)
        .ok_or_else(|| ApiError::bad_request(format!("no kind \"{kind}\" of \"{api_version}\" is served")))?;
    let metadata = &object["metadata"];
    let namespace = if resource.namespaced {
        text(&metadata["namespace"])
    } else {
        String::new()
    };
    if resource.namespaced && namespace.is_empty() {
        return Err(ApiError::bad_request(format!(
            "metadata.namespace is missing on a {kind}"
        )));
    }
    Ok((resource, Key::new(&namespace, &text(&metadata["name"]))))
}
