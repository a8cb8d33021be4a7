//! The mirror: what the cloud holds, in memory, so that planning rarely reads.
//!
//! - `listing` reads all CLBs of the region in pages: at start, then slowly and for ever (the audit).
//! - `loader` has listeners, groups and backends read of those that matter: ours, and those that an interest names; `reading` reads them,
//!   `access_lists` the lists of ours that listeners use; `unread` keeps what could not be read for later.
//! - `looks` has CLBs read again out of turn because a planner asks.
//! - `parts` takes over what was read or written, gives each part its version and keeps the indexes.
//! - `view` is one planner's window on it; `interests` is what it looks for, `publish` what it is shown, `outbox` what is still to be
//!   sent.
//!
//! Called by the executor (own writes, versions) and by the gRPC edge (views). A read that began before an own write to the same
//! CLB was over is dropped: the write knows better.

mod access_lists;
mod entry;
mod index;
mod interests;
mod listing;
mod loader;
mod looks;
mod outbox;
mod parts;
mod publish;
mod reading;
mod unread;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clb_cloud_client::Failure;
use clb_model::cloud::LoadBalancer;
use clb_model::operation::Priority;
use clb_model::{LoadBalancerId, ServiceUid};
use clb_telemetry::Check;
use clb_wire::actuator::{Interest, MirrorUpdate};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cloud::{Backoff, Cloud, ReadError};
use crate::limits::Asker;
use crate::metrics::ActuatorMetrics;

pub(crate) use access_lists::read_access_list;
pub(crate) use entry::PartKey;
pub(crate) use loader::Wanted;
use parts::State;

/// How long one read of the mirror may wait for its limit and for the cloud.
const READ_DEADLINE: Duration = Duration::from_secs(60);
/// How long the end of a batch waits for the stream that shows its effects.
const TELL_PATIENCE: Duration = Duration::from_secs(1);

/// When and how fast the mirror is audited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditPace {
    /// Time between two full reads.
    pub(crate) interval: Duration,
    /// CLBs per second whose details are read.
    pub(crate) rate: u32,
}

