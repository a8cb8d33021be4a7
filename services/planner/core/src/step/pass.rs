//! Collects what one pass comes to.

use std::collections::BTreeSet;

use clb_model::LoadBalancerId;
use clb_model::cloud::LoadBalancer;
use clb_model::directive::{Event, Severity, Writes};
use clb_model::marks;
use clb_model::operation::{Operation, Priority};

use super::{Memory, PlannedBatch, State, Step, StepInputs};
use crate::conditions::{
    self, ConditionWrites, HEALTH_CHECK_NODE_PORT, NOTIFIED, Notifications, SESSION_AFFINITY, SOURCE_RANGES,
    reason,
};
use crate::desired::Desired;
use crate::facts::Question;
use crate::plan::{self, LeftOutKey, Plan, PlanContext};

/// When to look again whether another Service has left an instance that had no room.
const ROOM_RETRY_MS: u64 = 15_000;

/// A pass on its way.
pub(super) struct Pass<'a> {
    pub(super) inputs: StepInputs<'a>,
    pub(super) writes: Writes,
    pub(super) conditions: ConditionWrites<'a>,
    pub(super) notifications: Notifications,
    pub(super) memory: Memory,
    pub(super) questions: BTreeSet<Question>,
    /// See [`Step::doubtful`].
    pub(super) doubtful: BTreeSet<LoadBalancerId>,
    batch: Option<PlannedBatch>,
    wake_at_ms: Option<u64>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(inputs: StepInputs<'a>) -> Self {
        Self {
            inputs,
            writes: Writes::default(),
            conditions: ConditionWrites::of(inputs.service),
            notifications: Notifications::of(inputs.service, &inputs.memory.said),
            memory: inputs.memory.clone(),
            questions: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            batch: None,
            wake_at_ms: None,
        }
    }

    /// What a plan of this pass reads. `left_out` are the backends that are not tried now.
    pub(super) fn plan_context<'b>(&self, left_out: &'b [LeftOutKey]) -> PlanContext<'b>
    where
        'a: 'b,
    {
        PlanContext {
            cluster: self.inputs.cluster,
            service: self.inputs.service,
            nodes: self.inputs.nodes,
            attachments: self.inputs.attachments,
            left_out,
            coming_charge_type: self.memory.charge_type_told.map(|told| told.charge_type),
            may_have_access_list: self.may_have_access_list(),
            fresh: self.inputs.fresh,
        }
    }

    /// A condition remembers that there is one until it is known to be gone: a CLB that was deleted first does not show it any more.
    pub(super) fn may_have_access_list(&self) -> bool {
        let remembered = conditions::message_of(self.inputs.service, SOURCE_RANGES).is_some();
        remembered && !self.memory.access_list_gone
    }

    /// Remembers that the Service has an access control list, or that it has none any more.
    pub(super) fn remember_access_list(&mut self, desired: &Desired) {
        let service = self.inputs.service;
        if !desired.source_ranges.is_empty() {
            let name = marks::access_list_name(&service.uid);
            self.conditions.set(SOURCE_RANGES, true, reason::RESTRICTED, name);
        } else if self.memory.access_list_gone {
            self.conditions.correct(
                SOURCE_RANGES,
                false,
                reason::UNRESTRICTED,
                "the Service has no source ranges, and no access control list for them",
            );
        }
    }

    /// Remembers what fields of the Service put on its listeners, before it is there.
    pub(super) fn remember_fields(&mut self, desired: &Desired) {
        let fields = desired.fields_in_force;
        if fields.session_affinity_seconds.is_some() {
            let message = "the Service's sessionAffinity sets how long TCP listeners keep a client";
            self.conditions
                .set(SESSION_AFFINITY, true, reason::CLIENT_IP, message);
        }
        if let Some(port) = fields.health_check_node_port {
            self.conditions.set(
                HEALTH_CHECK_NODE_PORT,
                true,
                reason::KUBE_PROXY_ASKED,
                port.to_string(),
            );
        }
    }

    /// The CLB is as the Service asks: what fields had put there and no longer ask for has been taken back.
    pub(super) fn forget_fields(&mut self, desired: &Desired, load_balancer: &LoadBalancer) {
        let fields = desired.fields_in_force;
        if fields.session_affinity_seconds.is_none() {
            self.conditions.correct(
                SESSION_AFFINITY,
                false,
                reason::NO_AFFINITY,
                "the Service's sessionAffinity sets nothing",
            );
        }
        let port = conditions::message_of(self.inputs.service, HEALTH_CHECK_NODE_PORT)
            .and_then(|message| message.parse().ok());
        // A listener whose check is off still has the port, and may be told to check again.
        let still_there = |port| {
            desired
                .listeners
                .iter()
                .any(|wanted| plan::checks_on(load_balancer, wanted.key, port))
        };
        if fields.health_check_node_port.is_none() && !port.is_some_and(still_there) {
            self.conditions.correct(
                HEALTH_CHECK_NODE_PORT,
                false,
                reason::NOT_ASKED,
                "health checks do not ask kube-proxy",
            );
        }
    }

    /// Sends an event every time.
    pub(super) fn event(&mut self, severity: Severity, reason: &'static str, message: impl Into<String>) {
        self.writes.events.push(Event {
            severity,
            reason: reason.into(),
            message: message.into(),
        });
    }

    /// The pass is to be made again at this time at the latest.
    pub(super) fn wake_at(&mut self, at_ms: Option<u64>) {
        self.wake_at_ms = match (self.wake_at_ms, at_ms) {
            (Some(before), Some(at)) => Some(before.min(at)),
            (before, at) => before.or(at),
        };
    }

    /// Gives the plan's next operations to the actuator, but not those that were refused a short time ago. Whether there are any.
    pub(super) fn give(&mut self, plan: &Plan, load_balancer: Option<&LoadBalancerId>) -> bool {
        let (held, retry_at) = self.memory.held_back(&plan.operations, self.inputs.now_ms);
        self.wake_at(retry_at);
        if plan.waits_for_room {
            self.wake_at(Some(self.inputs.now_ms.saturating_add(ROOM_RETRY_MS)));
        }
        match plan.next_batch(&held) {
            None => false,
            Some((operations, priority)) => {
                self.give_operations(operations, priority, load_balancer);
                true
            }
        }
    }

    fn give_operations(
        &mut self,
        operations: Vec<Operation>,
        priority: Priority,
        load_balancer: Option<&LoadBalancerId>,
    ) {
        self.batch = Some(PlannedBatch {
            load_balancer: load_balancer.cloned(),
            operations,
            priority,
        });
    }

    /// Ends the pass.
    pub(super) fn end(mut self, state: State, message: impl Into<String>) -> Step {
        let (events, said, hashes) = self.notifications.finish();
        self.writes.events.extend(events);
        self.memory.said = said;
        // A Service that is going needs no memory.
        if let Some(hashes) = hashes.filter(|_| !self.inputs.service.deleting) {
            self.conditions.set(NOTIFIED, true, reason::SAID, hashes);
        }
        self.writes.conditions = self.conditions.finish();
        Step {
            writes: self.writes,
            batch: self.batch,
            questions: self.questions,
            state,
            message: message.into(),
            memory: self.memory,
            wake_at_ms: self.wake_at_ms,
            doubtful: self.doubtful,
        }
    }
}
