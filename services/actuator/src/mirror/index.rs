//! Finds CLBs by a text without looking at all of them.

use std::collections::{BTreeSet, HashMap};

use clb_model::LoadBalancerId;

/// CLBs by a text that each has at most one of, such as a tag's value.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<String, BTreeSet<LoadBalancerId>>);

impl Index {
    /// Moves a CLB from one text to another.
    pub(crate) fn change(&mut self, id: &LoadBalancerId, before: Option<&str>, after: Option<&str>) {
        if before == after {
            return;
        }
        if let Some(before) = before
            && let Some(ids) = self.0.get_mut(before)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.0.remove(before);
            }
        }
        if let Some(after) = after {
            self.0.entry(after.to_owned()).or_default().insert(id.clone());
        }
    }

    /// The CLBs with this text, in the order of their ids.
    pub(crate) fn find(&self, text: &str) -> impl Iterator<Item = &LoadBalancerId> {
        self.0.get(text).into_iter().flatten()
    }
}
