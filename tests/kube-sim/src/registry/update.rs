//! Updates: PUT, every kind of patch, and status writes come down to one function that changes the present object.

use std::sync::Arc;

use serde_json::Value;

use super::create::create_in;
use super::{Part, Registry, WriteOptions, delete, metadata, namespaces, strategy};
use crate::errors::ApiError;
use crate::resources::Resource;
use crate::storage::{Key, State, Stored};
use crate::validation::FieldError;

/// An updated object, or a new one where the update made it.
#[derive(Debug)]
pub(crate) struct Updated {
    pub(crate) object: Arc<Stored>,
    pub(crate) created: bool,
}

impl Registry {
    /// Replaces an object by what `change` makes of the present one; `change` gets `None` where there is none and the
    /// request may create.
    ///
    /// `change` runs under the lock and returns the new object as [`super::intake`] does.
    pub(crate) fn update(
        &self,
        resource: &Resource,
        key: &Key,
        options: &WriteOptions,
        may_create: bool,
        change: impl FnOnce(Option<&Stored>) -> Result<Value, ApiError>,
    ) -> Result<Updated, ApiError> {
        let stored_as = resource.stored_as();
        self.storage.write(|state| {
            let Some(old) = state.get(stored_as, key).map(Arc::clone) else {
                if !may_create {
                    return Err(ApiError::not_found(resource, &key.name));
                }
                let object = change(None)?;
                check_name(&object, key)?;
                let object = create_in(state, stored_as, &key.namespace, object, options)?;
                return Ok(Updated {
                    object,
                    created: true,
                });
            };
            let object = change(Some(&old))?;
            let object = update_in(state, stored_as, key, &old, object, options)?;
            Ok(Updated {
                object,
                created: false,
            })
        })
    }

    /// Whether PUT of a missing object creates it.
    pub(crate) fn put_may_create(resource: &Resource, part: Part) -> bool {
        part == Part::Main && strategy::creates_on_update(resource)
    }
}

fn check_name(object: &Value, key: &Key) -> Result<(), ApiError> {
    let name = metadata::text(object, "name");
    if name == key.name {
        return Ok(());
    }
    if name.is_empty() {
        return Err(ApiError::bad_request("name must be provided"));
    }
    let message = format!(
        "the name of the object ({name}) does not match the name on the URL ({})",
        key.name
    );
    Err(ApiError::bad_request(message))
}

fn check_preconditions(resource: &Resource, key: &Key, object: &Value, old: &Value) -> Result<(), ApiError> {
    let version = metadata::text(object, "resourceVersion");
    if version.is_empty() && !strategy::allows_unconditional_update(resource) {
        let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
        return Err(ApiError::invalid(resource, &key.name, &[error]));
    }
    let (uid, old_uid) = (metadata::text(object, "uid"), metadata::text(old, "uid"));
    if !uid.is_empty() && uid != old_uid {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}");
        return Err(ApiError::conflict(resource, &key.name, &why));
    }
    if !version.is_empty() && version != metadata::text(old, "resourceVersion") {
        return Err(ApiError::outdated(resource, &key.name));
    }
    Ok(())
}

fn update_in(
    state: &mut State,
    resource: &Resource,
    key: &Key,
    old: &Arc<Stored>,
    mut object: Value,
    options: &WriteOptions,
) -> Result<Arc<Stored>, ApiError> {
    check_name(&object, key)?;
    metadata::place(resource, &key.namespace, &mut object)?;
    check_preconditions(resource, key, &object, &old.value)?;
    metadata::carry_over(&mut object, &old.value);
    let mut lending = state.allocators.lend();
    if options.part == Part::Main {
        strategy::allocate_update(resource, &mut lending, &mut object, &old.value)?;
    }
    strategy::prepare_update(resource, options.part, &mut object, &old.value);
    let errors = strategy::validate_update(resource, options.part, &object, &old.value);
    if !errors.is_empty() {
        return Err(ApiError::invalid(resource, &key.name, &errors));
    }
    metadata::set(
        &mut object,
        "resourceVersion",
        old.value["metadata"]["resourceVersion"].clone(),
    );
    if object == old.value {
        return Ok(Arc::clone(old));
    }
    if options.dry_run {
        return Ok(Arc::new(Stored::dry_run(object)));
    }
    lending.keep();
    let was_last_finalizer = metadata::is_being_deleted(&object) && !metadata::has_finalizers(&object);
    let stored = state.put(resource, key.clone(), object);
    if was_last_finalizer
        && delete::needs_no_grace(&stored.value)
        && !namespaces::holds_content(state, resource, key)
    {
        delete::remove(state, resource, key);
    }
    Ok(stored)
}
