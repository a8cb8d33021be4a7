//! Operations that the cloud refused: they are not sent again with every change of the Service, but later and later, while everything that
//! does not depend on them goes on.

use std::collections::BTreeSet;

use clb_model::operation::{Change, Operation, OperationId};
use sha2::{Digest as _, Sha256};

use super::{Failure, Memory, Refusal};
use crate::plan::Plan;

/// The first wait before a refused operation is tried again; doubled each time up to [`LONGEST_WAIT_MS`].
const FIRST_WAIT_MS: u64 = 5_000;
/// The longest such wait.
const LONGEST_WAIT_MS: u64 = 5 * 60_000;

/// Names a change by its content.
fn key(change: &Change) -> String {
    // A change always has a text; without one it would simply not be held back.
    let text = serde_json::to_string(change).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

impl Memory {
    /// The cloud refused the operation for a reason that does not pass by itself.
    pub(super) fn remember_refusal(&mut self, operation: &Operation, failure: &Failure) {
        let refusal = self
            .refusals
            .entry(key(&operation.change))
            .or_insert_with(|| Refusal {
                failure: failure.clone(),
                attempts: 0,
                retry_at_ms: None,
            });
        refusal.failure = failure.clone();
        refusal.attempts = refusal.attempts.saturating_add(1);
        refusal.retry_at_ms = None;
    }

    /// The operation succeeded.
    pub(super) fn forget_refusal(&mut self, operation: &Operation) {
        if !self.refusals.is_empty() {
            self.refusals.remove(&key(&operation.change));
        }
    }

    /// Forgets what the plan no longer asks for.
    pub(super) fn keep_refusals_of(&mut self, plan: &Plan) {
        if self.refusals.is_empty() {
            return;
        }
        let asked: BTreeSet<String> = plan
            .operations
            .iter()
            .map(|operation| key(&operation.change))
            .collect();
        self.refusals.retain(|key, _| asked.contains(key));
    }

    /// What stands in the way: failures of the last batch, and refusals that still hold.
    pub(super) fn standing_failures(&self) -> Vec<&Failure> {
        let refused = self.refusals.values().map(|refusal| &refusal.failure);
        let earlier =
            refused.filter(|failure| !self.failures.iter().any(|known| known.message == failure.message));
        self.failures.iter().chain(earlier).collect()
    }

    /// The operations that are not to be sent now, and when the first of them is.
    pub(super) fn held_back(
        &mut self,
        operations: &[Operation],
        now_ms: u64,
    ) -> (BTreeSet<OperationId>, Option<u64>) {
        let mut held = BTreeSet::new();
        let mut next: Option<u64> = None;
        if self.refusals.is_empty() {
            return (held, next);
        }
        for operation in operations {
            let Some(refusal) = self.refusals.get_mut(&key(&operation.change)) else {
                continue;
            };
            let doublings = refusal.attempts.saturating_sub(1).min(16);
            let wait = FIRST_WAIT_MS.saturating_mul(1 << doublings).min(LONGEST_WAIT_MS);
            let at = *refusal.retry_at_ms.get_or_insert(now_ms.saturating_add(wait));
            if at > now_ms {
                held.insert(operation.id);
                next = Some(next.map_or(at, |before| before.min(at)));
            }
        }
        (held, next)
    }
}
