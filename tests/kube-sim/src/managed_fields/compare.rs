//! What a write changed, and what a configuration names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::Kind;
use super::path::PathElement;
use super::set::FieldSet;

/// The fields that differ between two objects.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl Comparison {
    /// Compares two objects.
    pub(super) fn of(kind: Kind, old: &Value, new: &Value) -> Self {
        let mut comparison = Self::between(kind, Some(old), Some(new));
        for set in [
            &mut comparison.added,
            &mut comparison.modified,
            &mut comparison.removed,
        ] {
            set.is_member = false;
        }
        comparison
    }

    /// Leaves out what lies in or below a set.
    pub(super) fn without(self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.outside(ignored),
            modified: self.modified.outside(ignored),
            removed: self.removed.outside(ignored),
        }
    }

    fn between(kind: Kind, old: Option<&Value>, new: Option<&Value>) -> Self {
        let old_parts = old.map(|old| kind.parts(old)).unwrap_or_default();
        let new_parts = new.map(|new| kind.parts(new)).unwrap_or_default();
        let mut comparison = Self::default();
        // Empty lists and maps are leaves, so that "empty" can be owned.
        if kind.is_leaf() || (old_parts.is_empty() && new_parts.is_empty()) {
            match (old, new) {
                (None, Some(_)) => comparison.added = FieldSet::here(),
                (Some(_), None) => comparison.removed = FieldSet::here(),
                (Some(old), Some(new)) if old != new => comparison.modified = FieldSet::here(),
                _ => {}
            }
            return comparison;
        }
        let mut pairs: BTreeMap<PathElement, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
        for (step, part) in old_parts {
            pairs.entry(step).or_default().0 = Some(part);
        }
        for (step, part) in new_parts {
            pairs.entry(step).or_default().1 = Some(part);
        }
        for (step, (old_part, new_part)) in pairs {
            let below = Self::between(kind.below(&step), old_part, new_part);
            comparison.added.attach(step.clone(), below.added);
            comparison.modified.attach(step.clone(), below.modified);
            comparison.removed.attach(step, below.removed);
        }
        comparison.added.is_member = old.is_none();
        comparison.removed.is_member = new.is_none();
        comparison
    }
}

/// The fields that a configuration names: leaves, entries of lists and of maps, and what is empty.
pub(super) fn fields_of(kind: Kind, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    for (step, part) in kind.parts(value) {
        let below = kind.below(&step);
        let mut inner = fields_of(below, part);
        let is_entry = !matches!(kind, Kind::Struct(_));
        let has_parts = !below.parts(part).is_empty();
        inner.is_member = is_entry || below.is_leaf() || (!has_parts && !is_empty_list(below));
        set.attach(step, inner);
    }
    set
}

/// A list that could have entries and has none names nothing.
fn is_empty_list(kind: Kind) -> bool {
    matches!(kind, Kind::Set | Kind::Keyed(_))
}
