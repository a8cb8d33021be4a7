//! What a watcher has said, checked: a full snapshot takes effect at its Commit, whole; a delta must follow the one before it; both
//! must give the digest that the watcher has. Used by [`super::session`].
//!
//! Kept of each object is its digest only: the decoded objects go to the cluster's task, which owns them.

use std::collections::{BTreeMap, HashMap};

use clb_model::cluster::{Node, Service};
use clb_model::version::Tenure;
use clb_proto::snapshot::v1;
use clb_telemetry::TraceContext;
use clb_wire::WireError;
use clb_wire::digest::{ObjectDigest, SetDigest};
use clb_wire::records::{Object, ObjectKey, decode};

/// Why the planner has lost its place and needs a full snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// Chunks, or a Commit, without a Begin.
    #[error("a part of a snapshot came before its beginning")]
    NotBegun,
    /// A delta before the first Commit, or amid a snapshot.
    #[error("delta {sequence} came amid a snapshot")]
    AmidSnapshot {
        /// The delta's sequence.
        sequence: u64,
    },
    /// The Commit names another number of objects.
    #[error("the snapshot was to hold {announced} objects and holds {received}")]
    Count {
        /// What the Commit says.
        announced: u64,
        /// What came.
        received: u64,
    },
    /// The digests differ.
    #[error("the digest after sequence {sequence} differs")]
    Digest {
        /// The snapshot's or delta's sequence.
        sequence: u64,
    },
    /// A delta is missing.
    #[error("delta {received} came where {expected} was expected")]
    Gap {
        /// The sequence after the last one.
        expected: u64,
        /// The one that came.
        received: u64,
    },
    /// A record names no object.
    #[error(transparent)]
    Unreadable(#[from] WireError),
}

/// Which objects the watcher has, as far as it has told: the place from which its deltas go on.
#[derive(Debug)]
pub(crate) struct Ledger {
    epoch: Tenure,
    sequence: u64,
    objects: HashMap<ObjectKey, Entry>,
    digest: SetDigest,
}

#[derive(Debug, Clone)]
struct Entry {
    digest: ObjectDigest,
    /// Empty for an object that could not be decoded.
    uid: String,
}

/// A full snapshot on its way.
#[derive(Debug)]
pub(crate) struct Staging {
    ledger: Ledger,
    services: BTreeMap<ObjectKey, Service>,
    nodes: BTreeMap<String, Node>,
}

/// A full snapshot that has been committed.
#[derive(Debug)]
pub(crate) struct Committed {
    /// The place from which deltas go on.
    pub(crate) ledger: Ledger,
    /// Every Service.
    pub(crate) services: Vec<Service>,
    /// Every Node, by name.
    pub(crate) nodes: BTreeMap<String, Node>,
}

/// What a delta changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Objects with their new state.
    pub(crate) upserts: Vec<(Object, TraceContext)>,
    /// Objects that are gone for certain.
    pub(crate) deletions: Vec<(Deleted, TraceContext)>,
}

/// An object that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Kind and key.
    pub(crate) key: ObjectKey,
    /// `metadata.uid` of the object that was deleted.
    pub(crate) uid: String,
}

