//! The last changes of one table, bounded, as the real API's watch cache keeps them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Key, Stored};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

impl ChangeKind {
    /// The watch event's type.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change; `object.revision` is when it happened.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) key: Key,
    /// State after the change, or the last state with the deletion's revision.
    pub(crate) object: Arc<Stored>,
    pub(crate) previous: Option<Arc<Stored>>,
}

/// The asked-for revision has left the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The oldest revision that can still be continued from.
    pub(crate) oldest: u64,
}

/// A ring of changes in order of their revisions.
#[derive(Debug)]
pub(crate) struct History {
    changes: VecDeque<Arc<Change>>,
    capacity: usize,
    /// Everything up to here is forgotten.
    forgotten: u64,
    newest: u64,
}

impl History {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            changes: VecDeque::new(),
            capacity: capacity.max(1),
            forgotten: 0,
            newest: 0,
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        self.newest = change.object.revision;
        if self.changes.len() == self.capacity
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.object.revision;
        }
        self.changes.push_back(Arc::new(change));
    }

    /// Revision of the newest change or expiry.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Forgets everything before `revision`.
    pub(crate) fn expire(&mut self, revision: u64) {
        self.changes.clear();
        self.forgotten = revision;
        self.newest = revision;
    }

    /// At most `limit` changes after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64, limit: usize) -> Result<Vec<Arc<Change>>, Gone> {
        self.check(revision)?;
        let start = self
            .changes
            .partition_point(|change| change.object.revision <= revision);
        Ok(self
            .changes
            .iter()
            .skip(start)
            .take(limit)
            .map(Arc::clone)
            .collect())
    }

    /// Changes after `revision`, newest first, for taking them back.
    pub(crate) fn undo_to(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, Gone> {
        self.check(revision)?;
        Ok(self
            .changes
            .iter()
            .rev()
            .take_while(move |change| change.object.revision > revision))
    }

    fn check(&self, revision: u64) -> Result<(), Gone> {
        if revision < self.forgotten {
            Err(Gone {
                oldest: self.forgotten,
            })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(revision: u64) -> Change {
        let object = Arc::new(Stored::new(json!({"metadata": {"name": "a"}}), revision));
        Change {
            kind: ChangeKind::Added,
            key: Key::new("", "a"),
            object,
            previous: None,
        }
    }

    #[test]
    fn what_left_the_ring_is_gone() {
        let mut history = History::new(2);
        for revision in [3, 5, 7] {
            history.push(change(revision));
        }
        let revisions = |after| -> Result<Vec<u64>, Gone> {
            Ok(history
                .after(after, 10)?
                .iter()
                .map(|change| change.object.revision)
                .collect())
        };
        assert_eq!(revisions(3), Ok(vec![5, 7]));
        assert_eq!(revisions(6), Ok(vec![7]));
        assert_eq!(revisions(2), Err(Gone { oldest: 3 }));
    }

    #[test]
    fn expiry_makes_every_older_revision_gone() {
        let mut history = History::new(8);
        history.push(change(2));
        history.expire(9);
        assert_eq!(history.after(8, 1).err(), Some(Gone { oldest: 9 }));
        assert!(history.after(9, 1).expect("current").is_empty());
    }
}
