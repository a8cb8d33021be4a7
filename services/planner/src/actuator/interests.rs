//! The Services whose CLBs the planner wants to see, and the CLBs that it wants to be read again, on their way to the actuator: the latest per Service.
//!
//! The cluster's task sets them, the mirror stream takes what changed; a new stream takes all.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::{LoadBalancerId, ServiceUid};
use clb_proto::actuator::v1;
use clb_wire::actuator::{Interest, interest_to_proto};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Interests in one message.
const PER_MESSAGE: usize = 500;

/// The interests of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Interests {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    wanted: BTreeMap<ServiceUid, Interest>,
    unsent: BTreeSet<ServiceUid>,
    look_again: BTreeSet<LoadBalancerId>,
}

impl Interests {
    /// A new or changed interest.
    pub(crate) fn set(&self, interest: Interest) {
        let mut inner = self.inner.lock();
        inner.unsent.insert(interest.service.clone());
        inner.wanted.insert(interest.service.clone(), interest);
        drop(inner);
        self.changed.notify_one();
    }

    /// No longer of interest.
    pub(crate) fn remove(&self, uid: &ServiceUid) {
        let mut inner = self.inner.lock();
        if inner.wanted.remove(uid).is_some() {
            inner.unsent.insert(uid.clone());
            drop(inner);
            self.changed.notify_one();
        }
    }

    /// CLBs that the actuator is to read again.
    pub(crate) fn look_again(&self, ids: &BTreeSet<LoadBalancerId>) {
        self.inner.lock().look_again.extend(ids.iter().cloned());
        self.changed.notify_one();
    }

    /// A new stream: everything is unsent.
    pub(crate) fn restart(&self) {
        let mut inner = self.inner.lock();
        inner.unsent = inner.wanted.keys().cloned().collect();
        drop(inner);
        self.changed.notify_one();
    }

    /// A message with what is unsent; none when everything is sent.
    pub(crate) fn take(&self) -> Option<v1::WatchInterests> {
        let mut inner = self.inner.lock();
        let mut message = v1::WatchInterests::default();
        while message.upserts.len() + message.removals.len() < PER_MESSAGE
            && let Some(uid) = inner.unsent.pop_first()
        {
            match inner.wanted.get(&uid) {
                Some(interest) => message.upserts.push(interest_to_proto(interest)),
                None => message.removals.push(uid.to_string()),
            }
        }
        while message.look_again.len() < PER_MESSAGE
            && let Some(id) = inner.look_again.pop_first()
        {
            message.look_again.push(id.to_string());
        }
        (message != v1::WatchInterests::default()).then_some(message)
    }

    /// Resolves when something may have become unsent.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