/// The mirror of one region.
pub(crate) struct Mirror {
    cloud: Arc<Cloud>,
    metrics: Arc<ActuatorMetrics>,
    state: Mutex<State>,
    /// There is something to load.
    load: Notify,
    /// Something was handed to a planner's stream.
    sent: Notify,
    pace: AuditPace,
    /// Whether what there is can be read, for `/readyz?verbose`.
    check: Check,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// An own write to a CLB is under way: what was read meanwhile is not taken over.
#[must_use]
pub(crate) struct WriteGuard {
    mirror: Arc<Mirror>,
    id: LoadBalancerId,
}

/// One planner's window on the mirror; closed when dropped.
pub(crate) struct ViewHandle {
    mirror: Arc<Mirror>,
    number: u64,
    ready: Arc<Notify>,
}

impl Mirror {
    /// An empty mirror for CLBs that carry the tag of one of `clusters`. `term` is part of all versions: higher in each new process.
    /// What fills and keeps it runs on `tasks` until `stop`.
    pub(crate) fn new(
        cloud: Arc<Cloud>,
        metrics: Arc<ActuatorMetrics>,
        check: Check,
        clusters: BTreeSet<String>,
        (term, pace): (u64, AuditPace),
        (tasks, stop): (TaskTracker, CancellationToken),
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(clusters, term)),
            cloud,
            metrics,
            load: Notify::new(),
            sent: Notify::new(),
            pace,
            check,
            tasks,
            stop,
        })
    }

    /// Starts what fills and keeps it.
    pub(crate) fn start(self: &Arc<Self>) {
        let listing = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = listing::run(&listing) => {}
                () = listing.stop.cancelled() => {}
            }
        });
        let loading = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = loader::run(&loading) => {}
                () = loading.stop.cancelled() => {}
            }
        });
    }

    /// A CLB as it is known; none when it is not there or not known.
    pub(crate) fn get(&self, id: &LoadBalancerId) -> Option<Arc<LoadBalancer>> {
        self.state.lock().get(id)
    }

    /// The CLBs whose owner tag has this value.
    pub(crate) fn owned_by(&self, default_name: &str) -> Vec<LoadBalancerId> {
        self.state.lock().owned_by(default_name)
    }

    /// Announces an own write; to be held until it is over and taken over.
    pub(crate) fn write(self: &Arc<Self>, id: &LoadBalancerId) -> WriteGuard {
        self.state.lock().begin_write(id);
        WriteGuard {
            mirror: Arc::clone(self),
            id: id.clone(),
        }
    }

    /// Takes over an own change to one part; the part gets a new version. Nothing happens if the CLB is not known.
    pub(crate) fn edit(&self, id: &LoadBalancerId, part: &PartKey, change: impl FnOnce(&mut LoadBalancer)) {
        self.state.lock().edit(id, part, change);
    }

    /// The same for what a read that began at `clock` has shown; not where anything was written to the CLB since. Whether it was taken over.
    pub(crate) fn edit_as_read(
        &self,
        id: &LoadBalancerId,
        part: &PartKey,
        clock: u64,
        change: impl FnOnce(&mut LoadBalancer),
    ) -> bool {
        let mut state = self.state.lock();
        let is_newer = state.is_newer_than_writes(id, clock);
        if is_newer {
            state.edit(id, part, change);
        }
        is_newer
    }

    /// Takes over a CLB that was created: it is complete, there is nothing on it.
    pub(crate) fn insert_created(&self, load_balancer: LoadBalancer) {
        let mut state = self.state.lock();
        state.insert_created(load_balancer);
        self.report_size(&state);
    }

    /// A CLB is gone.
    pub(crate) fn remove(&self, id: &LoadBalancerId) {
        let mut state = self.state.lock();
        state.remove(id);
        self.report_size(&state);
    }

    /// Reads parts of a CLB again, soon and in the background.
    pub(crate) fn refresh(&self, id: &LoadBalancerId, wanted: Wanted) {
        self.state.lock().want(id, wanted);
        self.load.notify_one();
    }

    /// Reads parts of a CLB now. Whether it was taken over: not if a write was under way meanwhile.
    ///
    /// # Errors
    /// It could not be read until the deadline.
    pub(crate) async fn read_now(
        &self,
        id: &LoadBalancerId,
        wanted: Wanted,
        asker: &Asker,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        let mut reading = reading::read(self, &[(id.clone(), wanted)], asker, deadline).await;
        match reading.failed.remove(id) {
            Some(error) => Err(error),
            None => Ok(reading.overtaken.is_empty()),
        }
    }

    /// When it is, in the time of own writes: to be asked for before a search begins.
    pub(crate) fn clock(&self) -> u64 {
        self.state.lock().clock()
    }

    /// Takes over a CLB, without its details, that a search found which began at `clock`.
    pub(crate) fn adopt(&self, found: LoadBalancer, clock: u64) {
        self.state.lock().put_instance(found, clock);
    }

    /// A CLB with all its details, read now where they are not known; none when it is not there.
    ///
    /// # Errors
    /// They could not be read until the deadline.
    pub(crate) async fn complete(
        &self,
        id: &LoadBalancerId,
        asker: &Asker,
        deadline: Instant,
    ) -> Result<Option<Arc<LoadBalancer>>, ReadError> {
        let mut backoff = Backoff::new();
        loop {
            if let Some(known) = self.all_known(id) {
                return Ok(known);
            }
            self.read_now(id, Wanted::DETAILS, asker, deadline).await?;
            if let Some(known) = self.all_known(id) {
                return Ok(known);
            }
            // A write was under way, and what was read before it counts for nothing; or the cloud shows the CLB and not what is on it.
            let delay = backoff.next_delay();
            if Instant::now() + delay >= deadline {
                return Err(ReadError::Incomplete(id.clone()));
            }
            tokio::time::sleep(delay).await;
        }
    }

    /// A CLB whose details are all known, or that is not there; none where some are not known.
    fn all_known(&self, id: &LoadBalancerId) -> Option<Option<Arc<LoadBalancer>>> {
        let state = self.state.lock();
        match state.get(id) {
            Some(current) => state.is_complete(id).then_some(Some(current)),
            None => Some(None),
        }
    }

    /// Reads parts of a CLB again after a while, in the background.
    pub(crate) fn refresh_later(self: &Arc<Self>, id: &LoadBalancerId, wanted: Wanted, delay: Duration) {
        let (mirror, id, stop) = (Arc::clone(self), id.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => mirror.refresh(&id, wanted),
                () = stop.cancelled() => {}
            }
        });
    }

    /// Waits, but not for long, until the planners of a cluster have been told what became of a CLB: one that hears of a batch's end first
    /// would plan from what was before it.
    pub(crate) async fn told(&self, cluster: &str, id: &LoadBalancerId) {
        let told = async {
            loop {
                let sent = self.sent.notified();
                if self.state.lock().is_told(cluster, id) {
                    return;
                }
                sent.await;
            }
        };
        // A planner that does not read keeps its own batches waiting no longer than this.
        drop(tokio::time::timeout(TELL_PATIENCE, told).await);
    }

    /// Whether all CLBs of the region have been read once.
    pub(crate) fn is_listed(&self) -> bool {
        self.state.lock().listed
    }

    /// Opens a window for the planner of a cluster.
    pub(crate) fn open_view(self: &Arc<Self>, cluster: &str) -> ViewHandle {
        let ready = Arc::new(Notify::new());
        let number = self.state.lock().open_view(cluster, Arc::clone(&ready));
        self.load.notify_one();
        ViewHandle {
            mirror: Arc::clone(self),
            number,
            ready,
        }
    }

    /// For whom the mirror's own reads are.
    fn asker() -> Asker {
        Asker {
            cluster: String::new(),
            priority: Priority::Normal,
        }
    }

    /// Shows whether reading works. What is wrong with the cloud as a whole shows there already, once.
    fn report_reading<T>(&self, result: &Result<T, ReadError>) {
        match result {
            Ok(_) => self.check.ok(),
            Err(ReadError::Call(error))
                if error.is_credentials() || matches!(error.failure, Failure::NotSent(_)) => {}
            Err(error) => self.check.failing(&error.to_string()),
        }
    }

    fn report_size(&self, state: &State) {
        self.metrics
            .mirror_load_balancers
            .with_label_values(&[self.cloud.region()])
            .set(i64::try_from(state.len()).unwrap_or(i64::MAX));
    }

    fn report_drift(&self, parts: &[&'static str]) {
        for part in parts {
            self.metrics
                .mirror_drift
                .with_label_values(&[self.cloud.region(), part])
                .inc();
        }
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        self.mirror.state.lock().end_write(&self.id);
    }
}

impl ViewHandle {
    /// Changes the interests.
    pub(crate) fn change_interests(&self, upserts: Vec<Interest>, removals: &[ServiceUid]) {
        self.mirror
            .state
            .lock()
            .change_interests(self.number, upserts, removals);
        self.mirror.load.notify_one();
    }

    /// Has CLBs read again, because what they were last shown to hold stands in a Service's way. [`MirrorUpdate::Looked`] tells of each
    /// when that is over.
    pub(crate) fn look_again(&self, ids: Vec<LoadBalancerId>) {
        self.mirror.look_again(self.number, ids);
    }

    /// The next thing to send; waits until there is one. Cancel-safe.
    pub(crate) async fn next(&self) -> MirrorUpdate {
        loop {
            // Made before looking, so that what comes in between is not missed.
            let ready = self.ready.notified();
            let update = self.mirror.state.lock().next_update(self.number);
            self.mirror.sent.notify_waiters();
            if let Some(update) = update {
                return update;
            }
            ready.await;
        }
    }
}

impl Drop for ViewHandle {
    fn drop(&mut self) {
        self.mirror.state.lock().close_view(self.number);
    }
}

#[cfg(test)]
mod tests;
