//! The task of one cluster: hears, plans, gives batches and questions away, and hears again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use clb_model::ServiceUid;
use clb_model::operation::Batch;
use clb_model::version::{PlanNumber, Tenure};
use clb_planner_core::settings::ClusterSettings;
use clb_planner_core::step::{Step, StepInputs};
use clb_telemetry::Check;
use clb_wire::actuator::Facts;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ClusterHandle;
use super::event::Event;
use super::facts::FactCache;
use super::queue::{Urgency, WorkQueue};
use super::state::ClusterState;
use super::view::View;
use crate::actuator::ActuatorClient;
use crate::actuator::execute::Execution;
use crate::actuator::interests::Interests;
use crate::snapshot::freshness::{Freshness, Frozen};

/// Passes in a row before the task hears again.
const PASSES_AT_A_TIME: usize = 16;

/// What a cluster's task is configured with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Batches under way at a time.
    pub(crate) batches_in_flight: usize,
    /// How long a batch may wait and run.
    pub(crate) batch_deadline: Duration,
    /// Age at which a cluster is stale.
    pub(crate) stale_after: Duration,
    /// How long answers hold.
    pub(crate) facts_ttl: Duration,
    /// How long batches under way are waited for at the end.
    pub(crate) shutdown_grace: Duration,
}

