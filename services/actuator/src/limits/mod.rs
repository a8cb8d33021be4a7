//! The account's request limits: one per (region, action) of an account, shared by everything that calls the cloud.
//!
//! Whoever wants to call waits for a [`Permit`], by priority and in turns between clusters, and [`Permit::spend`]s it at the moment of
//! sending. A permit that is dropped unspent goes back. Queues are bounded and report depth and expected wait.

mod queue;
mod table;
mod window;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clb_model::operation::Priority;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::ActuatorMetrics;

use queue::{Queue, Waiter};
pub(crate) use table::Table;
use window::Window;

/// How long all calls of an action pause after the cloud said `Throttling`.
const THROTTLED_PAUSE: Duration = Duration::from_secs(2);

/// For whom a permit is.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The cluster; empty for the mirror's own reads.
    pub(crate) cluster: String,
    /// How urgent it is.
    pub(crate) priority: Priority,
}

/// Why there is no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPermit {
    /// The deadline passes first.
    #[error("the limit of {action} is used up until after the deadline")]
    TooLate {
        /// The action.
        action: &'static str,
        /// When the limit is expected to have room.
        retry_after: Duration,
    },
    /// Too many wait already.
    #[error("{length} calls of {action} are waiting already")]
    QueueFull {
        /// The action.
        action: &'static str,
        /// How many.
        length: usize,
        /// When it is expected to be shorter.
        retry_after: Duration,
    },
}

impl NoPermit {
    /// When to try again.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::TooLate { retry_after, .. } | Self::QueueFull { retry_after, .. } => *retry_after,
        }
    }
}

/// The limits of one account in one region.
pub(crate) struct Limits {
    region: String,
    table: Table,
    queue_length: usize,
    buckets: Mutex<HashMap<&'static str, Arc<Bucket>>>,
    metrics: Arc<ActuatorMetrics>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// One limit: what is used, and who waits.
struct Bucket {
    action: &'static str,
    region: String,
    state: Mutex<State>,
    /// Something changed that may let the next one go sooner.
    changed: Notify,
    metrics: Arc<ActuatorMetrics>,
}

struct State {
    window: Window,
    queue: Queue<Permit>,
    /// Whether a task serves the queue.
    served: bool,
}

/// Somebody's place in the queue; who goes away leaves it, so that only those who wait count.
struct Place {
    bucket: Arc<Bucket>,
    /// None once its turn has come.
    turn: Option<oneshot::Receiver<Permit>>,
}

/// The right to call an action once.
#[must_use = "a permit that is dropped unspent goes back"]
pub(crate) struct Permit {
    bucket: Option<Arc<Bucket>>,
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("action", &self.bucket.as_ref().map(|bucket| bucket.action))
            .finish()
    }
}

