//! What the planner directs a watcher to write into its cluster for one Service.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cluster::{Condition, Ingress, PodRef};
use crate::identity::{ServiceKey, ServiceUid};
use crate::version::Tenure;

/// What one Service should look like: whole and idempotent. Written in the order finalizer added, labels, status, readiness
/// gates, events, finalizer removed; what is already so is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Unique on a stream.
    pub id: u64,
    /// Namespace and name.
    pub service: ServiceKey,
    /// Another Service of the same name is left alone.
    pub uid: ServiceUid,
    /// The planner's fencing token.
    pub fencing: Tenure,
    /// What to write.
    pub writes: Writes,
}

/// The content of a [`Directive`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writes {
    /// What to do about our finalizer.
    pub finalizer: FinalizerAction,
    /// The wanted `status.loadBalancer.ingress`; none leaves it alone.
    pub ingress: Option<Vec<Ingress>>,
    /// Labels to set, or, with none, to remove.
    pub labels: BTreeMap<String, Option<String>>,
    /// Conditions to set; others stay.
    pub conditions: Vec<Condition>,
    /// Pods of the Service's namespace whose backends are registered: the readiness gate for the Service is set on them.
    pub readiness_gates: Vec<PodRef>,
    /// Events to send, once.
    pub events: Vec<Event>,
}

impl Writes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What to do about the finalizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum FinalizerAction {
    /// Leave it as it is.
    #[default]
    Keep,
    /// See that it is there.
    Present,
    /// Take it off.
    Absent,
}

/// An event on a Service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Normal or Warning.
    pub severity: Severity,
    /// A CamelCase reason, see `compatibility.md` for those that people alert on.
    pub reason: Cow<'static, str>,
    /// For people.
    pub message: String,
}

/// `type` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// For information.
    Normal,
    /// A person should look.
    Warning,
}

/// What became of a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectiveResult {
    /// The directive.
    pub id: u64,
    /// The Service's UID.
    pub uid: ServiceUid,
    /// How it ended.
    pub outcome: DirectiveOutcome,
}

/// How a directive ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectiveOutcome {
    /// Everything is as directed.
    Done,
    /// The Service is gone, or another has its name.
    Gone,
    /// The API server refused or could not be reached: send it again.
    Failed {
        /// Why.
        reason: String,
    },
    /// The fencing token is older than one seen before.
    Fenced,
}
