//! What the namespace controller of a real cluster does: empties a namespace that is being deleted, then removes it.
//!
//! Runs inside the write that caused it, so that `kubectl delete namespace` ends here too.

use std::sync::Arc;

use super::{DeleteOptions, delete, metadata};
use crate::resources::{NAMESPACES, Resource, TABLES};
use crate::storage::{Key, State, Stored};

/// Deletes everything in a namespace, then the namespace if nothing holds it.
pub(super) fn empty(state: &mut State, namespace: &str) {
    for resource in TABLES.into_iter().filter(|resource| resource.namespaced) {
        let content: Vec<(Key, Arc<Stored>)> = state
            .table(resource)
            .scan(namespace)
            .map(|(key, stored)| (key.clone(), Arc::clone(stored)))
            .collect();
        for (key, stored) in content {
            delete::delete_in(
                state,
                resource,
                &key,
                &stored,
                &DeleteOptions {
                    grace_seconds: Some(0),
                    ..DeleteOptions::default()
                },
            );
        }
    }
    finish_if_empty(state, namespace);
}

/// Whether this is a namespace with something in it.
pub(super) fn holds_content(state: &State, resource: &Resource, key: &Key) -> bool {
    resource == &NAMESPACES && has_content(state, &key.name)
}

fn has_content(state: &State, namespace: &str) -> bool {
    TABLES
        .into_iter()
        .filter(|resource| resource.namespaced)
        .any(|resource| state.table(resource).scan(namespace).next().is_some())
}

/// Removes a namespace that is being deleted, once nothing is left in it and no finalizer of its own holds it.
pub(super) fn finish_if_empty(state: &mut State, namespace: &str) {
    let key = Key::new("", namespace);
    let is_leaving = state.get(&NAMESPACES, &key).is_some_and(|stored| {
        metadata::is_being_deleted(&stored.value) && !metadata::has_finalizers(&stored.value)
    });
    if is_leaving && !has_content(state, namespace) {
        state.remove(&NAMESPACES, &key);
    }
}
