//! The entries of `metadata.managedFields`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::Comparison;
use super::set::FieldSet;
use crate::registry::{Part, WriteOptions, now};
use crate::resources::Resource;
use crate::service_view::text;

/// Where the oldest updaters beyond the limit go.
const OLD_UPDATERS: &str = "ancient-changes";

/// What tells entries apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    pub(super) name: String,
    /// `Apply` or `Update`.
    pub(super) operation: String,
    pub(super) api_version: String,
    pub(super) subresource: String,
}

impl Manager {
    pub(super) fn updating(resource: &Resource, options: &WriteOptions) -> Self {
        Self::new(resource, options, "Update")
    }

    pub(super) fn applying(resource: &Resource, options: &WriteOptions) -> Self {
        Self::new(resource, options, "Apply")
    }

    fn new(resource: &Resource, options: &WriteOptions, operation: &str) -> Self {
        let subresource = if options.part == Part::Status {
            "status"
        } else {
            ""
        };
        Self {
            name: options.manager.clone(),
            operation: operation.to_owned(),
            api_version: resource.api_version(),
            subresource: subresource.to_owned(),
        }
    }

    pub(super) fn applies(&self) -> bool {
        self.operation == "Apply"
    }
}

/// One manager's fields and when they last changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) fields: FieldSet,
    pub(super) time: String,
}

/// All entries of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entries(pub(super) BTreeMap<Manager, Entry>);

impl Entries {
    /// The entries that an object carries.
    pub(super) fn read(object: &Value) -> Self {
        let entries = object["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| {
                let manager = Manager {
                    name: text(&entry["manager"]).to_owned(),
                    operation: text(&entry["operation"]).to_owned(),
                    api_version: text(&entry["apiVersion"]).to_owned(),
                    subresource: text(&entry["subresource"]).to_owned(),
                };
                let time = text(&entry["time"]).to_owned();
                (
                    manager,
                    Entry {
                        fields: FieldSet::decode(&entry["fieldsV1"]),
                        time,
                    },
                )
            });
        Self(entries.collect())
    }

    /// Entries to start from: a client may set them, an empty list among them resets all, none at all changes nothing.
    pub(super) fn for_update(old: Option<&Value>, object: &Value, part: Part) -> Self {
        let former = || old.map(Self::read).unwrap_or_default();
        if part == Part::Status {
            return former();
        }
        let given = &object["metadata"]["managedFields"];
        if *given == json!([{}]) {
            return Self::default();
        }
        let given = Self::read(object);
        if given.0.is_empty() { former() } else { given }
    }

    /// Takes from every manager but one what was removed or set anew by someone else.
    pub(super) fn lose(&mut self, comparison: &Comparison, keep: Option<&Manager>) {
        let lost = comparison
            .removed
            .union(&comparison.modified)
            .union(&comparison.added);
        for (manager, entry) in &mut self.0 {
            if Some(manager) != keep {
                entry.fields = entry.fields.difference(&lost);
            }
        }
        self.0.retain(|_, entry| !entry.fields.is_empty());
    }

    /// Adds to a manager's fields.
    pub(super) fn add(&mut self, manager: Manager, fields: &FieldSet) {
        let entry = self.0.entry(manager).or_insert_with(|| Entry {
            fields: FieldSet::default(),
            time: String::new(),
        });
        entry.fields = entry.fields.union(fields);
        entry.time = now();
    }

    /// Throws the oldest updaters together until at most `limit` are left.
    pub(super) fn cap(&mut self, limit: usize) {
        let mut updaters: Vec<(String, Manager)> = self
            .0
            .iter()
            .filter(|(manager, _)| !manager.applies())
            .map(|(manager, entry)| (entry.time.clone(), manager.clone()))
            .collect();
        updaters.sort();
        let excess = updaters.len().saturating_sub(limit);
        if excess == 0 {
            return;
        }
        for (time, manager) in updaters.into_iter().take(excess + 1) {
            let Some(entry) = self.0.remove(&manager) else {
                continue;
            };
            let bucket = Manager {
                name: OLD_UPDATERS.to_owned(),
                subresource: String::new(),
                ..manager
            };
            let old = self.0.entry(bucket).or_insert_with(|| Entry {
                fields: FieldSet::default(),
                time: String::new(),
            });
            old.fields = old.fields.union(&entry.fields);
            old.time = time;
        }
    }

    /// Writes the entries into an object, appliers first, then by time.
    pub(super) fn write(&self, object: &mut Value) {
        let mut sorted: Vec<(&Manager, &Entry)> = self.0.iter().collect();
        sorted.sort_by(|(left, left_entry), (right, right_entry)| {
            let order = |manager: &Manager, entry: &Entry| {
                (
                    manager.operation.clone(),
                    entry.time.clone(),
                    manager.name.clone(),
                    manager.api_version.clone(),
                    manager.subresource.clone(),
                )
            };
            order(left, left_entry).cmp(&order(right, right_entry))
        });
        let entries: Vec<Value> = sorted
            .into_iter()
            .map(|(manager, entry)| render(manager, entry))
            .collect();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            if entries.is_empty() {
                metadata.remove("managedFields");
            } else {
                metadata.insert("managedFields".to_owned(), Value::Array(entries));
            }
        }
    }
}

fn render(manager: &Manager, entry: &Entry) -> Value {
    let mut rendered = json!({
        "manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version,
        "fieldsType": "FieldsV1", "fieldsV1": entry.fields.encode(),
    });
    for (member, value) in [("time", &entry.time), ("subresource", &manager.subresource)] {
        if !value.is_empty() {
            rendered[member] = value.as_str().into();
        }
    }
    rendered
}
