//! Which Service is planned next: each waits once however often it changes, again later after a failure or at a time that a pass
//! named, and while a batch of its own is out only to replace one that takes long.
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
    held: Option<Hold>,
    /// It changed while it was held, and how soon that is to be planned.
    changed: Option<Urgency>,
    failures: u32,
    /// Set after a failure: what the failed batch itself stirred up does not shorten the wait.
    not_before: Option<Instant>,
    timer: Option<Instant>,
}

/// A batch that is out.
#[derive(Debug, Clone, Copy)]
struct Hold {
    /// From then on a change of the cluster does not wait for its end.
    overtake_at: Instant,
    /// From then on it is planned again in any case.
    renew_at: Option<Instant>,
}

/// How soon a change is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// After the wait of a failure: the cloud changed, perhaps by our own batch.
    AfterWait,
    /// At once: the cluster changed, and what failed before may succeed now.
    AtOnce,
}

impl WorkQueue {
    /// Something about the Service changed.
    pub(crate) fn add(&mut self, uid: &ServiceUid, urgency: Urgency, now: Instant) {
        let entry = self.services.entry(uid.clone()).or_default();
        if let Some(hold) = entry.held {
            entry.changed = entry.changed.max(Some(urgency));
            if urgency == Urgency::AtOnce {
                self.wake_at(uid, hold.overtake_at.max(now));
            }
            return;
        }
        match entry.not_before {
            Some(due) if urgency == Urgency::AfterWait && due > now => self.wake_at(uid, due),
            _ => self.line_up(uid),
        }
    }

    fn line_up(&mut self, uid: &ServiceUid) {
        let entry = self.services.entry(uid.clone()).or_default();
        if !entry.queued {
            entry.queued = true;
            self.ready.push_back(uid.clone());
        }
    }

    /// The Service to plan now. Its timer is off until the pass sets it again.
    pub(crate) fn next(&mut self) -> Option<ServiceUid> {
        while let Some(uid) = self.ready.pop_front() {
            let Some(entry) = self.services.get_mut(&uid) else {
                continue;
            };
            if !std::mem::take(&mut entry.queued) {
                continue;
            }
            if entry.held.is_none()
                && let Some(timer) = entry.timer.take()
            {
                self.timers.remove(&(timer, uid.clone()));
            }
            return Some(uid);
        }
        None
    }

    /// A batch is out: no pass for this Service until [`release`](Self::release), unless the cluster has changed and it is `overtake_at`, or it
    /// is `renew_at`.
    pub(crate) fn hold(&mut self, uid: &ServiceUid, overtake_at: Instant, renew_at: Option<Instant>) {
        let entry = self.services.entry(uid.clone()).or_default();
        entry.queued = false;
        entry.held = Some(Hold {
            overtake_at,
            renew_at,
        });
        if let Some(at) = renew_at {
            self.wake_at(uid, at);
        }
    }

