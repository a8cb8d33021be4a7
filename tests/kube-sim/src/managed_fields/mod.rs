//! Who set which field: `metadata.managedFields`, and server-side apply, which lives on it.
//!
//! The registry calls [`on_write`] for every create, update and patch, and [`apply`] for an apply patch. The rules are those
//! of `sigs.k8s.io/structured-merge-diff` and `k8s.io/apimachinery/pkg/util/managedfields`.

mod apply;
mod compare;
mod edit;
mod entries;
mod kind;
mod path;
mod set;

use serde_json::{Value, json};

use crate::registry::{Part, WriteOptions};
use crate::resources::Resource;
use crate::schema::schemas;

pub(crate) use apply::{Configuration, apply};

use compare::Comparison;
use entries::{Entries, Manager};
use kind::Kind;
use set::FieldSet;

/// Writers whose plain updates are kept apart; older ones are thrown together.
const MOST_UPDATERS: usize = 10;

/// Records a write in the new object. `old` is the present object, `None` on creation.
pub(crate) fn on_write(resource: &Resource, old: Option<&Value>, object: &mut Value, options: &WriteOptions) {
    let root = Kind::Struct(schemas().root(resource));
    let nothing = empty(resource);
    let mut entries = Entries::for_update(old, object, options.part);
    let old = without_entries(old.unwrap_or(&nothing));
    let comparison =
        Comparison::of(root, &old, &without_entries(object)).without(&reset_fields(resource, options.part));
    entries.lose(&comparison, None);
    let mut taken = comparison.modified.union(&comparison.added);
    strip(&mut taken);
    if !taken.is_empty() {
        entries.add(Manager::updating(resource, options), &taken);
        entries.cap(MOST_UPDATERS);
    }
    entries.write(object);
}

/// Whether two objects differ in nothing but the times of their managed fields, so that nothing has to be written.
pub(crate) fn are_same_but_for_times(left: &Value, right: &Value) -> bool {
    let fields = |object: &Value| -> Vec<(Manager, FieldSet)> {
        Entries::read(object)
            .0
            .into_iter()
            .map(|(manager, entry)| (manager, entry.fields))
            .collect()
    };
    without_entries(left) == without_entries(right) && fields(left) == fields(right)
}

/// What a new object is compared with: a Go value nobody touched.
fn empty(resource: &Resource) -> Value {
    crate::schema::decode(resource, &json!({"metadata": {}}))
        .map_or_else(|_never| json!({}), |decoded| decoded.object)
}

fn without_entries(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// Fields that a write of this part cannot change, so that nobody owns them through it.
fn reset_fields(resource: &Resource, part: Part) -> FieldSet {
    let reset = match part {
        Part::Main if resource.status => Some("status"),
        Part::Main => None,
        Part::Status => Some("spec"),
    };
    reset
        .map(|field| FieldSet::of_paths(&[&[field]]))
        .unwrap_or_default()
}

/// Fields that are the server's, or that name the object.
fn strip(set: &mut FieldSet) {
    let names: [&[&str]; 12] = [
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ];
    *set = set.difference(&FieldSet::of_paths(&names));
}
