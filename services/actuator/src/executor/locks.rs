//! One change at a time per CLB: Services and clusters that share one take turns.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use clb_model::{ClusterId, LoadBalancerId, ServiceUid};
use parking_lot::Mutex;
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

/// Dead entries are swept when there are more than this many, and then at every doubling.
const SWEEP_AT: usize = 1024;

/// What is locked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum LockKey {
    /// A CLB.
    LoadBalancer(LoadBalancerId),
    /// A Service that has none yet.
    Service(ClusterId, ServiceUid),
}

/// The locks of one region. First come, first served.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    locks: HashMap<LockKey, Weak<Lock<()>>>,
    sweep_at: usize,
}

impl Locks {
    /// Waits for a turn. Cancel-safe.
    pub(super) async fn lock(&self, key: &LockKey) -> OwnedMutexGuard<()> {
        let lock = self.find(key);
        lock.lock_owned().await
    }

    fn find(&self, key: &LockKey) -> Arc<Lock<()>> {
        let mut table = self.0.lock();
        if let Some(lock) = table.locks.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        if table.locks.len() >= table.sweep_at.max(SWEEP_AT) {
            table.locks.retain(|_, lock| lock.strong_count() > 0);
            table.sweep_at = table.locks.len() * 2;
        }
        let lock = Arc::new(Lock::new(()));
        table.locks.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn key(id: &str) -> LockKey {
        LockKey::LoadBalancer(LoadBalancerId::new(id).unwrap())
    }

    #[tokio::test]
    async fn one_at_a_time_per_clb() {
        let locks = Locks::default();
        let first = locks.lock(&key("lb-1")).await;
        assert!(locks.lock(&key("lb-1")).now_or_never().is_none());
        assert!(locks.lock(&key("lb-2")).now_or_never().is_some());
        drop(first);
        assert!(locks.lock(&key("lb-1")).now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_is_not_held_is_swept() {
        let locks = Locks::default();
        let held = locks.lock(&key("lb-held")).await;
        for number in 0..(SWEEP_AT * 3) {
            drop(locks.lock(&key(&format!("lb-{number}"))).await);
        }
        assert!(locks.0.lock().locks.len() <= SWEEP_AT);
        assert!(locks.lock(&key("lb-held")).now_or_never().is_none());
        drop(held);
    }
}
