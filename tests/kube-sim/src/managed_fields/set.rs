//! A set of field paths as a tree.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::path::PathElement;

/// A set of paths. A node may be a member itself, have members below it, or both; empty nodes do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FieldSet {
    pub(super) is_member: bool,
    pub(super) children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The set whose only path is the place itself.
    pub(super) fn here() -> Self {
        Self {
            is_member: true,
            children: BTreeMap::new(),
        }
    }

    /// A set of paths through fields.
    pub(super) fn of_paths(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let mut node = &mut set;
            for name in *path {
                node = node.children.entry(PathElement::field(name)).or_default();
            }
            node.is_member = true;
        }
        set
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_member && self.children.is_empty()
    }

    /// Puts a subtree below a step, unless it is empty.
    pub(super) fn attach(&mut self, step: PathElement, child: Self) {
        if !child.is_empty() {
            self.children.insert(step, child);
        }
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut united = self.clone();
        united.is_member |= other.is_member;
        for (step, child) in &other.children {
            let mine = united.children.entry(step.clone()).or_default();
            *mine = mine.union(child);
        }
        united
    }

    /// Paths of this set that are not in the other.
    pub(super) fn difference(&self, other: &Self) -> Self {
        let mut rest = Self {
            is_member: self.is_member && !other.is_member,
            children: BTreeMap::new(),
        };
        for (step, child) in &self.children {
            let left = other
                .children
                .get(step)
                .map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            rest.attach(step.clone(), left);
        }
        rest
    }

    /// Paths of this set that neither are in the other nor lie below one of its paths.
    pub(super) fn outside(&self, other: &Self) -> Self {
        let mut rest = Self {
            is_member: self.is_member,
            children: BTreeMap::new(),
        };
        for (step, child) in &self.children {
            match other.children.get(step) {
                Some(theirs) if theirs.is_member => {}
                Some(theirs) => rest.attach(step.clone(), child.outside(theirs)),
                None => rest.attach(step.clone(), child.clone()),
            }
        }
        rest
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut shared = Self {
            is_member: self.is_member && other.is_member,
            children: BTreeMap::new(),
        };
        for (step, child) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                shared.attach(step.clone(), child.intersection(theirs));
            }
        }
        shared
    }

    /// The set with every struct field on the way to a member as a member too, which removal needs.
    pub(super) fn with_named_fields(&self, kind: Kind) -> Self {
        let mut named = Self {
            is_member: self.is_member,
            children: BTreeMap::new(),
        };
        for (step, child) in &self.children {
            let mut inner = child.with_named_fields(kind.below(step));
            inner.is_member |= matches!((kind, step), (Kind::Struct(_), PathElement::Field(_)));
            named.attach(step.clone(), inner);
        }
        named
    }

    /// Every path, as messages show it.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    /// Members of a level come before what lies deeper.
    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        let members = self.children.iter().filter(|(_, child)| child.is_member);
        paths.extend(members.map(|(step, _)| format!("{prefix}{step}")));
        for (step, child) in &self.children {
            child.collect(&format!("{prefix}{step}"), paths);
        }
    }

    /// As `fieldsV1`.
    pub(super) fn encode(&self) -> Value {
        let mut members = Map::new();
        if self.is_member && !self.children.is_empty() {
            members.insert(".".to_owned(), json!({}));
        }
        for (step, child) in &self.children {
            members.insert(step.encode(), child.encode());
        }
        Value::Object(members)
    }

    /// From `fieldsV1`; the root is never a member.
    pub(super) fn decode(fields: &Value) -> Self {
        let mut set = Self::decode_node(fields);
        set.is_member = false;
        set
    }

    fn decode_node(fields: &Value) -> Self {
        let members = fields.as_object();
        let mut set = Self {
            is_member: members.is_none_or(Map::is_empty),
            children: BTreeMap::new(),
        };
        for (name, child) in members.into_iter().flatten() {
            if name == "." {
                set.is_member = true;
            } else if let Some(step) = PathElement::decode(name) {
                set.attach(step, Self::decode_node(child));
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_v1_survives_both_ways() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}, "f:set": {"v:\"x\"": {}}}});
        let set = FieldSet::decode(&fields);
        assert_eq!(set.encode(), fields);
        assert!(
            set.paths()
                .contains(&".spec.ports[port=80,protocol=\"TCP\"].port".to_owned())
        );
    }

    #[test]
    fn outside_drops_whole_subtrees() {
        let set = FieldSet::of_paths(&[&["status", "x"], &["spec", "y"]]);
        let rest = set.outside(&FieldSet::of_paths(&[&["status"]]));
        assert_eq!(rest, FieldSet::of_paths(&[&["spec", "y"]]));
        assert_eq!(set.difference(&FieldSet::of_paths(&[&["status"]])), set);
    }
}
