//! Deletion: preconditions, finalizers, graceful pods, many at once.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Registry, metadata, namespaces, strategy};
use crate::errors::ApiError;
use crate::resources::{NAMESPACES, PODS, Resource};
use crate::storage::selector::Selectors;
use crate::storage::{Key, State, Stored};

/// What a deletion's body and query say.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    /// `Orphan` and `Foreground` add a finalizer of the garbage collector.
    pub(crate) propagation: Option<String>,
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) dry_run: bool,
}

/// What a deletion left.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<Stored>),
    /// Finalizers or a grace period hold it.
    Waiting(Arc<Stored>),
}

impl Registry {
    /// Deletes one object, or marks it where finalizers or a grace period hold it.
    pub(crate) fn delete(
        &self,
        resource: &Resource,
        key: &Key,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let stored_as = resource.stored_as();
        self.storage.write(|state| {
            let old = state
                .get(stored_as, key)
                .map(Arc::clone)
                .ok_or_else(|| ApiError::not_found(resource, &key.name))?;
            check(stored_as, key, &old, options)?;
            Ok(delete_in(state, stored_as, key, &old, options))
        })
    }

    /// Deletes every selected object of a namespace, or of all for an empty name; returns their states.
    pub(crate) fn delete_selected(
        &self,
        resource: &Resource,
        namespace: &str,
        selectors: &Selectors,
        options: &DeleteOptions,
    ) -> Vec<Arc<Stored>> {
        let resource = resource.stored_as();
        self.storage.write(|state| {
            let selected: Vec<(Key, Arc<Stored>)> = state
                .table(resource)
                .scan(namespace)
                .filter(|(_, stored)| selectors.matches(&stored.value))
                .map(|(key, stored)| (key.clone(), Arc::clone(stored)))
                .collect();
            for (key, old) in &selected {
                delete_in(state, resource, key, old, options);
            }
            selected.into_iter().map(|(_, stored)| stored).collect()
        })
    }

    /// Whether the answer to a deletion is the object.
    pub(crate) fn answers_with_object(resource: &Resource) -> bool {
        strategy::returns_deleted(resource)
    }
}

fn check(resource: &Resource, key: &Key, old: &Stored, options: &DeleteOptions) -> Result<(), ApiError> {
    let refused = |what: &str, wanted: &str, found: &str, why: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {why}"
        );
        Err(ApiError::deletion_conflict(resource, &key.name, &why))
    };
    let (uid, version) = (
        metadata::text(&old.value, "uid"),
        metadata::text(&old.value, "resourceVersion"),
    );
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        return refused("UID", wanted, uid, "deleted and then recreated");
    }
    if let Some(wanted) = options
        .resource_version
        .as_deref()
        .filter(|wanted| *wanted != version)
    {
        return refused("ResourceVersion", wanted, version, "modified");
    }
    if resource == &NAMESPACES && matches!(key.name.as_str(), "default" | "kube-system" | "kube-public") {
        return Err(ApiError::forbidden(
            resource,
            &key.name,
            "this namespace may not be deleted",
        ));
    }
    Ok(())
}

/// Deletes without preconditions, inside a write that has begun.
pub(super) fn delete_in(
    state: &mut State,
    resource: &Resource,
    key: &Key,
    old: &Arc<Stored>,
    options: &DeleteOptions,
) -> Deleted {
    let mut object = old.value.clone();
    add_collector_finalizer(&mut object, options);
    let grace = grace_seconds(resource, &object, options);
    let must_wait = metadata::has_finalizers(&object) || grace > 0 || resource == &NAMESPACES;
    if options.dry_run {
        return if must_wait {
            Deleted::Waiting(Arc::clone(old))
        } else {
            Deleted::Gone(Arc::clone(old))
        };
    }
    if !must_wait {
        if resource == &PODS {
            // Watchers see a Pod marked before it goes, even if nothing holds it.
            mark(&mut object, 0);
            state.put(resource, key.clone(), object);
        }
        return Deleted::Gone(remove(state, resource, key).unwrap_or_else(|| Arc::clone(old)));
    }
    mark(&mut object, grace);
    if resource == &NAMESPACES {
        object["status"]["phase"] = "Terminating".into();
    }
    let stored = if object == old.value {
        Arc::clone(old)
    } else {
        state.put(resource, key.clone(), object)
    };
    if resource == &NAMESPACES {
        namespaces::empty(state, &key.name);
    }
    Deleted::Waiting(stored)
}

/// Sets the time of deletion, or shortens the grace period of an object that has one.
fn mark(object: &mut Value, grace: i64) {
    let is_marked = metadata::is_being_deleted(object);
    let former = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
    if is_marked && former.is_none_or(|former| former <= grace) {
        return;
    }
    metadata::set(object, "deletionTimestamp", deletion_time(grace).into());
    metadata::set(object, "deletionGracePeriodSeconds", grace.into());
    if !is_marked && !object["metadata"]["generation"].is_null() {
        metadata::raise_generation(object);
    }
}

fn deletion_time(grace: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(grace);
    crate::schema::format_time(at)
}

fn add_collector_finalizer(object: &mut Value, options: &DeleteOptions) {
    let finalizer = match options.propagation.as_deref() {
        Some("Orphan") => "orphan",
        Some("Foreground") => "foregroundDeletion",
        _ => return,
    };
    let mut finalizers = crate::service_view::strings(&object["metadata"]["finalizers"]);
    if !finalizers.iter().any(|present| present == finalizer) {
        finalizers.push(finalizer.to_owned());
        metadata::set(object, "finalizers", json!(finalizers));
    }
}

/// Pods on a node are given time to stop; nothing else is.
fn grace_seconds(resource: &Resource, object: &Value, options: &DeleteOptions) -> i64 {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let runs = object["spec"]["nodeName"].is_string() && !matches!(phase, "Failed" | "Succeeded");
    if resource != &PODS || !runs {
        return 0;
    }
    let default = object["spec"]["terminationGracePeriodSeconds"]
        .as_i64()
        .unwrap_or(30);
    options.grace_seconds.unwrap_or(default).max(0)
}

/// Whether nothing but finalizers held a marked object.
pub(super) fn needs_no_grace(object: &Value) -> bool {
    object["metadata"]["deletionGracePeriodSeconds"]
        .as_i64()
        .unwrap_or(0)
        == 0
}

/// Takes an object out and gives back what it held.
pub(super) fn remove(state: &mut State, resource: &Resource, key: &Key) -> Option<Arc<Stored>> {
    let last = state.remove(resource, key)?;
    let mut lending = state.allocators.lend();
    strategy::release(resource, &mut lending, &last.value);
    lending.keep();
    if resource.namespaced {
        namespaces::finish_if_empty(state, &key.namespace);
    }
    Some(last)
}
