//! Server-side apply: a configuration is merged in, fields it no longer names go, and others' fields are not taken silently.

use serde_json::Value;

use super::compare::{Comparison, fields_of};
use super::entries::{Entries, Entry, Manager};
use super::kind::Kind;
use super::set::FieldSet;
use super::{edit, empty, reset_fields, strip, without_entries};
use crate::errors::{ApiError, Cause};
use crate::registry::{WriteOptions, now};
use crate::resources::Resource;
use crate::schema::schemas;

/// What an apply patch carries.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// The object as the client wants it, `kind` and `apiVersion` removed.
    pub(crate) object: Value,
    /// Take fields from their managers.
    pub(crate) force: bool,
}

/// The object that the configuration makes of the present one, not yet decoded, with its managed fields.
///
/// Fails with 409 and a cause per field that another manager has set to something else.
pub(crate) fn apply(
    resource: &Resource,
    old: Option<&Value>,
    configuration: &Configuration,
    options: &WriteOptions,
) -> Result<Value, ApiError> {
    let root = Kind::Struct(schemas().root(resource));
    let nothing = empty(resource);
    let live = without_entries(old.unwrap_or(&nothing));
    let mut entries = old.map(Entries::read).unwrap_or_default();
    let before = entries.clone();
    let manager = Manager::applying(resource, options);
    let last = entries
        .0
        .get(&manager)
        .map(|entry| entry.fields.clone())
        .unwrap_or_default();
    let last_time = entries
        .0
        .get(&manager)
        .map(|entry| entry.time.clone())
        .unwrap_or_default();
    let reset = reset_fields(resource, options.part);

    let mut merged = edit::merge(root, Some(&live), Some(&configuration.object)).unwrap_or_default();
    let named = fields_of(root, &configuration.object).outside(&reset);
    entries.0.insert(
        manager.clone(),
        Entry {
            fields: named,
            time: last_time,
        },
    );
    if !last.is_empty() {
        merged = prune(root, &merged, &last, &entries);
    }
    let comparison = Comparison::of(root, &live, &merged).without(&reset);
    if !configuration.force {
        refuse_conflicts(&entries, &manager, &comparison)?;
    }
    entries.lose(&comparison, Some(&manager));
    if let Some(entry) = entries.0.get_mut(&manager) {
        strip(&mut entry.fields);
    }
    entries.0.retain(|_, entry| !entry.fields.is_empty());
    if (merged != live || entries != before)
        && let Some(entry) = entries.0.get_mut(&manager)
    {
        entry.time = now();
    }
    entries.write(&mut merged);
    Ok(merged)
}

/// Removes what this manager applied last time and does not name now, unless somebody else owns it.
fn prune(root: Kind, merged: &Value, last: &FieldSet, entries: &Entries) -> Value {
    let named = |set: &FieldSet| set.with_named_fields(root);
    let all = |value: &Value| named(&fields_of(root, value));
    let without = |gone: &FieldSet| edit::remove(root, merged, gone).unwrap_or_default();
    let owned = entries
        .0
        .values()
        .fold(FieldSet::default(), |union, entry| union.union(&entry.fields));
    let mut pruned = without(&named(last));
    pruned = without(&all(merged).difference(&all(&pruned).union(&named(&owned))));
    without(&all(merged).difference(&all(&pruned)).intersection(&named(last)))
}

fn refuse_conflicts(entries: &Entries, manager: &Manager, comparison: &Comparison) -> Result<(), ApiError> {
    let taken = comparison.modified.union(&comparison.added);
    let mut conflicts: Vec<(String, Vec<String>)> = Vec::new();
    for (owner, entry) in entries.0.iter().filter(|(owner, _)| *owner != manager) {
        let paths = entry.fields.intersection(&taken).paths();
        if !paths.is_empty() {
            conflicts.push((describe(owner), paths));
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    let causes: Vec<Cause> = conflicts
        .iter()
        .flat_map(|(owner, paths)| {
            paths.iter().map(move |path| Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: format!("conflict with {owner}"),
                field: path.clone(),
            })
        })
        .collect();
    let message = match causes.as_slice() {
        [only] => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        _ => {
            let texts: Vec<String> = conflicts
                .iter()
                .map(|(owner, paths)| {
                    let list: Vec<String> = paths.iter().map(|path| format!("- {path}")).collect();
                    format!("conflicts with {owner}:\n{}", list.join("\n"))
                })
                .collect();
            format!(
                "Apply failed with {} conflicts: {}",
                causes.len(),
                texts.join("\n")
            )
        }
    };
    Err(ApiError::new(409, "Conflict", message).with_causes(causes))
}

fn describe(manager: &Manager) -> String {
    let mut text = format!("\"{}\"", manager.name);
    if !manager.subresource.is_empty() {
        text = format!("{text} with subresource \"{}\"", manager.subresource);
    }
    if manager.applies() {
        text
    } else {
        format!("{text} using {}", manager.api_version)
    }
}
