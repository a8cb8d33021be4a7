//! What has been sent on a stream: which objects the planner holds, by digest, and where the numbering stands.

use std::collections::HashMap;

use clb_wire::digest::{ObjectDigest, SetDigest};
use clb_wire::records::ObjectKey;

/// An object as it was sent last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Its digest.
    pub(super) digest: ObjectDigest,
    /// Its UID.
    pub(super) uid: String,
}

/// See the module. It outlives a stream, so that the next one can go on from the last acknowledged message.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    held: HashMap<ObjectKey, Held>,
    digest: SetDigest,
    sequence: u64,
    /// The last number that the planner has taken over; none until it has acknowledged a full snapshot.
    acknowledged: Option<u64>,
    /// What was there before, for each object in the message that is not acknowledged yet.
    undo: Vec<(ObjectKey, Option<Held>)>,
}

impl Ledger {
    /// Forgets the objects, for a full snapshot, and returns its number.
    pub(super) fn begin_snapshot(&mut self) -> u64 {
        self.held.clear();
        self.digest = SetDigest::default();
        self.acknowledged = None;
        self.undo.clear();
        self.next_sequence()
    }

    /// Numbers a delta.
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The last number.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The planner has taken over everything up to the last number.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged = Some(self.sequence);
        self.undo.clear();
    }

    /// The number from which a new stream can go on.
    pub(super) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged
    }

    /// Goes back to what was acknowledged last and returns the keys of what was sent since.
    pub(super) fn roll_back(&mut self) -> Vec<ObjectKey> {
        let Some(acknowledged) = self.acknowledged else {
            return Vec::new();
        };
        self.sequence = acknowledged;
        let mut keys = Vec::new();
        // From the last to the first: a key may have been changed twice.
        for (key, before) in std::mem::take(&mut self.undo).into_iter().rev() {
            self.set(key.clone(), before);
            keys.push(key);
        }
        keys
    }

    /// What was sent last under this key.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Held> {
        self.held.get(key)
    }

    /// The object was put into a message.
    pub(super) fn put(&mut self, key: ObjectKey, held: Held) {
        self.note(key, Some(held));
    }

    /// The object's deletion was put into a message.
    pub(super) fn remove(&mut self, key: &ObjectKey) {
        self.note(key.clone(), None);
    }

    fn note(&mut self, key: ObjectKey, held: Option<Held>) {
        let before = self.set(key.clone(), held);
        // A full snapshot has nothing to go back to.
        if self.acknowledged.is_some() {
            self.undo.push((key, before));
        }
    }

    fn set(&mut self, key: ObjectKey, held: Option<Held>) -> Option<Held> {
        if let Some(held) = &held {
            self.digest.add(held.digest);
        }
        let before = match held {
            Some(held) => self.held.insert(key, held),
            None => self.held.remove(&key),
        };
        if let Some(before) = &before {
            self.digest.remove(before.digest);
        }
        before
    }

    /// How many objects the planner holds after the last message.
    pub(super) fn count(&self) -> u64 {
        self.held.len() as u64
    }

    /// Their digest.
    pub(super) fn digest(&self) -> SetDigest {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use clb_proto::snapshot::v1::ObjectRecord;

    use super::*;

    fn held(payload: u8) -> Held {
        let record = ObjectRecord {
            payload: vec![payload],
            ..ObjectRecord::default()
        };
        Held {
            digest: ObjectDigest::of(&record),
            uid: "u".to_owned(),
        }
    }

    fn node(name: &str) -> ObjectKey {
        ObjectKey::Node(name.to_owned())
    }

    #[test]
    fn going_back_restores_what_was_acknowledged() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.begin_snapshot(), 1);
        ledger.put(node("changes"), held(1));
        ledger.put(node("goes"), held(2));
        assert_eq!(ledger.acknowledged(), None);
        ledger.acknowledge();
        let digest = ledger.digest();

        ledger.put(node("changes"), held(3));
        ledger.put(node("changes"), held(4));
        ledger.put(node("comes"), held(5));
        ledger.remove(&node("goes"));
        assert_eq!(ledger.next_sequence(), 2);
        assert_ne!(ledger.digest(), digest);

        let mut keys = ledger.roll_back();
        keys.sort();
        keys.dedup();
        assert_eq!(keys, [node("changes"), node("comes"), node("goes")]);
        assert_eq!(
            (ledger.digest(), ledger.count(), ledger.sequence()),
            (digest, 2, 1)
        );
        assert_eq!(ledger.get(&node("changes")), Some(&held(1)));
    }

    #[test]
    fn what_was_acknowledged_stays() {
        let mut ledger = Ledger::default();
        ledger.begin_snapshot();
        ledger.acknowledge();
        ledger.put(node("comes"), held(5));
        ledger.next_sequence();
        ledger.acknowledge();
        assert_eq!(ledger.roll_back(), []);
        assert_eq!((ledger.acknowledged(), ledger.count()), (Some(2), 1));
    }
}
