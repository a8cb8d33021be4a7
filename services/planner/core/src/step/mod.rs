//! One pass for one Service: what the actuator is to do, what the watcher is to write, what is to be asked first.
//!
//! The planner's shell calls [`step()`] whenever something about the Service changed, carries out what it returns, and keeps
//! [`Memory`] between passes. Losing it costs an event at most: everything else is seen again in the cluster and the cloud.

mod cleanup;
mod contested_tags;
mod doubts;
mod kept;
mod memory;
mod moving;
mod ours;
mod pass;
mod readiness_gates;
mod refusals;
mod refused_values;
mod said;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod unseen;
mod unusable;

use std::collections::{BTreeMap, BTreeSet};

use clb_model::cloud::{InternetChargeType, ListenerKey, LoadBalancer};
use clb_model::cluster::{Node, Service};
use clb_model::directive::{Severity, Writes};
use clb_model::operation::{Operation, Priority};
use clb_model::ownership::{Candidate, Standing, remembered_class, standing};
use clb_model::{LoadBalancerId, events};

use crate::conditions::Subject;
use crate::facts::{CloudFacts, Question};
use crate::plan::{Attachments, LeftOutKey};
use crate::settings::ClusterSettings;
pub use contested_tags::TagContest;
use pass::Pass;

/// The event's reason where a CLB stays when its Service goes.
const PRESERVED: &str = events::reason::PRESERVED_ON_DELETE;

/// Everything that a pass reads.
#[derive(Debug, Clone, Copy)]
pub struct StepInputs<'a> {
    /// The cluster's settings.
    pub cluster: &'a ClusterSettings,
    /// The Service with its endpoints.
    pub service: &'a Service,
    /// All Nodes of the cluster, by name.
    pub nodes: &'a BTreeMap<String, Node>,
    /// The CLBs that could be the Service's, or [`Observation::Pending`].
    pub observed: Observation<'a>,
    /// What has been asked of the cloud so far.
    pub facts: &'a CloudFacts,
    /// In how many groups each instance is, over all CLBs of the cluster.
    pub attachments: &'a Attachments,
    /// What earlier passes left.
    pub memory: &'a Memory,
    /// Whether the snapshot is committed and fresh. Otherwise nothing is removed.
    pub fresh: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
}

/// What the mirror says of a Service's CLB.
#[derive(Debug, Clone, Copy)]
pub enum Observation<'a> {
    /// The mirror has not answered yet: nothing may be concluded.
    Pending,
    /// The CLBs that match by tag, id or default name.
    Known(&'a [&'a LoadBalancer]),
}

/// What passes leave for the next. Updated by [`Memory::after_batch`] and by replacing it with [`Step::memory`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// Something was changed in the cloud since the last EnsuredLoadBalancer.
    pub changed: bool,
    /// What went wrong in the last batch, in words, with the class that decides how long to wait; empty when nothing did.
    pub failures: Vec<Failure>,
    /// A CLB of this Service that is known to be gone.
    pub gone: Option<LoadBalancerId>,
    /// The CLB that was last seen to be the Service's own, or that a batch created.
    pub load_balancer: Option<LoadBalancerId>,
    /// The actuator has said that the Service has no CLB and will get none by any earlier batch, and none was to be created since.
    pub nothing_left: bool,
    /// Since when a CLB, which a batch created, has been missing from the mirror, milliseconds since 1970.
    pub unseen_since_ms: Option<u64>,
    /// Since when that CLB has been shown as inactive though it has running listeners, milliseconds since 1970.
    pub inactive_since_ms: Option<u64>,
    /// The Service's access control list was deleted, or found to be gone, and none was made since.
    pub access_list_gone: bool,
    /// Backends that the cloud could not use, and when they are tried again.
    pub left_out: BTreeMap<LeftOutKey, LeftOut>,
    /// Those of them that an event has named.
    pub named_left_out: BTreeSet<LeftOutKey>,
    /// A change of the Internet charge type that the cloud has not shown yet.
    pub charge_type_told: Option<ChargeTypeTold>,
    /// Whether somebody else changes the additional tags of a user's CLB again and again.
    pub tag_contest: Option<TagContest>,
    /// Operations that the cloud refused, by their content, and when they are tried again.
    pub refusals: BTreeMap<String, Refusal>,
    /// Hashes of events that were sent, whether or not the Service's condition shows them yet.
    pub said: BTreeSet<String>,
}

