//! One pass for one Service, and what follows from it: directives, a batch, questions, the next wake-up. Then the batch's results.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clb_model::ServiceUid;
use clb_model::cloud::StaticAddress;
use clb_model::operation::{Batch, Change, OperationResult, Outcome};
use clb_planner_core::step::{Observation, PlannedBatch, State, StepInputs};
use clb_telemetry::SpanTraceExt as _;
use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, info_span};

use super::effects::signs;
use super::looks::Looks;
use super::queue::Urgency;
use super::unseen::{LOOK_AGAIN, most_attachments};
use super::worker::{ClusterTask, Finished, UnderWay};
use crate::actuator::execute::{Execution, execute};
use crate::actuator::inspect::inspect;
use crate::metrics::{BatchEnd, state_name};

/// How long the mirror may take to show a batch's effects. Planning without them does no harm (the actuator refuses what is out of date), it
/// only costs a round.
const EFFECTS_DEADLINE: Duration = Duration::from_secs(10);

/// Batches for a Service in a row, each of them successful, before it has to wait: more than that means that something is changed and
/// changed again.
const BATCHES_WITHOUT_WAIT: u32 = 8;

/// A batch that takes longer than this waits for a limit or for a busy CLB: a change of the cluster is not kept waiting by it.
const OVERTAKE_AFTER: Duration = Duration::from_secs(2);

/// Which part of the time that a removal is good for passes before it is planned again.
const RENEW_AT: f64 = 0.7;

