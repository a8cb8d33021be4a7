//! Objects and their changes: what etcd and the watch cache are to the real API.
//!
//! One revision counter over all tables, as in etcd. Every write happens inside [`Storage::write`], under one lock, so that
//! reading, checking, allocating and storing are one step; watchers read the [`History`] ring of a table at their own pace.

mod history;
mod labels;
mod object;
mod page;
pub(crate) mod selector;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

pub(crate) use history::{Change, ChangeKind, Gone, History};
pub(crate) use object::Stored;
pub(crate) use page::ContinueToken;

use crate::allocation::Allocators;
use crate::resources::{Resource, TABLES};

/// Namespace (empty for cluster-wide objects) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// One kind's objects and history.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) objects: BTreeMap<Key, Arc<Stored>>,
    pub(crate) history: History,
}

impl Table {
    /// Objects of one namespace, or of all for an empty name, in order of their keys.
    pub(crate) fn scan<'a>(
        &'a self,
        namespace: &str,
    ) -> Box<dyn Iterator<Item = (&'a Key, &'a Arc<Stored>)> + 'a> {
        if namespace.is_empty() {
            return Box::new(self.objects.iter());
        }
        let wanted = namespace.to_owned();
        let start = Bound::Included(Key::new(namespace, ""));
        Box::new(
            self.objects
                .range((start, Bound::Unbounded))
                .take_while(move |(key, _)| key.namespace == wanted),
        )
    }
}

/// Everything under the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) revision: u64,
    tables: Vec<Table>,
    pub(crate) allocators: Allocators,
}

impl State {
    pub(crate) fn table(&self, resource: &Resource) -> &Table {
        &self.tables[resource.table]
    }

    pub(crate) fn get(&self, resource: &Resource, key: &Key) -> Option<&Arc<Stored>> {
        self.table(resource).objects.get(key)
    }

    /// Stores a new or changed object under the next revision and records the change.
    pub(crate) fn put(&mut self, resource: &Resource, key: Key, value: serde_json::Value) -> Arc<Stored> {
        self.revision += 1;
        let stored = Arc::new(Stored::new(value, self.revision));
        let table = &mut self.tables[resource.table];
        let previous = table.objects.insert(key.clone(), Arc::clone(&stored));
        let kind = if previous.is_some() {
            ChangeKind::Modified
        } else {
            ChangeKind::Added
        };
        table.history.push(Change {
            kind,
            key,
            object: Arc::clone(&stored),
            previous,
        });
        stored
    }

    /// Removes an object; the deletion has a revision of its own, which the returned last state carries.
    pub(crate) fn remove(&mut self, resource: &Resource, key: &Key) -> Option<Arc<Stored>> {
        let table = &mut self.tables[resource.table];
        let previous = table.objects.remove(key)?;
        self.revision += 1;
        let last = Arc::new(Stored::new(previous.value.clone(), self.revision));
        let change = Change {
            kind: ChangeKind::Deleted,
            key: key.clone(),
            object: Arc::clone(&last),
            previous: Some(previous),
        };
        table.history.push(change);
        Some(last)
    }

    /// Forgets all history, so that every older resourceVersion is too old.
    pub(crate) fn expire_history(&mut self) {
        self.revision += 1;
        for table in &mut self.tables {
            table.history.expire(self.revision);
        }
    }
}

/// The shared store.
#[derive(Debug)]
pub(crate) struct Storage {
    state: Mutex<State>,
    /// Per table: the revision of its newest change; wakes watchers.
    changed: Vec<watch::Sender<u64>>,
}

impl Storage {
    /// An empty store that keeps `history` changes per table.
    pub(crate) fn new(history: usize, allocators: Allocators) -> Self {
        let tables = TABLES.iter().map(|_| Table {
            objects: BTreeMap::new(),
            history: History::new(history),
        });
        let state = State {
            revision: 1,
            tables: tables.collect(),
            allocators,
        };
        Self {
            state: Mutex::new(state),
            changed: TABLES.iter().map(|_| watch::Sender::new(0)).collect(),
        }
    }

    /// A look at the state; no write may happen through it.
    pub(crate) fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Runs one atomic step and wakes the watchers of the tables that it changed.
    pub(crate) fn write<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        let (outcome, newest) = {
            let mut state = self.state.lock();
            let outcome = step(&mut state);
            let newest: Vec<u64> = state.tables.iter().map(|table| table.history.newest()).collect();
            (outcome, newest)
        };
        for (sender, revision) in self.changed.iter().zip(newest) {
            sender.send_if_modified(|seen| {
                let moved = revision > *seen;
                *seen = revision.max(*seen);
                moved
            });
        }
        outcome
    }

    /// Wakes whenever the resource's table has changed; the value is the newest change's revision.
    pub(crate) fn subscribe(&self, resource: &Resource) -> watch::Receiver<u64> {
        self.changed[resource.table].subscribe()
    }
}
