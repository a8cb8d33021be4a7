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

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    held: HashMap<ObjectKey, Held>,
    digest: SetDigest,
    sequence: u64,
}

impl Ledger {
    /// Forgets the objects, for a full snapshot, and returns its number.
    pub(super) fn begin_snapshot(&mut self) -> u64 {
        self.held.clear();
        self.digest = SetDigest::default();
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

    /// What was sent last under this key.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Held> {
        self.held.get(key)
    }

    /// The object was put into a message.
    pub(super) fn put(&mut self, key: ObjectKey, held: Held) {
        self.digest.add(held.digest);
        if let Some(before) = self.held.insert(key, held) {
            self.digest.remove(before.digest);
        }
    }

    /// The object's deletion was put into a message.
    pub(super) fn remove(&mut self, key: &ObjectKey) {
        if let Some(before) = self.held.remove(key) {
            self.digest.remove(before.digest);
        }
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
