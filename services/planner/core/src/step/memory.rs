//! What the results of a batch leave for the next pass.

use std::collections::{BTreeMap, BTreeSet};

use clb_model::LoadBalancerId;
use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::operation::{
    ACTUATOR_CONFIGURATION, Change, CloudError, ErrorClass, LoadBalancerChange, Operation, OperationResult,
    Outcome,
};

use super::refused_values::refused_annotation;
use super::{ChargeTypeTold, Failure, LeftOut, Memory};
use crate::conditions::reason;
use crate::desired::DesiredVServerGroup;
use crate::plan::LeftOutKey;

/// The first wait before a backend that the cloud could not use is tried again; doubled each time up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: u64 = 15_000;
/// By then a change of the Internet charge type, which waits for midnight, has been made.
const CHARGE_TYPE_LIMIT_MS: u64 = 25 * 3_600_000;
/// The longest such wait.
const LONGEST_WAIT_MS: u64 = 30 * 60_000;

impl Memory {
    /// Takes in the results of a batch.
    #[must_use]
    pub fn after_batch(&self, operations: &[Operation], results: &[OperationResult]) -> Self {
        let by_id: BTreeMap<_, _> = operations
            .iter()
            .map(|operation| (operation.id, operation))
            .collect();
        let mut memory = self.clone();
        memory.failures.clear();
        for result in results {
            let Some(operation) = by_id.get(&result.operation) else {
                continue;
            };
            memory.changed |= matches!(result.outcome, Outcome::Applied { .. });
            memory.take_in_load_balancer(operation, &result.outcome);
            memory.take_in_charge_type(operation, &result.outcome);
            memory.take_in_left_out(operation, result);
            if result.outcome.succeeded() {
                memory.forget_refusal(operation);
            }
            let Some(failure) = failure_of(operation, &result.outcome) else {
                continue;
            };
            if !failure.retry {
                memory.remember_refusal(operation, &failure);
            }
            if !memory.failures.contains(&failure) {
                memory.failures.push(failure);
            }
        }
        memory
    }

    fn take_in_load_balancer(&mut self, operation: &Operation, outcome: &Outcome) {
        match &operation.change {
            Change::CreateLoadBalancer(_) => self.nothing_left = false,
            // It took the place of any earlier batch. One that was not there may only not be shown yet.
            Change::DeleteLoadBalancer => self.nothing_left = matches!(outcome, Outcome::Applied { .. }),
            Change::FindLoadBalancer { .. } => {
                self.nothing_left = matches!(outcome, Outcome::Unchanged { found: None });
            }
            _ => {}
        }
        match (&operation.change, outcome) {
            (
                Change::CreateLoadBalancer(_),
                Outcome::Applied { created: Some(id) } | Outcome::Unchanged { found: Some(id) },
            ) => {
                self.load_balancer = LoadBalancerId::new(id.clone()).ok();
            }
            (Change::FillAccessList { .. }, _) => self.access_list_gone = false,
            (Change::DeleteAccessList, outcome) if outcome.succeeded() => self.access_list_gone = true,
            (Change::DeleteLoadBalancer, outcome) if outcome.succeeded() => {
                if let Some(id) = self.load_balancer.take() {
                    self.gone = Some(id);
                }
            }
            _ => {}
        }
    }

    fn take_in_charge_type(&mut self, operation: &Operation, outcome: &Outcome) {
        if let Change::ChangeLoadBalancer(LoadBalancerChange::InternetSpec {
            charge_type: Some(charge_type),
            ..
        }) = operation.change
            && outcome.succeeded()
        {
            self.charge_type_told = Some(ChargeTypeTold {
                charge_type,
                until_ms: None,
            });
        }
    }

