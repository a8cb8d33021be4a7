//! A full snapshot, made part by part as the stream takes it: the encoded state of a whole cluster is never in memory at once.

use std::collections::VecDeque;

use clb_proto::snapshot::v1;
use clb_wire::digest::ObjectDigest;
use clb_wire::records::ObjectKey;
use prost::Message as _;

use super::ledger::{Held, Ledger};
use crate::stores::{Encoded, Stores};

/// Where the making of a snapshot stands.
#[derive(Debug)]
pub(super) struct SnapshotCursor {
    keys: VecDeque<ObjectKey>,
    /// Did not fit into the chunk before.
    left: Option<(ObjectKey, Encoded)>,
}

/// The next part.
#[derive(Debug)]
pub(super) enum Part {
    /// Some objects.
    Chunk(v1::SnapshotChunk),
    /// There are no more.
    Commit(v1::SnapshotCommit),
}

impl SnapshotCursor {
    /// Of everything that is in the stores now. What changes until the end is sent as it is then, and again in a delta.
    pub(super) fn new(stores: &Stores) -> Self {
        Self {
            keys: stores.keys().into(),
            left: None,
        }
    }

    /// Makes the next part, of at most `limit` bytes; an object that is larger by itself goes alone.
    pub(super) fn next_part(&mut self, stores: &Stores, ledger: &mut Ledger, limit: usize) -> Part {
        let mut objects = Vec::new();
        let mut size = 0;
        while let Some((key, encoded)) = self.next_object(stores) {
            let length = encoded.record.encoded_len();
            if size + length > limit && !objects.is_empty() {
                self.left = Some((key, encoded));
                break;
            }
            size += length;
            let held = Held {
                digest: ObjectDigest::of(&encoded.record),
                uid: encoded.uid,
            };
            ledger.put(key, held);
            objects.push(encoded.record);
        }
        if objects.is_empty() {
            Part::Commit(v1::SnapshotCommit {
                count: ledger.count(),
                digest: ledger.digest().to_bytes(),
            })
        } else {
            Part::Chunk(v1::SnapshotChunk { objects })
        }
    }

    fn next_object(&mut self, stores: &Stores) -> Option<(ObjectKey, Encoded)> {
        if let Some(left) = self.left.take() {
            return Some(left);
        }
        loop {
            let key = self.keys.pop_front()?;
            // Gone in between: absent from the snapshot, as it should be.
            if let Some(encoded) = stores.encode(&key) {
                return Some((key, encoded));
            }
        }
    }
}