/// A backend that the cloud could not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The cloud's reason.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again, milliseconds since 1970; none until the next pass decides.
    pub retry_at_ms: Option<u64>,
}

/// The cloud changes the Internet charge type at the next midnight; until then it shows the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeTypeTold {
    /// What it was told.
    pub charge_type: InternetChargeType,
    /// When it must have changed, milliseconds since 1970; none until the next pass decides.
    pub until_ms: Option<u64>,
}

/// An operation that the cloud refused for a reason that does not pass by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the cloud said.
    pub failure: Failure,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again, milliseconds since 1970; none until the next pass decides.
    pub retry_at_ms: Option<u64>,
}

/// A failure of one operation, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The condition's reason that it leads to.
    pub reason: &'static str,
    /// For the event and the condition.
    pub message: String,
    /// Whether trying again soon can help.
    pub retry: bool,
    /// Whether a person should hear of it in an event; being busy or throttled passes by itself.
    pub warn: bool,
    /// The cloud's request id, for Alibaba's support.
    pub request_id: Option<String>,
    /// The listener that it is about, where it is about one.
    pub listener: Option<ListenerKey>,
    /// The annotation whose value the cloud refused, by what follows the prefix in its name, where it was one's.
    pub annotation: Option<&'static str>,
}

/// What a pass came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// For the watcher; may be empty.
    pub writes: Writes,
    /// For the actuator.
    pub batch: Option<PlannedBatch>,
    /// To be asked first; the pass is called again with the answers.
    pub questions: BTreeSet<Question>,
    /// Where the Service is on its way.
    pub state: State,
    /// For people: what stands in the way; empty when nothing does.
    pub message: String,
    /// What the next pass gets.
    pub memory: Memory,
    /// CLBs that hold the Service up by what the mirror shows of them, which may be out of date: to be read again, before anything is told
    /// and now and then while it lasts.
    pub doubtful: BTreeSet<LoadBalancerId>,
    /// Call again at this time (milliseconds since 1970) even if nothing changes: a Node's grace time ends, a certificate expires.
    pub wake_at_ms: Option<u64>,
}

/// Operations with their CLB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedBatch {
    /// None when the batch creates the CLB.
    pub load_balancer: Option<LoadBalancerId>,
    /// Each after those that it depends on.
    pub operations: Vec<Operation>,
    /// How urgent they are.
    pub priority: Priority,
}

/// Where a Service is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not ours, or nothing left of it.
    None,
    /// Waits for the mirror, for an answer or for the finalizer.
    Observing,
    /// Operations are under way.
    Converging,
    /// The cloud is as the Service asks.
    Converged,
    /// It has mistakes, or the cloud refused.
    Failed,
    /// It is being cleaned up.
    Cleaning,
    /// It was ours and is for another controller now.
    HandedOver,
}

/// The pass.
#[must_use]
pub fn step(inputs: StepInputs<'_>) -> Step {
    let service = inputs.service;
    let candidate = Candidate {
        service_type: service.service_type,
        load_balancer_class: service.load_balancer_class.as_deref(),
        annotations: &service.annotations,
        remembered_class: remembered_class(&service.conditions),
        deleting: service.deleting,
        finalizer: service.finalizer,
    };
    match standing(candidate, inputs.cluster.load_balancer_class.as_deref()) {
        Standing::Foreign => Pass::new(inputs).end(State::None, ""),
        Standing::HandedOver => handed_over(inputs),
        Standing::CleanUp => cleanup::clean_up(inputs),
        Standing::Ours => ours::ours(inputs),
    }
}

/// It left by class or tunnel type: that is said, and nothing is touched.
fn handed_over(inputs: StepInputs<'_>) -> Step {
    let mut pass = Pass::new(inputs);
    let field = inputs.service.load_balancer_class.as_deref();
    let by_field = field.is_some() && field != inputs.cluster.load_balancer_class.as_deref();
    let reason = if by_field {
        events::reason::SERVICE_SPEC_CHANGED
    } else {
        events::reason::ANNOTATION_CHANGED
    };
    let message = "the Service now names another class or product, so this controller no longer looks after it: its CLB stays as it \
                   is, and the finalizer stays until another controller takes it off";
    pass.notifications.look_at(Subject::Standing);
    pass.notifications
        .say(Subject::Standing, Severity::Normal, reason, message, None);
    pass.end(State::HandedOver, message)
}
