//! Creation.

use std::sync::Arc;

use serde_json::Value;

use super::{Registry, WriteOptions, metadata, strategy};
use crate::errors::ApiError;
use crate::managed_fields;
use crate::resources::{NAMESPACES, Resource};
use crate::storage::{Key, State, Stored};

impl Registry {
    /// Makes an object; `object` comes from [`super::intake`].
    pub(crate) fn create(
        &self,
        resource: &Resource,
        namespace: &str,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Arc<Stored>, ApiError> {
        let resource = resource.stored_as();
        managed_fields::on_write(resource, None, &mut object, options);
        self.storage
            .write(|state| create_in(state, resource, namespace, object, options))
    }
}

/// Creation inside a write that has begun, as an update of a missing object needs it.
pub(super) fn create_in(
    state: &mut State,
    resource: &Resource,
    namespace: &str,
    mut object: Value,
    options: &WriteOptions,
) -> Result<Arc<Stored>, ApiError> {
    metadata::place(resource, namespace, &mut object)?;
    let given_name = metadata::text(&object, "name").to_owned();
    check_namespace(state, resource, namespace, &given_name)?;
    if !metadata::text(&object, "resourceVersion").is_empty() {
        return Err(ApiError::new(
            500,
            "",
            "resourceVersion should not be set on objects to be created",
        ));
    }
    metadata::fill_new(&mut object);
    strategy::prepare_create(resource, &mut object);
    let name = metadata::text(&object, "name").to_owned();
    let key = Key::new(metadata::text(&object, "namespace"), &name);
    let present = state
        .get(resource, &key)
        .map(|present| metadata::is_being_deleted(&present.value));
    let mut lending = state.allocators.lend();
    strategy::allocate_create(resource, &mut lending, &mut object)?;
    let errors = strategy::validate_create(resource, &object, options);
    if !errors.is_empty() {
        return Err(ApiError::invalid(resource, &name, &errors));
    }
    if let Some(is_leaving) = present {
        let refused = ApiError::already_exists(resource, &name);
        return Err(if is_leaving {
            refused.still_there()
        } else {
            refused
        });
    }
    if options.dry_run {
        return Ok(Arc::new(Stored::dry_run(object)));
    }
    lending.keep();
    Ok(state.put(resource, key, object))
}

/// Objects go only into namespaces that are there and not on their way out.
fn check_namespace(state: &State, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
    if !resource.namespaced {
        return Ok(());
    }
    let found = state
        .get(&NAMESPACES, &Key::new("", namespace))
        .ok_or_else(|| ApiError::not_found(&NAMESPACES, namespace))?;
    if metadata::is_being_deleted(&found.value) {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = crate::errors::Cause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        };
        return Err(ApiError::forbidden(resource, name, &why).with_causes(vec![cause]));
    }
    Ok(())
}
