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
    /// That a CLB has been read again, as the planner asked.
    Looked(LoadBalancerId),
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
    /// Taken, and perhaps not yet with the transport.
    in_hand: Option<Item>,
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

    /// Takes the oldest; the one taken before it has been handed over by then.
    pub(crate) fn pop(&mut self) -> Option<Item> {
        self.in_hand = None;
        let (_, item) = self.order.pop_first()?;
        self.places.remove(&item);
        self.in_hand = Some(item.clone());
        Some(item)
    }

    /// Whether a thing is still to be handed over.
    pub(crate) fn holds(&self, item: &Item) -> bool {
        self.places.contains_key(item) || self.in_hand.as_ref() == Some(item)
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
        let first = Item::LoadBalancer(id);
        assert_eq!(outbox.pop().as_ref(), Some(&first));
        assert!(
            outbox.holds(&first),
            "it is not handed over before the next is taken"
        );
        assert_eq!(outbox.pop(), Some(Item::Resolved(uid)));
        assert!(!outbox.holds(&first));
        assert_eq!(outbox.pop(), None);
    }
}