    /// Forgets a change of the charge type once it must have been made. That the cloud shows it earlier may only be the mirror's own
    /// knowledge of what was sent.
    pub(super) fn forget_old_charge_type(&mut self, now_ms: u64) {
        let Some(told) = &mut self.charge_type_told else {
            return;
        };
        let until = *told
            .until_ms
            .get_or_insert(now_ms.saturating_add(CHARGE_TYPE_LIMIT_MS));
        if now_ms >= until {
            self.charge_type_told = None;
        }
    }

    fn take_in_left_out(&mut self, operation: &Operation, result: &OperationResult) {
        let tried = match &operation.change {
            Change::CreateVServerGroup { backends, .. } | Change::ChangeBackends { backends, .. } => backends,
            _ => return,
        };
        if result.outcome.succeeded() {
            for backend in tried {
                let key = LeftOutKey::of(backend);
                if !result
                    .left_out
                    .iter()
                    .any(|left| LeftOutKey::of(&left.backend) == key)
                {
                    self.left_out.remove(&key);
                }
            }
        }
        for left in &result.left_out {
            let entry = self
                .left_out
                .entry(LeftOutKey::of(&left.backend))
                .or_insert_with(|| LeftOut {
                    reason: String::new(),
                    attempts: 0,
                    retry_at_ms: None,
                });
            entry.reason.clone_from(&left.reason);
            entry.attempts = entry.attempts.saturating_add(1);
            entry.retry_at_ms = None;
        }
    }

    /// Forgets those that no group has or is to have any more: their address may soon be another pod's. Sets the time of the next try
    /// where it is open; gives those that are not tried now, and when the next one is.
    pub(super) fn schedule_left_out(
        &mut self,
        wanted: &[DesiredVServerGroup],
        observed: Option<&LoadBalancer>,
        now_ms: u64,
    ) -> (Vec<LeftOutKey>, Option<u64>) {
        if !self.left_out.is_empty() {
            let wanted = wanted.iter().flat_map(|group| &group.backends);
            let present = observed.into_iter().flat_map(|clb| clb.vgroups.values());
            let present = present.flat_map(|group| &group.backends);
            let known: BTreeSet<LeftOutKey> = wanted.chain(present).map(LeftOutKey::of).collect();
            self.left_out.retain(|key, _| known.contains(key));
        }
        let mut waiting = Vec::new();
        let mut next: Option<u64> = None;
        for (key, left) in &mut self.left_out {
            let doublings = left.attempts.saturating_sub(1).min(16);
            let wait = FIRST_WAIT_MS.saturating_mul(1 << doublings).min(LONGEST_WAIT_MS);
            let at = *left.retry_at_ms.get_or_insert(now_ms.saturating_add(wait));
            if at > now_ms {
                waiting.push(key.clone());
                next = Some(next.map_or(at, |before| before.min(at)));
            }
        }
        (waiting, next)
    }
}

/// What an outcome says of an operation; none when nothing went wrong or it is simply planned again.
fn failure_of(operation: &Operation, outcome: &Outcome) -> Option<Failure> {
    let what = describe(&operation.change);
    let failure = |reason, message: String, retry, warn| Failure {
        reason,
        message,
        retry,
        warn,
        request_id: None,
        listener: listener_of(&operation.change),
        annotation: None,
    };
    Some(match outcome {
        Outcome::Applied { .. }
        | Outcome::Unchanged { .. }
        | Outcome::Skipped { .. }
        | Outcome::Superseded
        | Outcome::Stale { .. } => return None,
        Outcome::Busy { .. } if matches!(operation.change, Change::FindLoadBalancer { .. }) => failure(
            reason::BUSY,
            "a CLB may have been made that the cloud does not show yet: it is waited for".to_owned(),
            true,
            false,
        ),
        Outcome::Busy { .. } => failure(
            reason::BUSY,
            format!("{what}: the CLB is busy with another change; it is tried again"),
            true,
            false,
        ),
        Outcome::Throttled { .. } => failure(
            reason::THROTTLED,
            format!("{what}: the account's request limit is used up; it is tried again"),
            true,
            false,
        ),
        Outcome::Expired => failure(
            reason::EXPIRED,
            format!("{what}: it waited too long to be carried out safely; it is planned again"),
            true,
            false,
        ),
        Outcome::Unknown { .. } => failure(
            reason::CLOUD_FAULT,
            format!(
                "{what}: what became of the request is not known; the cloud is read, then it is planned again"
            ),
            true,
            false,
        ),
        Outcome::Rejected(error) => Failure {
            request_id: Some(error.request_id.clone()).filter(|id| !id.is_empty()),
            annotation: refused_annotation(&operation.change, error),
            ..rejected(&what, error, failure)
        },
    })
}

