//! Updates: PUT, every kind of patch, and status writes come down to one function that changes the present object.

use std::sync::Arc;

use serde_json::Value;

use super::create::create_in;
use super::{Part, Registry, WriteOptions, delete, metadata, namespaces, strategy};
use crate::errors::ApiError;
use crate::managed_fields::{self, Configuration};
use crate::resources::Resource;
use crate::storage::{Key, State, Stored};

/// An updated object, or a new one where the update made it.
#[derive(Debug)]
pub(crate) struct Updated {
    pub(crate) object: Arc<Stored>,
    pub(crate) created: bool,
}

/// What kind of request an update comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The body is the whole object; its UID is a precondition.
    Put,
    /// The body is a difference.
    Patch,
}

impl Registry {
    /// Replaces an object by what `change` makes of the present one; `change` gets `None` where there is none and the
    /// request creates.
    ///
    /// `change` runs under the lock and returns the new object as [`super::intake`] does.
    pub(crate) fn update(
        &self,
        resource: &Resource,
        key: &Key,
        options: &WriteOptions,
        mode: Mode,
        change: impl FnOnce(Option<&Stored>) -> Result<Value, ApiError>,
    ) -> Result<Updated, ApiError> {
        let stored_as = resource.stored_as();
        let may_create =
            mode == Mode::Put && options.part == Part::Main && strategy::creates_on_update(resource);
        self.storage.write(|state| {
            let Some(old) = state.get(stored_as, key).map(Arc::clone) else {
                if !may_create {
                    return Err(ApiError::not_found(resource, &key.name));
                }
                let mut object = change(None)?;
                check_name(&object, key)?;
                check_uid(stored_as, key, metadata::text(&object, "uid"), "")?;
                metadata::set(&mut object, "resourceVersion", Value::Null);
                managed_fields::on_write(stored_as, None, &mut object, options);
                let object = create_in(state, stored_as, &key.namespace, object, options)?;
                return Ok(Updated {
                    object,
                    created: true,
                });
            };
            let mut object = change(Some(&old))?;
            check_name(&object, key)?;
            managed_fields::on_write(stored_as, Some(&old.value), &mut object, options);
            let object = update_in(state, stored_as, key, &old, object, options, mode)?;
            Ok(Updated {
                object,
                created: false,
            })
        })
    }

    /// Server-side apply. `finish` decodes the merged object as [`super::intake`] does.
    pub(crate) fn apply(
        &self,
        resource: &Resource,
        key: &Key,
        options: &WriteOptions,
        configuration: &Configuration,
        finish: impl FnOnce(Value) -> Result<Value, ApiError>,
    ) -> Result<Updated, ApiError> {
        let stored_as = resource.stored_as();
        self.storage.write(|state| {
            let old = state.get(stored_as, key).map(Arc::clone);
            if old.is_none() && options.part == Part::Status {
                return Err(ApiError::not_found(resource, &key.name));
            }
            let merged = managed_fields::apply(
                stored_as,
                old.as_ref().map(|old| &old.value),
                configuration,
                options,
            )?;
            let object = finish(merged)?;
            check_name(&object, key)?;
            match old {
                Some(old) => {
                    let object = update_in(state, stored_as, key, &old, object, options, Mode::Patch)?;
                    Ok(Updated {
                        object,
                        created: false,
                    })
                }
                None => {
                    let object = create_in(state, stored_as, &key.namespace, object, options)?;
                    Ok(Updated {
                        object,
                        created: true,
                    })
                }
            }
        })
    }
}

fn check_name(object: &Value, key: &Key) -> Result<(), ApiError> {
    let name = metadata::text(object, "name");
    if name == key.name {
        return Ok(());
    }
    let wanted = &key.name;
    let message = if name.is_empty() {
        format!("the name of the object ({wanted} based on URL) was undeterminable: name must be provided")
    } else {
        format!("the name of the object ({name}) does not match the name on the URL ({wanted})")
    };
    Err(ApiError::bad_request(message))
}

/// Refuses a body that means another object of the same name.
fn check_uid(resource: &Resource, key: &Key, wanted: &str, present: &str) -> Result<(), ApiError> {
    if wanted.is_empty() || wanted == present {
        return Ok(());
    }
    let path = strategy::storage_path(resource, key);
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {path}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: \
         UID in precondition: {wanted}, UID in object meta: {present}"
    );
    Err(ApiError::conflict(resource, &key.name, &why))
}

/// Refuses an outdated version, and for PUT another object of the same name. No version, or 0, means any.
fn check_preconditions(
    resource: &Resource,
    key: &Key,
    object: &Value,
    old: &Value,
    mode: Mode,
) -> Result<(), ApiError> {
    let version = match metadata::text(object, "resourceVersion") {
        "" => 0,
        text => text.parse::<u64>().map_err(|_error| {
            ApiError::new(
                500,
                "",
                format!("strconv.ParseUint: parsing \"{text}\": invalid syntax"),
            )
        })?,
    };
    if version == 0 && !strategy::allows_unconditional_update(resource) {
        return Err(ApiError::version_required(resource, &key.name));
    }
    if mode == Mode::Put {
        check_uid(
            resource,
            key,
            metadata::text(object, "uid"),
            metadata::text(old, "uid"),
        )?;
    }
    if version != 0 && version.to_string() != metadata::text(old, "resourceVersion") {
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
    mode: Mode,
) -> Result<Arc<Stored>, ApiError> {
    metadata::place(resource, &key.namespace, &mut object)?;
    check_preconditions(resource, key, &object, &old.value, mode)?;
    metadata::carry_over(&mut object, &old.value);
    let mut lending = state.allocators.lend();
    if options.part == Part::Main {
        strategy::allocate_update(resource, &mut lending, &mut object, &old.value)?;
    }
    strategy::prepare_update(resource, options.part, &mut object, &old.value);
    let errors = strategy::validate_update(resource, &object, &old.value, options);
    if !errors.is_empty() {
        return Err(ApiError::invalid(resource, &key.name, &errors));
    }
    metadata::set(
        &mut object,
        "resourceVersion",
        old.value["metadata"]["resourceVersion"].clone(),
    );
    if managed_fields::are_same_but_for_times(&object, &old.value) {
        return Ok(Arc::clone(old));
    }
    if options.dry_run {
        return Ok(Arc::new(Stored::dry_run(object)));
    }
    lending.keep();
    let may_go = metadata::is_being_deleted(&object) && !metadata::has_finalizers(&object);
    if may_go && delete::needs_no_grace(&object) && !namespaces::holds_content(state, resource, key) {
        // The removal of the last finalizer is not written: watchers see the deletion alone.
        let last = Arc::new(Stored::dry_run(object));
        delete::remove(state, resource, key);
        return Ok(last);
    }
    Ok(state.put(resource, key.clone(), object))
}
