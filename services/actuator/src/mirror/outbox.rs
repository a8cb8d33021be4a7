//! What is still to be sent to one planner: each thing once, in order, and as it is at the time of sending.
//!
//! So memory follows the number of things, not how often they change, however slowly the planner reads.

use std::collections::{BTreeMap, HashMap};

use clb_model::{LoadBalancerId, ServiceUid};

/// A thing to send.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    /// A CLB, or that it is gone from the view.
    LoadBalancer(LoadBalancerId),
    /// What an interest has found.
    Resolved(ServiceUid),
    /// That the cluster's own CLBs are complete.
    Synced,
    /// What is wrong.
    Trouble,
}

/// The things, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    order: BTreeMap<u64, Item>,
    places: HashMap<Item, u64>,
    next: u64,
}

impl Outbox {
    /// Adds a thing. One that waits already keeps its place, unless what it says depends on things sent before it: then it goes to
    /// the end.
    pub(crate) fn push(&mut self, item: Item) {
        if let Some(place) = self.places.get(&item).copied() {
            if matches!(item, Item::LoadBalancer(_) | Item::Trouble) {
                return;
            }
            self.order.remove(&place);
        }
        self.places.insert(item.clone(), self.next);
        self.order.insert(self.next, item);
        self.next += 1;
    }

    /// Takes the oldest.
    pub(crate) fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.order.pop_first()?;
        self.places.remove(&item);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interest_found_follows_the_clbs_that_it_names() {
        let id = LoadBalancerId::new("lb-1").unwrap();
        let uid = ServiceUid::new("u").unwrap();
        let mut outbox = Outbox::default();
        outbox.push(Item::Resolved(uid.clone()));
        outbox.push(Item::LoadBalancer(id.clone()));
        outbox.push(Item::Resolved(uid.clone()));
        outbox.push(Item::LoadBalancer(id.clone()));
        assert_eq!(outbox.pop(), Some(Item::LoadBalancer(id)));
        assert_eq!(outbox.pop(), Some(Item::Resolved(uid)));
        assert_eq!(outbox.pop(), None);
    }
}