impl Limits {
    /// Limits by a table. `tasks` are served until `stop`.
    pub(crate) fn new(
        region: &str,
        table: Table,
        queue_length: usize,
        metrics: Arc<ActuatorMetrics>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            region: region.to_owned(),
            table,
            queue_length,
            buckets: Mutex::new(HashMap::new()),
            metrics,
            tasks,
            stop,
        })
    }

    /// Waits for the right to call `action` once, at most until `deadline`.
    ///
    /// # Errors
    /// The deadline passes first, or too many wait already.
    pub(crate) async fn acquire(
        &self,
        action: &'static str,
        asker: &Asker,
        deadline: Instant,
    ) -> Result<Permit, NoPermit> {
        let bucket = self.bucket(action);
        let mut place = {
            let mut state = bucket.state.lock();
            let now = Instant::now();
            if state.queue.len() == 0 && state.window.ready_at(now) == Some(now) {
                return Ok(bucket.grant(&mut state, now));
            }
            let length = state.queue.len();
            if length >= self.queue_length {
                let retry_after = state.window.expected_wait(length, now);
                return Err(NoPermit::QueueFull {
                    action,
                    length,
                    retry_after,
                });
            }
            let (ready, turn) = oneshot::channel();
            state.queue.push(&asker.cluster, asker.priority, Waiter { ready });
            bucket.report(&mut state, now);
            if !std::mem::replace(&mut state.served, true) {
                let stop = self.stop.clone();
                let bucket = Arc::clone(&bucket);
                self.tasks.spawn(async move {
                    tokio::select! {
                        () = bucket.serve() => {}
                        () = stop.cancelled() => bucket.state.lock().served = false,
                    }
                });
            }
            Place {
                bucket: Arc::clone(&bucket),
                turn: Some(turn),
            }
        };
        match tokio::time::timeout_at(deadline, place.turn()).await {
            Ok(Some(permit)) => Ok(permit),
            Ok(None) | Err(_) => {
                drop(place);
                let mut state = bucket.state.lock();
                let length = state.queue.len();
                let retry_after = state.window.expected_wait(length, Instant::now());
                Err(NoPermit::TooLate { action, retry_after })
            }
        }
    }

    /// The cloud said that there were too many calls of this action.
    pub(crate) fn throttled(&self, action: &'static str) {
        let bucket = self.bucket(action);
        bucket.state.lock().window.hold(Instant::now() + THROTTLED_PAUSE);
        bucket.changed.notify_one();
    }

    fn bucket(&self, action: &'static str) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        let bucket = buckets.entry(action).or_insert_with(|| {
            Arc::new(Bucket {
                action,
                region: self.region.clone(),
                state: Mutex::new(State {
                    window: Window::new(self.table.allowance(action), Instant::now()),
                    queue: Queue::default(),
                    served: false,
                }),
                changed: Notify::new(),
                metrics: Arc::clone(&self.metrics),
            })
        });
        Arc::clone(bucket)
    }
}

impl Bucket {
    fn grant(self: &Arc<Self>, state: &mut State, now: Instant) -> Permit {
        state.window.reserve(now);
        self.report(state, now);
        Permit {
            bucket: Some(Arc::clone(self)),
        }
    }

    /// Hands out permits as the window allows, until nobody waits.
    async fn serve(self: &Arc<Self>) {
        loop {
            let wait_until = {
                let mut state = self.state.lock();
                let now = Instant::now();
                if state.queue.len() == 0 {
                    state.served = false;
                    return;
                }
                match state.window.ready_at(now) {
                    Some(ready) if ready <= now => {
                        if let Some(waiter) = state.queue.pop() {
                            let permit = self.grant(&mut state, now);
                            drop(state);
                            // One who went away meanwhile drops the permit, which gives it back.
                            drop(waiter.ready.send(permit));
                        }
                        continue;
                    }
                    ready => ready,
                }
            };
            match wait_until {
                Some(ready) => tokio::select! {
                    () = tokio::time::sleep_until(ready) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    fn report(&self, state: &mut State, now: Instant) {
        let labels = [self.region.as_str(), self.action];
        let waiting = state.queue.len();
        self.metrics
            .limit_used
            .with_label_values(&labels)
            .set(i64::try_from(state.window.used(now)).unwrap_or(i64::MAX));
        self.metrics
            .limit_queue
            .with_label_values(&labels)
            .set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.metrics
            .limit_expected_wait
            .with_label_values(&labels)
            .set(state.window.expected_wait(waiting, now).as_secs_f64());
    }
}

impl Place {
    /// The permit, when it is its turn; none where nobody serves the queue any more.
    async fn turn(&mut self) -> Option<Permit> {
        let permit = self.turn.as_mut()?.await.ok();
        self.turn = None;
        permit
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A permit that has come meanwhile goes back with it, for which the lock must be free.
        if let Some(turn) = self.turn.take() {
            drop(turn);
            let mut state = self.bucket.state.lock();
            state.queue.sweep();
            self.bucket.report(&mut state, Instant::now());
        }
    }
}

impl Permit {
    /// The call is sent now.
    pub(crate) fn spend(mut self) {
        if let Some(bucket) = self.bucket.take() {
            let mut state = bucket.state.lock();
            let now = Instant::now();
            state.window.spend(now);
            bucket.report(&mut state, now);
            drop(state);
            bucket.changed.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(bucket) = self.bucket.take() {
            bucket.state.lock().window.give_back();
            bucket.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