impl Staging {
    /// A snapshot that is the state of `sequence` begins.
    pub(crate) fn begin(epoch: Tenure, sequence: u64) -> Self {
        Self {
            ledger: Ledger {
                epoch,
                sequence,
                objects: HashMap::new(),
                digest: SetDigest::default(),
            },
            services: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }

    /// Takes in a part.
    ///
    /// # Errors
    /// A record that names no object.
    pub(crate) fn add(&mut self, chunk: v1::SnapshotChunk) -> Result<(), Lost> {
        for record in chunk.objects {
            let key = ObjectKey::from_proto("ObjectRecord", record.kind, &record.key)?;
            match self.ledger.put(key.clone(), &record) {
                Some(Object::Service(service)) => {
                    self.services.insert(key, *service);
                }
                Some(Object::Node(node)) => {
                    self.nodes.insert(node.name.clone(), node);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The end of the snapshot.
    ///
    /// # Errors
    /// A count or digest that is not the watcher's.
    pub(crate) fn commit(self, commit: &v1::SnapshotCommit) -> Result<Committed, Lost> {
        let received = self.ledger.len();
        if commit.count != received {
            return Err(Lost::Count {
                announced: commit.count,
                received,
            });
        }
        if !self.ledger.digest.matches(&commit.digest) {
            return Err(Lost::Digest {
                sequence: self.ledger.sequence,
            });
        }
        Ok(Committed {
            ledger: self.ledger,
            services: self.services.into_values().collect(),
            nodes: self.nodes,
        })
    }
}

impl Ledger {
    /// The watcher's epoch that the sequence belongs to.
    pub(crate) fn epoch(&self) -> Tenure {
        self.epoch
    }

    /// The last sequence that was taken over.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    fn len(&self) -> u64 {
        u64::try_from(self.objects.len()).unwrap_or(u64::MAX)
    }

    /// Takes over a delta. After an error the ledger is of no use any more.
    ///
    /// # Errors
    /// A gap, a digest that is not the watcher's, a record that names no object.
    pub(crate) fn apply(&mut self, delta: v1::Delta) -> Result<Changes, Lost> {
        let expected = self.sequence.saturating_add(1);
        if delta.sequence != expected {
            return Err(Lost::Gap {
                expected,
                received: delta.sequence,
            });
        }
        let mut changes = Changes::default();
        for deletion in delta.deletions {
            let key = ObjectKey::from_proto("ObjectDeletion", deletion.kind, &deletion.key)?;
            if self.take(&key, &deletion.uid) {
                let deleted = Deleted {
                    key,
                    uid: deletion.uid,
                };
                changes.deletions.push((deleted, trace_of(deletion.trace)));
            }
        }
        for record in delta.upserts {
            let key = ObjectKey::from_proto("ObjectRecord", record.kind, &record.key)?;
            if let Some(object) = self.put(key, &record) {
                changes.upserts.push((object, trace_of(record.trace)));
            }
        }
        if !self.digest.matches(&delta.digest) {
            return Err(Lost::Digest {
                sequence: delta.sequence,
            });
        }
        self.sequence = delta.sequence;
        Ok(changes)
    }

    /// Notes an object; none when it cannot be decoded, which counts in the digest all the same: a newer watcher may send what this
    /// planner does not know, and the other objects must not suffer from it.
    fn put(&mut self, key: ObjectKey, record: &v1::ObjectRecord) -> Option<Object> {
        let digest = ObjectDigest::of(record);
        let object = match decode(record) {
            Ok(object) => Some(object),
            Err(error) => {
                tracing::warn!(key = %key, %error, "an object cannot be read and is left out");
                None
            }
        };
        let uid = match &object {
            Some(Object::Service(service)) => service.uid.to_string(),
            Some(Object::Node(node)) => node.uid.clone(),
            None => String::new(),
        };
        if let Some(before) = self.objects.insert(key, Entry { digest, uid }) {
            self.digest.remove(before.digest);
        }
        self.digest.add(digest);
        object
    }

    /// Forgets an object if it is the one with this UID. Another of the same name stays, and the digests will tell.
    fn take(&mut self, key: &ObjectKey, uid: &str) -> bool {
        match self.objects.get(key) {
            Some(entry) if entry.uid == uid || entry.uid.is_empty() => {
                self.digest.remove(entry.digest);
                self.objects.remove(key);
                true
            }
            _ => false,
        }
    }
}

fn trace_of(trace: Option<v1::TraceContext>) -> TraceContext {
    trace
        .map(|trace| TraceContext::new(trace.traceparent, trace.tracestate))
        .unwrap_or_default()
}