fn rejected(
    what: &str,
    error: &CloudError,
    failure: impl Fn(&'static str, String, bool, bool) -> Failure,
) -> Failure {
    let (reason, advice, retry) = match error.class {
        ErrorClass::Invalid => (reason::REJECTED, "", false),
        ErrorClass::Quota => (
            reason::QUOTA_EXCEEDED,
            "; a quota is used up: ask for a higher one or free some of it",
            false,
        ),
        ErrorClass::Billing => (
            reason::BILLING_PROBLEM,
            "; the account cannot pay: a person must put that right",
            false,
        ),
        ErrorClass::Gone => (reason::REJECTED, "; what it is about does not exist", true),
        ErrorClass::Denied if error.code == ACTUATOR_CONFIGURATION => {
            return failure(
                reason::NOT_ALLOWED,
                format!("{what}: {}", error.message),
                false,
                true,
            );
        }
        ErrorClass::Denied => (
            reason::CREDENTIALS_REFUSED,
            "; check the actuator's credentials and their permissions",
            false,
        ),
        ErrorClass::Transient => (reason::CLOUD_FAULT, "; it is tried again", true),
    };
    failure(
        reason,
        format!("{what}: {}: {}{advice}", error.code, error.message),
        retry,
        error.class != ErrorClass::Transient,
    )
}

fn listener_of(change: &Change) -> Option<ListenerKey> {
    match change {
        Change::CreateListener(new) | Change::RecreateListener { new, .. } => Some(new.key),
        Change::ChangeListener { listener, .. }
        | Change::StartListener { listener }
        | Change::DeleteListener { listener } => Some(*listener),
        _ => None,
    }
}

/// An operation for people.
fn describe(change: &Change) -> String {
    match change {
        Change::CreateLoadBalancer(_) => "creating the CLB".to_owned(),
        Change::ChangeLoadBalancer(_) => "changing the CLB".to_owned(),
        Change::DeleteLoadBalancer => "deleting the CLB".to_owned(),
        Change::CreateVServerGroup { name, .. } => format!("creating vServer group {name}"),
        Change::DeleteVServerGroup { vgroup } => format!("deleting vServer group {vgroup}"),
        Change::ChangeBackends { .. } => "changing the backends of a vServer group".to_owned(),
        Change::CreateListener(new) => format!("creating listener {}", new.key),
        Change::ChangeListener { listener, .. } => format!("changing listener {listener}"),
        Change::StartListener { listener } => format!("starting listener {listener}"),
        Change::DeleteListener { listener } => format!("deleting listener {listener}"),
        Change::RecreateListener { new, .. } => format!("re-creating listener {}", new.key),
        Change::ChangeDomainExtension { port, domain, .. } => {
            format!("changing extension domain {domain} of listener https:{port}")
        }
        Change::FillAccessList { .. } => "filling the access control list for the source ranges".to_owned(),
        Change::TrimAccessList { .. } => {
            "taking entries out of the access control list for the source ranges".to_owned()
        }
        Change::DeleteAccessList => "deleting the access control list for the source ranges".to_owned(),
        Change::FindLoadBalancer { .. } => "looking for a CLB of the Service".to_owned(),
    }
}
