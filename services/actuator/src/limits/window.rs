//! The arithmetic of one limit, without waiting: how many calls of an action fit into any window of time.
//!
//! A call is *reserved* first and *spent* when it is sent; what is reserved counts as if it were sent all the time. So the calls sent
//! within any window never exceed the limit, however long a reservation is held. A bucket of tokens beside it bounds bursts.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How much of an action is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Allowance {
    /// Calls in any window; at least 1.
    pub(crate) calls: u32,
    /// The window.
    pub(crate) window: Duration,
    /// Calls at once after a time of rest; at least 1.
    pub(crate) burst: u32,
}

impl Allowance {
    /// Time in which one token comes back.
    fn interval(&self) -> Duration {
        self.window / self.calls.max(1)
    }
}

/// What was used of one limit.
#[derive(Debug)]
pub(crate) struct Window {
    allowance: Allowance,
    /// When the calls of the last window were sent, oldest first.
    spent: VecDeque<Instant>,
    /// Reserved and not sent yet.
    reserved: u32,
    /// Tokens for bursts, as the time at which the bucket will be full again.
    full_at: Instant,
    /// Nothing goes before: the cloud said that it was too much.
    held_until: Option<Instant>,
}

impl Window {
    pub(crate) fn new(allowance: Allowance, now: Instant) -> Self {
        Self {
            allowance,
            spent: VecDeque::new(),
            reserved: 0,
            full_at: now,
            held_until: None,
        }
    }

    /// When a call can be reserved at the earliest: `now` if at once, none while everything that fits is reserved.
    pub(crate) fn ready_at(&mut self, now: Instant) -> Option<Instant> {
        self.forget(now);
        let used = self.spent.len() as u64 + u64::from(self.reserved);
        let by_window = if used < u64::from(self.allowance.calls) {
            now
        } else {
            // Reservations end when they are spent or returned, which wakes the waiting anyway.
            *self.spent.front()? + self.allowance.window
        };
        // A token is there when the bucket needs at most `burst - 1` intervals more to be full.
        let slack = self.allowance.interval() * self.allowance.burst.saturating_sub(1);
        let by_burst = self.full_at.checked_sub(slack).unwrap_or(now);
        let held = self.held_until.unwrap_or(now);
        Some(by_window.max(by_burst).max(held).max(now))
    }

    /// Reserves a call that [`Self::ready_at`] allowed for now.
    pub(crate) fn reserve(&mut self, now: Instant) {
        self.reserved += 1;
        self.full_at = self.full_at.max(now) + self.allowance.interval();
    }

    /// A reserved call is sent now.
    pub(crate) fn spend(&mut self, now: Instant) {
        self.reserved = self.reserved.saturating_sub(1);
        self.spent.push_back(now);
        self.forget(now);
    }

    /// A reserved call is not sent after all.
    pub(crate) fn give_back(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
        self.full_at -= self.allowance.interval();
    }

    /// Lets nothing through for a while.
    pub(crate) fn hold(&mut self, until: Instant) {
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
    }

    /// Calls of the last window, reserved ones among them.
    pub(crate) fn used(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.spent.len() as u64 + u64::from(self.reserved)
    }

    /// How long the last of `waiting` calls will wait.
    pub(crate) fn expected_wait(&mut self, waiting: usize, now: Instant) -> Duration {
        let begins = self
            .ready_at(now)
            .map_or(Duration::ZERO, |ready| ready.saturating_duration_since(now));
        let behind = u32::try_from(waiting.saturating_sub(1)).unwrap_or(u32::MAX);
        begins.saturating_add(self.allowance.interval().saturating_mul(behind))
    }

    fn forget(&mut self, now: Instant) {
        while self
            .spent
            .front()
            .is_some_and(|sent| now.saturating_duration_since(*sent) >= self.allowance.window)
        {
            self.spent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowance(calls: u32, window_ms: u64, burst: u32) -> Allowance {
        Allowance {
            calls,
            window: Duration::from_millis(window_ms),
            burst,
        }
    }

    /// Sends as fast as allowed for `total` calls and returns when each was sent.
    fn send_eagerly(allowance: Allowance, total: usize) -> Vec<Duration> {
        let start = Instant::now();
        let mut now = start;
        let mut window = Window::new(allowance, now);
        let mut sent = Vec::new();
        while sent.len() < total {
            now = window.ready_at(now).unwrap();
            window.reserve(now);
            window.spend(now);
            sent.push(now - start);
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_followed_by_the_steady_rate() {
        let sent = send_eagerly(allowance(80, 60_000, 20), 25);
        assert_eq!(sent[19], Duration::ZERO);
        assert_eq!(sent[20], Duration::from_millis(750));
        assert_eq!(sent[24], Duration::from_millis(3750));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_reserved_counts_until_it_is_given_back() {
        let now = Instant::now();
        let mut window = Window::new(allowance(1, 1000, 1), now);
        window.reserve(now);
        assert_eq!(window.ready_at(now), None);
        window.give_back();
        assert_eq!(window.ready_at(now), Some(now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_send_counts_from_when_it_was_sent() {
        let start = Instant::now();
        let mut window = Window::new(allowance(1, 1000, 1), start);
        window.reserve(start);
        let late = start + Duration::from_millis(900);
        window.spend(late);
        assert_eq!(window.ready_at(late), Some(late + Duration::from_millis(1000)));
    }

    proptest! {
        /// Never more than `calls` in any window, never more than `burst` at once, however reservations are held.
        #[test]
        fn no_window_holds_more_than_allowed(
            calls in 1_u32..30,
            burst in 1_u32..40,
            steps in proptest::collection::vec((0_u64..400, 0_u64..900, prop::bool::weighted(0.8)), 1..200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().start_paused(true).enable_time().build().unwrap();
            runtime.block_on(async {
                let limit = allowance(calls, 1000, burst);
                let start = Instant::now();
                let mut window = Window::new(limit, start);
                let mut held: Vec<(Instant, bool)> = Vec::new();
                let mut sent: Vec<Instant> = Vec::new();
                let mut reserved_at: Vec<Instant> = Vec::new();
                let mut now = start;
                for (pause, hold, used) in steps {
                    now += Duration::from_millis(pause);
                    held.retain(|(until, used)| {
                        if *until > now { return true; }
                        if *used { window.spend(now); sent.push(now); } else { window.give_back(); }
                        false
                    });
                    while window.ready_at(now) == Some(now) {
                        window.reserve(now);
                        reserved_at.push(now);
                        held.push((now + Duration::from_millis(hold), used));
                    }
                }
                for first in &sent {
                    let in_window = sent.iter().filter(|other| **other >= *first && **other - *first < limit.window).count();
                    prop_assert!(in_window <= calls as usize, "{in_window} calls in a window of {calls}");
                }
                Ok(())
            })?;
        }
    }
}