/// Where the actuator names no longer one.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl ClusterTask {
    /// Plans one Service.
    pub(super) fn pass(&mut self, uid: &ServiceUid) {
        let now = Instant::now();
        if self.waits_for_mirror(uid, now) {
            return;
        }
        let fresh = self.frozen().is_none();
        let room = self.room() > 0;
        let own_attachments = self.view.attachments.release(uid);
        let unseen = self.unseen_attachments(now);
        let Some((known, nodes)) = self.state.service_and_nodes(uid) else {
            // It has gone since it was put in line.
            self.queue.forget(uid);
            return;
        };
        let candidates = self.view.candidates(uid);
        let service = known.service.clone();
        let span = known.change.pass_span(
            self.handle.id().as_str(),
            &service.key.namespace,
            &service.key.name,
            uid,
        );
        let step = span.in_scope(|| {
            (self.planning)(StepInputs {
                cluster: &self.settings,
                service: &service,
                nodes,
                observed: candidates
                    .as_deref()
                    .map_or(Observation::Pending, Observation::Known),
                facts: self.facts.current(now),
                attachments: self.view.attachments.counts(),
                memory: &known.memory,
                fresh,
                now_ms: now_ms(),
            })
        });
        span.record("clb.state", state_name(step.state));
        let metrics = &self.handle.metrics;
        metrics.pass(step.state, now.elapsed());
        if let Some(under_way) = self.under_way.get(uid) {
            if !under_way.is_outdated_by(step.batch.as_ref(), now) {
                self.view.attachments.restore(uid, own_attachments);
                return;
            }
        } else if unseen > 0
            && let Some(batch) = &step.batch
            && most_attachments(batch, |instance| self.view.attachments.counts().of(instance)) + unseen
                > self.settings.quotas.attachments_per_instance
        {
            self.queue.wake_at(uid, now + LOOK_AGAIN);
            return;
        } else if step.batch.is_some() && !room {
            // What would be planned now is out of date by the time there is room; so is what it would say.
            if !std::mem::replace(&mut known.waits_for_room, true) {
                self.waiting_for_room.push_back(uid.clone());
            }
            return;
        }
        if step.state != State::Observing
            && let Some(next) = Looks::next(&mut known.looks, &step.doubtful, &service, now)
        {
            if next.ask {
                self.interests.look_again(&step.doubtful);
            }
            self.queue.wake_at(uid, next.at);
            if next.wait {
                self.view.attachments.restore(uid, own_attachments);
                return;
            }
        }
        if let Some(address) = step.batch.as_ref().and_then(static_address)
            && !self.facts.claim(uid, &address)
        {
            self.view.attachments.restore(uid, own_attachments);
            return;
        }
        let trace = span.trace_context();
        known.change.passed(&trace);
        known.trace_id = trace.trace_id().unwrap_or_default();
        known.memory = step.memory;
        if known.state != Some(step.state) {
            let (before, after) = (known.state.map(state_name), state_name(step.state));
            tracing::info!(parent: &span, service = %service.key, before, state = after, message = step.message, "the Service's state has changed");
        }
        known.state = Some(step.state);
        known.message = step.message;
        let settled = step.batch.is_none() && step.questions.is_empty();
        match step.state {
            State::Converged | State::None | State::HandedOver if settled => {
                known.batches = 0;
                if let Some(since) = known.change.finish()
                    && step.state == State::Converged
                {
                    metrics.programmed(now.duration_since(since));
                }
                self.queue.succeeded(uid);
            }
            State::Failed | State::Converging | State::Cleaning if settled => {
                self.queue.look_again(uid, Duration::ZERO, now);
            }
            _ => {}
        }
        self.handle.outbox.offer(&service, step.writes, trace);
        self.facts.ask(uid, &step.questions);
        if let Some(at) = step.wake_at_ms {
            let wait = Duration::from_millis(at.saturating_sub(now_ms()));
            self.queue.wake_at(uid, now + wait);
        }
        if let Some(planned) = step.batch {
            span.record("clb.operations", planned.operations.len());
            self.give(uid, planned, &span);
        }
    }

    /// Whether the effects of the last batch have not been shown yet.
    fn waits_for_mirror(&mut self, uid: &ServiceUid, now: Instant) -> bool {
        let Some((known, _)) = self.state.service_and_nodes(uid) else {
            return false;
        };
        let Some((signs, until)) = &known.awaiting else {
            return false;
        };
        let seen = signs.seen(self.view.load_balancer(&signs.load_balancer));
        if !seen && now < *until {
            self.queue.wake_at(uid, *until);
            return true;
        }
        if !seen {
            tracing::debug!(service = %known.service.key, ?signs, "planning without having seen the last batch's effects");
        }
        known.awaiting = None;
        false
    }

    fn give(&mut self, uid: &ServiceUid, planned: PlannedBatch, pass: &Span) {
        let plan = self.next_plan();
        let Some((known, _)) = self.state.service_and_nodes(uid) else {
            return;
        };
        known.batches = known.batches.saturating_add(1);
        if let Some(id) = &planned.load_balancer {
            pass.record("clb.load_balancer", id.as_str());
        }
        let batch = Batch {
            cluster: self.settings.id.clone(),
            region: self.settings.region.clone(),
            service: uid.clone(),
            service_key: known.service.key.clone(),
            plan,
            load_balancer: planned.load_balancer,
            operations: planned.operations,
            priority: planned.priority,
            deadline: self.limits.batch_deadline,
        };
        self.view.attachments.reserve(uid, &batch.operations);
        let span = info_span!(
            parent: pass, "planner.execute", otel.kind = "client", clb.plan = plan.counter, clb.operations = batch.operations.len()
        );
        let started = Instant::now();
        let batch = Arc::new(batch);
        let under_way = UnderWay::new(batch.clone(), started);
        self.queue.hold(uid, under_way.overtake_at, under_way.renew_at);
        self.under_way.insert(uid.clone(), under_way);
        let client = self.client.clone();
        self.jobs.spawn(
            async move {
                let execution = execute(client, &batch).await;
                Finished::Batch {
                    batch,
                    execution,
                    started,
                }
            }
            .instrument(span),
        );
    }

    /// Asks what is open, one call at a time.
    pub(super) fn ask(&mut self) {
        let questions = self.facts.next_call();
        if questions.is_empty() {
            return;
        }
        let client = self.client.clone();
        let (cluster, region) = (self.settings.id.clone(), self.settings.region.clone());
        let span = info_span!("planner.inspect", otel.kind = "client", clb.cluster = %cluster, clb.questions = questions.len());
        self.jobs.spawn(
            async move { Finished::Answers(inspect(client, cluster, region, questions).await) }
                .instrument(span),
        );
    }

    /// Takes in what has come back.
    pub(super) fn finish(&mut self, finished: Result<Finished, JoinError>) {
        let now = Instant::now();
        match finished {
            Ok(Finished::Batch {
                batch,
                execution,
                started,
            }) => {
                let uid = &batch.service;
                let newest = self.under_way.get(uid).map(|under_way| under_way.batch.plan);
                let end = if newest == Some(batch.plan) {
                    self.under_way.remove(uid);
                    self.facts.release(uid);
                    let end = self.take_execution(&batch, execution, now);
                    if end != BatchEnd::Done {
                        // What was done of it is shown; until it is planned again, the rest is there for others.
                        self.view.attachments.release(uid);
                    }
                    self.queue.release(uid, now);
                    end
                } else {
                    self.take_overtaken(&batch, execution)
                };
                self.handle.metrics.batch(end, now.duration_since(started));
            }
            Ok(Finished::Answers(Ok(answers))) => {
                for reason in answers.unanswered.values() {
                    tracing::warn!(cluster = %self.handle.id(), reason, "the cloud did not answer a question");
                }
                let waited = self.facts.answer(&answers, now);
                for uid in &waited.unanswered {
                    self.queue.look_again(uid, Duration::ZERO, now);
                }
                for uid in &waited.answered {
                    self.queue.add(uid, Urgency::AtOnce, now);
                }
            }
            Ok(Finished::Answers(Err(reason))) => {
                tracing::warn!(cluster = %self.handle.id(), reason, "the actuator did not answer questions about the cloud");
                for uid in self.facts.failed(&reason, now) {
                    self.queue.look_again(&uid, Duration::ZERO, now);
                }
            }
            // Only if a job panics or the runtime ends; the Service stays held, which is the safe side.
            Err(error) => {
                tracing::error!(cluster = %self.handle.id(), %error, "a call's task has ended without a result")
            }
        }
    }

    /// What came of a batch that a newer one has overtaken: it counts, but what is next is decided by the newer one.
    fn take_overtaken(&mut self, batch: &Batch, execution: Execution) -> BatchEnd {
        if let (Some((known, _)), Execution::Results(results)) =
            (self.state.service_and_nodes(&batch.service), execution)
        {
            known.memory = known.memory.after_batch(&batch.operations, &results);
        }
        BatchEnd::Overtaken
    }

    fn take_execution(&mut self, batch: &Batch, execution: Execution, now: Instant) -> BatchEnd {
        let (uid, operations) = (&batch.service, &batch.operations);
        let Some((known, _)) = self.state.service_and_nodes(uid) else {
            // The Service has gone meanwhile; what was done stays for whoever finds it.
            return BatchEnd::Incomplete;
        };
        let service = &known.service.key;
        let results = match execution {
            Execution::NotTaken(reason) => {
                known.batches = 0;
                tracing::warn!(%service, reason, "the actuator did not take a batch; it is planned again (where a newer plan is known: another planner runs, or this machine's clock is behind)");
                self.queue.retry(uid, Duration::ZERO, now);
                return BatchEnd::Broken;
            }
            Execution::Results(results) => results,
        };
        known.memory = known.memory.after_batch(operations, &results);
        known.awaiting = signs(batch.load_balancer.as_ref(), operations, &results)
            .map(|signs| (signs, now + EFFECTS_DEADLINE));
        for result in results.iter().filter(|result| !result.outcome.succeeded()) {
            tracing::info!(%service, operation = result.operation.0, outcome = ?result.outcome, "an operation did not succeed");
        }
        if results.iter().all(|result| result.outcome.succeeded()) {
            if known.batches > BATCHES_WITHOUT_WAIT {
                self.queue.retry(uid, Duration::ZERO, now);
            } else {
                self.queue.progressed(uid);
                // Held until the release that follows, then in line.
                self.queue.add(uid, Urgency::AfterWait, now);
            }
            return BatchEnd::Done;
        }
        known.batches = 0;
        match asked_to_wait(&results) {
            Some(wait) => self.queue.wait(uid, wait, now),
            None => self.queue.retry(uid, Duration::ZERO, now),
        }
        if results
            .iter()
            .any(|result| matches!(result.outcome, Outcome::Unknown { .. }))
        {
            BatchEnd::Broken
        } else {
            BatchEnd::Incomplete
        }
    }
}