    /// The batch is over; what changed meanwhile is planned now.
    pub(crate) fn release(&mut self, uid: &ServiceUid, now: Instant) {
        let Some(entry) = self.services.get_mut(uid) else {
            return;
        };
        entry.held = None;
        if let Some(urgency) = entry.changed.take() {
            self.add(uid, urgency, now);
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

    /// Its batch failed: plans the Service again after a wait that grows with each failure in a row, but not before `at_least`.
    pub(crate) fn retry(&mut self, uid: &ServiceUid, at_least: Duration, now: Instant) {
        let due = self.look_again(uid, at_least, now);
        if let Some(entry) = self.services.get_mut(uid) {
            entry.not_before = Some(due);
        }
    }

    /// Its batch was asked to wait, which is no failure. It waits no longer than after failures: who asked may have found it crowded for a
    /// moment only.
    pub(crate) fn wait(&mut self, uid: &ServiceUid, wait: Duration, now: Instant) {
        let due = now + wait.min(RETRY.most);
        self.wake_at(uid, due);
        if let Some(entry) = self.services.get_mut(uid) {
            entry.not_before = Some(due);
        }
    }

    /// It cannot be built as it is: plans it again after such a wait, or as soon as anything changes. Returns when.
    pub(crate) fn look_again(&mut self, uid: &ServiceUid, at_least: Duration, now: Instant) -> Instant {
        let entry = self.services.entry(uid.clone()).or_default();
        entry.failures = entry.failures.saturating_add(1);
        let due = now + RETRY.delay(entry.failures).max(at_least);
        self.wake_at(uid, due);
        due
    }

    /// The Service is as it should be: the next failure is the first again.
    pub(crate) fn succeeded(&mut self, uid: &ServiceUid) {
        if let Some(entry) = self.services.get_mut(uid) {
            entry.failures = 0;
            entry.not_before = None;
        }
    }

    /// A batch of its succeeded: what is next does not wait for what failed before it. The next failure still waits longer than those.
    pub(crate) fn progressed(&mut self, uid: &ServiceUid) {
        if let Some(entry) = self.services.get_mut(uid) {
            entry.not_before = None;
        }
    }

    /// Puts those in line whose time has come.
    pub(crate) fn ring(&mut self, now: Instant) {
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, uid)) = self.timers.pop_first() {
                let Some(entry) = self.services.get_mut(&uid) else {
                    continue;
                };
                entry.timer = None;
                match entry.held {
                    None => self.line_up(&uid),
                    Some(hold) => self.ring_held(&uid, hold, now),
                }
            }
        }
    }

    fn ring_held(&mut self, uid: &ServiceUid, hold: Hold, now: Instant) {
        let entry = self.services.entry(uid.clone()).or_default();
        let overtakes = entry.changed == Some(Urgency::AtOnce);
        let renew_at = hold.renew_at.filter(|at| *at > now);
        if overtakes && hold.overtake_at <= now {
            entry.changed = None;
            self.line_up(uid);
        } else if hold.renew_at.is_some() && renew_at.is_none() {
            self.line_up(uid);
        } else {
            // It is what the last pass named: the next one after the batch sees to it.
            entry.changed = entry.changed.max(Some(Urgency::AfterWait));
        }
        let overtake_at = (overtakes && hold.overtake_at > now).then_some(hold.overtake_at);
        if let Some(next) = overtake_at.into_iter().chain(renew_at).min() {
            self.wake_at(uid, next);
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

    const HOUR: Duration = Duration::from_secs(3600);

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
            queue.add(&uid(name), Urgency::AtOnce, Instant::now());
        }
        assert_eq!(drain(&mut queue), ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_service_is_planned_after_its_release_if_it_changed() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        queue.hold(&uid("a"), now + HOUR, None);
        queue.hold(&uid("b"), now + HOUR, None);
        queue.add(&uid("a"), Urgency::AtOnce, now);
        queue.wake_at(&uid("a"), now);
        queue.ring(now);
        assert!(drain(&mut queue).is_empty());
        queue.release(&uid("a"), now);
        queue.release(&uid("b"), now);
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
    async fn no_batch_is_put_off_for_longer_than_after_many_failures() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        for (asked, due) in [(9, 9), (3000, 300), (u64::MAX, 300)] {
            queue.wait(&uid("a"), Duration::from_secs(asked), now);
            assert_eq!(queue.next_timer(), Some(now + Duration::from_secs(due)));
            queue.forget(&uid("a"));
        }
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

    #[tokio::test(start_paused = true)]
    async fn what_a_failed_batch_stirred_up_does_not_shorten_its_wait_but_the_user_does() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        queue.hold(&uid("a"), now + HOUR, None);
        queue.add(&uid("a"), Urgency::AfterWait, now);
        queue.retry(&uid("a"), Duration::from_secs(5), now);
        queue.release(&uid("a"), now);
        assert!(drain(&mut queue).is_empty());
        assert_eq!(queue.next_timer(), Some(now + Duration::from_secs(5)));
        queue.add(&uid("a"), Urgency::AtOnce, now);
        assert_eq!(drain(&mut queue), ["a"]);

        queue.look_again(&uid("a"), Duration::from_secs(5), now);
        queue.succeeded(&uid("a"));
        queue.add(&uid("a"), Urgency::AfterWait, now);
        assert_eq!(drain(&mut queue), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_cluster_overtakes_a_batch_that_takes_long() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        let later = now + Duration::from_secs(2);
        for (name, urgency) in [("user", Urgency::AtOnce), ("cloud", Urgency::AfterWait)] {
            queue.hold(&uid(name), later, None);
            queue.add(&uid(name), urgency, now);
        }
        queue.ring(now);
        assert!(drain(&mut queue).is_empty());
        assert_eq!(queue.next_timer(), Some(later));
        queue.ring(later);
        assert_eq!(drain(&mut queue), ["user"]);
        queue.release(&uid("user"), later);
        queue.release(&uid("cloud"), later);
        assert_eq!(drain(&mut queue), ["cloud"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_is_good_for_a_while_is_renewed_whatever_else_rings() {
        let mut queue = WorkQueue::default();
        let now = Instant::now();
        let (early, renewal) = (now + Duration::from_secs(1), now + Duration::from_secs(20));
        queue.hold(&uid("a"), now + HOUR, Some(renewal));
        queue.wake_at(&uid("a"), early);
        queue.ring(early);
        assert!(drain(&mut queue).is_empty());
        assert_eq!(queue.next_timer(), Some(renewal));
        queue.ring(renewal);
        assert_eq!(drain(&mut queue), ["a"]);
        assert_eq!(queue.next_timer(), None);
    }
}
