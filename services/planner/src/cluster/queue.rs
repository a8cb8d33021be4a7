//! Which Service is planned next: each waits once however often it changes, never while a batch of its own is out, and again later
//! after a failure or at a time that a pass named.
//!
//! A plain data structure owned by the cluster's task; time is an input.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use clb_model::ServiceUid;
use tokio::time::Instant;

use crate::backoff::Backoff;

/// After a batch that did not succeed, and for a Service that cannot be built.
const RETRY: Backoff = Backoff {
    first: Duration::from_millis(250),
    most: Duration::from_secs(300),
};

/// The Services that wait for a pass.
#[derive(Debug, Default)]
pub(crate) struct WorkQueue {
    ready: VecDeque<ServiceUid>,
    services: HashMap<ServiceUid, Entry>,
    timers: BTreeSet<(Instant, ServiceUid)>,
}

#[derive(Debug, Default)]
struct Entry {
    queued: bool,
    /// A batch is out.
    held: bool,
    /// It changed while it was held.
    changed: bool,
    failures: u32,
    timer: Option<Instant>,
}

impl WorkQueue {
    /// Something about the Service changed.
    pub(crate) fn add(&mut self, uid: &ServiceUid) {
        let entry = self.services.entry(uid.clone()).or_default();
        if entry.held {
            entry.changed = true;
        } else if !entry.queued {
            entry.queued = true;
            self.ready.push_back(uid.clone());
        }
    }

    /// The Service to plan now. Its timer is off until the pass sets it again.
    pub(crate) fn next(&mut self) -> Option<ServiceUid> {
        while let Some(uid) = self.ready.pop_front() {
            if let Some(entry) = self.services.get_mut(&uid)
                && std::mem::take(&mut entry.queued)
                && !entry.held
            {
                if let Some(timer) = entry.timer.take() {
                    self.timers.remove(&(timer, uid.clone()));
                }
                return Some(uid);
            }
        }
        None
    }

    /// No pass for this Service until [`release`](Self::release).
    pub(crate) fn hold(&mut self, uid: &ServiceUid) {
        self.services.entry(uid.clone()).or_default().held = true;
    }

    /// The batch is over; what changed meanwhile is planned now.
    pub(crate) fn release(&mut self, uid: &ServiceUid) {
        let Some(entry) = self.services.get_mut(uid) else {
            return;
        };
        entry.held = false;
        if std::mem::take(&mut entry.changed) {
            self.add(uid);
        }
    }

    /// Plans the Service at that time, or earlier if it was to be planned earlier.
    pub(crate) fn wake_at(&mut self, uid: &ServiceUid, at: Instant) {
        let entry = self.services.entry(uid.clone()).or_default();
        if let Some(timer) = entry.timer {
            if timer <= at {
                return;
            }
            self.timers.remove(&(timer, uid.clone()));
        }
        entry.timer = Some(at);
        self.timers.insert((at, uid.clone()));
    }

    /// Plans the Service again after a wait that grows with each failure in a row, but not before `at_least`.
    pub(crate) fn retry(&mut self, uid: &ServiceUid, at_least: Duration, now: Instant) {
        let entry = self.services.entry(uid.clone()).or_default();
        entry.failures = entry.failures.saturating_add(1);
        let delay = RETRY.delay(entry.failures).max(at_least);
        self.wake_at(uid, now + delay);
    }

    /// The Service is as it should be: the next failure is the first again.
    pub(crate) fn succeeded(&mut self, uid: &ServiceUid) {
        if let Some(entry) = self.services.get_mut(uid) {
            entry.failures = 0;
        }
    }

    /// Puts those in line whose time has come.
    pub(crate) fn ring(&mut self, now: Instant) {
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, uid)) = self.timers.pop_first() {
                if let Some(entry) = self.services.get_mut(&uid) {
                    entry.timer = None;
                }
                self.add(&uid);
            }
        }
    }

    /// When the next Service is due.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Forgets a Service.
    pub(crate) fn forget(&mut self, uid: &ServiceUid) {
        if let Some(entry) = self.services.remove(uid)
            && let Some(timer) = entry.timer
        {
            self.timers.remove(&(timer, uid.clone()));
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> ServiceUid {
        ServiceUid::new(text).unwrap()
    }

    fn drain(queue: &mut WorkQueue) -> Vec<String> {
        std::iter::from_fn(|| queue.next())
            .map(|uid| uid.to_string())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_waits_once_and_in_order() {
        let mut queue = WorkQueue::default();
        for name in ["a", "b", "a", "c", "b"] {
            queue.add(&uid(name));
        }
        assert_eq!(drain(&mut queue), ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_service_is_planned_after_its_release_if_it_changed() {
        let mut queue = WorkQueue::default();
        queue.hold(&uid("a"));
        queue.hold(&uid("b"));
        queue.add(&uid("a"));
        queue.wake_at(&uid("a"), Instant::now());
        queue.ring(Instant::now());
        assert!(drain(&mut queue).is_empty());
        queue.release(&uid("a"));
        queue.release(&uid("b"));
        assert_eq!(drain(&mut queue), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_wait_longer_each_time_and_success_starts_anew() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..4 {
            queue.retry(&uid("a"), Duration::ZERO, now);
            let due = queue.next_timer().unwrap();
            waits.push(due - now);
            queue.ring(due);
            assert_eq!(drain(&mut queue), ["a"]);
        }
        assert!(waits[3] > waits[0]);
        queue.succeeded(&uid("a"));
        queue.retry(&uid("a"), Duration::ZERO, now);
        assert!(queue.next_timer().unwrap() - now <= RETRY.first);
        queue.retry(&uid("b"), Duration::from_secs(9), now);
        queue.forget(&uid("a"));
        assert!(queue.next_timer().unwrap() - now >= Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_wake_ups_counts() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        queue.wake_at(&uid("a"), now + Duration::from_secs(5));
        queue.wake_at(&uid("a"), now + Duration::from_secs(9));
        assert_eq!(queue.next_timer(), Some(now + Duration::from_secs(5)));
        queue.wake_at(&uid("a"), now + Duration::from_secs(1));
        queue.ring(now + Duration::from_secs(1));
        assert_eq!(drain(&mut queue), ["a"]);
        assert_eq!(queue.next_timer(), None);
    }
}