impl UnderWay {
    fn new(batch: Arc<Batch>, now: Instant) -> Self {
        let good_for = batch
            .operations
            .iter()
            .filter_map(|operation| operation.good_for)
            .min();
        Self {
            batch,
            overtake_at: now + OVERTAKE_AFTER,
            renew_at: good_for.map(|good_for| now + good_for.mul_f64(RENEW_AT)),
        }
    }

    /// Whether a newer plan is to take its place. No plan takes none: what is under way ends, and is looked at then.
    fn is_outdated_by(&self, newer: Option<&PlannedBatch>, now: Instant) -> bool {
        let due = self.renew_at.is_some_and(|at| at <= now);
        newer.is_some_and(|newer| due || newer.operations != self.batch.operations)
    }
}

/// The address with which the batch creates a CLB.
fn static_address(batch: &PlannedBatch) -> Option<StaticAddress> {
    batch
        .operations
        .iter()
        .find_map(|operation| match &operation.change {
            Change::CreateLoadBalancer(new) => Some(StaticAddress {
                vpc_id: new.vpc_id.clone()?,
                vswitch_id: new.vswitch_ids.first()?.clone(),
                address: new.address.as_ref()?.parse().ok()?,
            }),
            _ => None,
        })
}

/// How long to wait where nothing failed and some operations only have to wait; none where something failed.
fn asked_to_wait(results: &[OperationResult]) -> Option<Duration> {
    let mut longest = None;
    for result in results {
        let wait = match &result.outcome {
            Outcome::Busy { retry_after } | Outcome::Throttled { retry_after } => *retry_after,
            Outcome::Applied { .. } | Outcome::Unchanged { .. } | Outcome::Skipped { .. } => continue,
            Outcome::Rejected(_)
            | Outcome::Superseded
            | Outcome::Expired
            | Outcome::Unknown { .. }
            | Outcome::Stale { .. } => return None,
        };
        longest = longest.max(Some(wait.max(SHORTEST_WAIT)));
    }
    longest
}

/// Milliseconds since 1970; only for what is compared with times of Kubernetes and the cloud.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
