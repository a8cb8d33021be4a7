//! One batch at a time per (cluster, Service UID), the newest plan first: it takes the place of one that waits and stops one that runs
//! after its current operation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clb_model::operation::Batch;
use clb_model::version::{PlanNumber, Tenure};
use clb_model::{ClusterId, ServiceUid};
use parking_lot::Mutex;
use tokio::time::Instant;
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

/// How long a Service's last plan is remembered: far longer than a batch of it may still be under way from its planner.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Time between two looks for what may be forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// The last plan seen for each Service, and for each cluster the newest planner of those that are forgotten: what is older stays refused.
#[derive(Debug)]
pub(super) struct Registry {
    state: Mutex<State>,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct State {
    slots: HashMap<(ClusterId, ServiceUid), Slot>,
    floors: HashMap<ClusterId, Tenure>,
    swept: Instant,
}

#[derive(Debug)]
struct Slot {
    newest: PlanNumber,
    used: Instant,
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
            state: Mutex::new(State {
                slots: HashMap::new(),
                floors: HashMap::new(),
                swept: Instant::now(),
            }),
            stopping: stopping.clone(),
        }
    }

    /// Gives a batch its place; the one before it is superseded.
    pub(super) fn enter(&self, batch: &Batch) -> Result<Ticket, NotNewer> {
        let key = (batch.cluster.clone(), batch.service.clone());
        let superseded = self.stopping.child_token();
        let now = Instant::now();
        let mut state = self.state.lock();
        state.sweep(now);
        let floor = state.floors.get(&batch.cluster).copied();
        let turn = match state.slots.get_mut(&key) {
            Some(slot) if slot.newest >= batch.plan => {
                return Err(NotNewer {
                    service: batch.service.clone(),
                    got: batch.plan,
                    newest: slot.newest,
                });
            }
            Some(slot) => {
                slot.newest = batch.plan;
                slot.used = now;
                std::mem::replace(&mut slot.superseded, superseded.clone()).cancel();
                Arc::clone(&slot.turn)
            }
            None => {
                if let Some(fencing) = floor.filter(|floor| batch.plan.fencing < *floor) {
                    return Err(NotNewer {
                        service: batch.service.clone(),
                        got: batch.plan,
                        newest: PlanNumber { fencing, counter: 0 },
                    });
                }
                let turn = Arc::default();
                let slot = Slot {
                    newest: batch.plan,
                    used: now,
                    superseded: superseded.clone(),
                    turn: Arc::clone(&turn),
                };
                state.slots.insert(key, slot);
                turn
            }
        };
        Ok(Ticket { superseded, turn })
    }
}

impl State {
    /// Forgets the Services without a batch for long; which planner was the newest is kept.
    fn sweep(&mut self, now: Instant) {
        if now < self.swept + SWEEP {
            return;
        }
        self.swept = now;
        let floors = &mut self.floors;
        self.slots.retain(|(cluster, _), slot| {
            // A batch holds its turn as long as it waits or runs.
            let is_used = now < slot.used + REMEMBERED || Arc::strong_count(&slot.turn) > 1;
            if !is_used {
                let floor = floors.entry(cluster.clone()).or_default();
                *floor = (*floor).max(slot.newest.fencing);
            }
            is_used
        });
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
            deadline: Duration::ZERO,
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

    #[tokio::test(start_paused = true)]
    async fn a_service_of_no_use_for_an_hour_is_forgotten_and_an_older_planner_is_not_let_in() {
        let registry = Registry::new(&CancellationToken::new());
        let running = registry.enter(&batch("running", 2, 1)).unwrap();
        drop(registry.enter(&batch("idle", 2, 1)).unwrap());
        tokio::time::advance(Duration::from_secs(3700)).await;
        registry.enter(&batch("other", 2, 2)).unwrap();
        assert_eq!(
            registry.state.lock().slots.len(),
            2,
            "what runs and what just came"
        );
        let refused = registry.enter(&batch("idle", 1, 9)).unwrap_err();
        assert_eq!(refused.newest.fencing.acquisitions, 2);
        registry.enter(&batch("idle", 2, 2)).unwrap();
        registry.enter(&batch("running", 2, 1)).unwrap_err();
        assert!(!running.superseded.is_cancelled());
    }
}