/// How one Service is planned: [`clb_planner_core::step()`], except in tests of what is around it.
pub(crate) type Planning = fn(StepInputs<'_>) -> Step;

/// The task of one cluster.
#[derive(Debug)]
pub(crate) struct ClusterTask {
    pub(super) handle: Arc<ClusterHandle>,
    pub(super) planning: Planning,
    pub(super) settings: ClusterSettings,
    pub(super) limits: Limits,
    pub(super) client: ActuatorClient,
    pub(super) interests: Arc<Interests>,
    fencing: Tenure,
    check: Check,
    pub(super) state: ClusterState,
    pub(super) view: View,
    /// When the mirror's stream was opened or lost.
    pub(super) view_begun: Instant,
    pub(super) facts: FactCache,
    pub(super) queue: WorkQueue,
    pub(super) freshness: Freshness,
    /// Why, and since when.
    frozen: Option<(Frozen, Instant)>,
    /// Number of the newest watcher's stream.
    pub(super) stream: u64,
    plans: u64,
    pub(super) jobs: JoinSet<Finished>,
    /// The newest batch under way of each Service; also of those that have gone meanwhile.
    pub(super) under_way: BTreeMap<ServiceUid, UnderWay>,
    /// Services with operations for which there was no room among the batches under way.
    pub(super) waiting_for_room: VecDeque<ServiceUid>,
}

/// A batch that the actuator has.
#[derive(Debug)]
pub(crate) struct UnderWay {
    /// The batch.
    pub(super) batch: Arc<Batch>,
    /// From when on a change of the cluster does not wait for its end.
    pub(super) overtake_at: Instant,
    /// When it is planned again, because what it takes away is good for a while only.
    pub(super) renew_at: Option<Instant>,
}

/// Something that the task had given away has come back.
#[derive(Debug)]
pub(crate) enum Finished {
    /// A batch.
    Batch {
        /// What was to be done.
        batch: Arc<Batch>,
        /// What became of it.
        execution: Execution,
        /// When it was given away.
        started: Instant,
    },
    /// Answers, or why there are none.
    Answers(Result<Facts, String>),
}

impl ClusterTask {
    /// A task that has heard nothing yet.
    pub(crate) fn new(
        handle: Arc<ClusterHandle>,
        planning: Planning,
        settings: ClusterSettings,
        limits: Limits,
        client: ActuatorClient,
        fencing: Tenure,
        check: Check,
    ) -> Self {
        Self {
            handle,
            planning,
            settings,
            limits,
            client,
            interests: Arc::default(),
            fencing,
            check,
            state: ClusterState::default(),
            view: View::default(),
            view_begun: Instant::now(),
            facts: FactCache::new(limits.facts_ttl),
            queue: WorkQueue::default(),
            freshness: Freshness::new(limits.stale_after),
            frozen: None,
            stream: 0,
            plans: 0,
            jobs: JoinSet::new(),
            under_way: BTreeMap::new(),
            waiting_for_room: VecDeque::new(),
        }
    }

    /// Where the interests of this cluster's Services are put.
    pub(crate) fn interests(&self) -> Arc<Interests> {
        self.interests.clone()
    }

    /// Runs until `stop`, then waits briefly for the batches under way.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<Event>, stop: CancellationToken) {
        self.look_at_freshness(Instant::now());
        loop {
            self.catch_up(&mut events);
            let now = Instant::now();
            self.queue.ring(now);
            self.look_at_freshness(now);
            self.fill_room();
            for _ in 0..PASSES_AT_A_TIME {
                match self.queue.next() {
                    Some(uid) => self.pass(&uid),
                    None => break,
                }
            }
            self.ask();
            self.show_metrics();
            let idle = self.queue.len() == 0 && (self.room() == 0 || self.waiting_for_room.is_empty());
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(finished) = self.jobs.join_next() => self.finish(finished),
                event = events.recv() => match event {
                    Some(event) => self.hear(event),
                    None => break,
                },
                () = sleep_to(due), if idle => {}
                () = tokio::task::yield_now(), if !idle => {}
            }
        }
        self.drain(&mut events).await;
    }

    /// Takes in all that waits. News that took turns with passes would stay behind the passes that they cause, and those would plan what is
    /// out of date.
    fn catch_up(&mut self, events: &mut mpsc::Receiver<Event>) {
        while let Some(finished) = self.jobs.try_join_next() {
            self.finish(finished);
        }
        // As much as waits now: those who tell are not to keep the task from planning.
        for _ in 0..events.len() {
            match events.try_recv() {
                Ok(event) => self.hear(event),
                Err(_) => return,
            }
        }
    }

    /// How many more batches may be under way.
    pub(super) fn room(&self) -> usize {
        self.limits.batches_in_flight.saturating_sub(self.under_way.len())
    }

    /// Puts as many of those that waited for room in line as there is room for.
    fn fill_room(&mut self) {
        for _ in self.queue.len()..self.room() {
            let Some(uid) = self.waiting_for_room.pop_front() else {
                return;
            };
            if let Some((known, _)) = self.state.service_and_nodes(&uid) {
                known.waits_for_room = false;
                self.queue.add(&uid, Urgency::AtOnce, Instant::now());
            }
        }
    }

    /// Batches under way are given a moment: their results are lost to this planner, but a call that is cut off is worse.
    async fn drain(&mut self, events: &mut mpsc::Receiver<Event>) {
        let deadline = Instant::now() + self.limits.shutdown_grace;
        events.close();
        loop {
            tokio::select! {
                finished = timeout_at(deadline, self.jobs.join_next()) => match finished {
                    Ok(Some(finished)) => self.finish(finished),
                    Ok(None) => return,
                    Err(_) => {
                        tracing::warn!(cluster = %self.handle.id(), batches = self.under_way.len(), "batches were still under way at the end");
                        return;
                    }
                },
                Some(_) = events.recv() => {}
            }
        }
    }

    /// When there is something to do even if nothing is heard.
    fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let warning = self.warn_at().filter(|due| *due > now);
        let stale = self.freshness.deadline(now);
        let next = self.queue.next_timer();
        next.into_iter().chain(stale).chain(warning).min()
    }

    /// Sees when the cluster becomes frozen and when it no longer is; then what was held back is planned.
    pub(super) fn look_at_freshness(&mut self, now: Instant) {
        let before = self.frozen.take();
        match self.freshness.frozen(now) {
            Some(reason) => {
                let since = before.map_or(now, |(_, since)| since);
                self.frozen = Some((reason, since));
            }
            None => {
                self.check.ok();
                if before.is_some() {
                    let all: Vec<ServiceUid> = self.state.services().map(|(uid, _)| uid.clone()).collect();
                    for uid in all {
                        self.queue.add(&uid, Urgency::AtOnce, now);
                    }
                }
            }
        }
        if let Some((reason, _)) = &self.frozen
            && self.warn_at().is_some_and(|due| due <= now)
        {
            self.check.failing(&reason.to_string());
        }
        self.handle.metrics.set_frozen(self.frozen.is_some());
    }

    /// When being frozen is worth a warning.
    fn warn_at(&self) -> Option<Instant> {
        let (reason, since) = self.frozen.as_ref()?;
        Some(*since + self.freshness.patience(reason))
    }

    pub(super) fn frozen(&self) -> Option<&Frozen> {
        self.frozen.as_ref().map(|(reason, _)| reason)
    }

    pub(super) fn next_plan(&mut self) -> PlanNumber {
        self.plans += 1;
        PlanNumber {
            fencing: self.fencing,
            counter: self.plans,
        }
    }

    fn show_metrics(&self) {
        let metrics = &self.handle.metrics;
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.queue_depth.set(gauge(self.queue.len()));
        metrics.batches_in_flight.set(gauge(self.under_way.len()));
        metrics.services.set(gauge(self.state.service_count()));
        metrics.nodes.set(gauge(self.state.node_count()));
    }
}

async fn sleep_to(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
