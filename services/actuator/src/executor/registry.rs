//! One batch at a time per (cluster, Service UID), the newest plan first: it takes the place of one that waits and stops one that runs
//! after its current operation.

use std::collections::HashMap;
use std::sync::Arc;

use clb_model::operation::Batch;
use clb_model::version::PlanNumber;
use clb_model::{ClusterId, ServiceUid};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A plan that is not newer than the last one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plan {got:?} for Service {service} is not newer than {newest:?}")]
pub(crate) struct NotNewer {
    /// The Service.
    pub(crate) service: ServiceUid,
    /// The refused number.
    pub(crate) got: PlanNumber,
    /// The last one taken.
    pub(crate) newest: PlanNumber,
}

/// The last plan seen for each Service. Kept as long as the process lives: a number must stay refused.
#[derive(Debug)]
pub(super) struct Registry {
    slots: Mutex<HashMap<(ClusterId, ServiceUid), Slot>>,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Slot {
    newest: PlanNumber,
    superseded: CancellationToken,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A batch's place in the order of its Service.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    /// Cancelled when a newer plan comes.
    pub(super) superseded: CancellationToken,
    /// Held while the batch runs.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Registry {
    /// An empty one; `stopping` ends all batches as a newer plan would.
    pub(super) fn new(stopping: &CancellationToken) -> Self {
        Self {
            slots: Mutex::default(),
            stopping: stopping.clone(),
        }
    }

    /// Gives a batch its place; the one before it is superseded.
    pub(super) fn enter(&self, batch: &Batch) -> Result<Ticket, NotNewer> {
        let key = (batch.cluster.clone(), batch.service.clone());
        let superseded = self.stopping.child_token();
        let mut slots = self.slots.lock();
        let turn = match slots.get_mut(&key) {
            Some(slot) if slot.newest >= batch.plan => {
                return Err(NotNewer {
                    service: batch.service.clone(),
                    got: batch.plan,
                    newest: slot.newest,
                });
            }
            Some(slot) => {
                slot.newest = batch.plan;
                std::mem::replace(&mut slot.superseded, superseded.clone()).cancel();
                Arc::clone(&slot.turn)
            }
            None => {
                let turn = Arc::default();
                let slot = Slot {
                    newest: batch.plan,
                    superseded: superseded.clone(),
                    turn: Arc::clone(&turn),
                };
                slots.insert(key, slot);
                turn
            }
        };
        Ok(Ticket { superseded, turn })
    }
}

#[cfg(test)]
mod tests {
    use clb_model::ServiceKey;
    use clb_model::operation::Priority;

    use super::*;

    fn batch(uid: &str, acquisitions: u64, counter: u64) -> Batch {
        let mut plan = PlanNumber::default();
        plan.fencing.acquisitions = acquisitions;
        plan.counter = counter;
        Batch {
            cluster: ClusterId::new("c-lab").unwrap(),
            region: "r".to_owned(),
            service: ServiceUid::new(uid).unwrap(),
            service_key: ServiceKey::new("default", "nginx"),
            plan,
            load_balancer: None,
            operations: Vec::new(),
            priority: Priority::Normal,
            deadline: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn a_higher_fencing_token_wins_over_any_counter() {
        let registry = Registry::new(&CancellationToken::new());
        let first = registry.enter(&batch("u", 1, 900)).unwrap();
        registry.enter(&batch("u", 2, 1)).unwrap();
        assert!(first.superseded.is_cancelled());
        let refused = registry.enter(&batch("u", 1, 901)).unwrap_err();
        assert_eq!(refused.newest.fencing.acquisitions, 2);
        let other = registry.enter(&batch("other", 1, 1)).unwrap();
        assert!(!other.superseded.is_cancelled());
    }

    #[test]
    fn stopping_supersedes_everything() {
        let stopping = CancellationToken::new();
        let ticket = Registry::new(&stopping).enter(&batch("u", 1, 1)).unwrap();
        stopping.cancel();
        assert!(ticket.superseded.is_cancelled());
    }
}
