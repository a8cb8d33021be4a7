//! One batch, from its first operation to its last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clb_model::cloud::LoadBalancer;
use clb_model::operation::{
    Batch, Change, LeftOutBackend, Operation, OperationId, OperationResult, Outcome, VServerGroupRef,
};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Region;
use super::access;
use super::creations::Creations;
use super::registry::Ticket;
use super::turn::read_failed;
use crate::limits::Permit;
use crate::metrics::ActuatorMetrics;
use crate::mirror::{PartKey, Wanted};
use crate::settings::ClusterSettings;

/// When to come back to an actuator that does not know yet what there is.
const UNTIL_LISTED: Duration = Duration::from_secs(1);
/// When a CLB is read again after a call whose outcome nobody knew: the call may take effect long after it was given up.
const LATE_EFFECT: Duration = Duration::from_secs(20);

/// A batch with what it has done so far.
pub(super) struct Run {
    /// The batch; its operations are taken out.
    pub(super) batch: Batch,
    operations: Vec<Operation>,
    pub(super) cluster: Arc<ClusterSettings>,
    pub(super) region: Arc<Region>,
    pub(super) creations: Arc<Creations>,
    metrics: Arc<ActuatorMetrics>,
    ticket: Ticket,
    /// Cancelled when a newer plan comes, or when the actuator stops.
    pub(super) superseded: CancellationToken,
    stopping: CancellationToken,
    began: Instant,
    /// The batch's end.
    pub(super) deadline: Instant,
    /// Until when the current operation is good.
    good_until: Option<Instant>,
    /// The current operation is finished whatever comes.
    pub(super) must_finish: bool,
    /// The CLB, once there is one.
    pub(super) load_balancer: Option<LoadBalancerId>,
    /// Groups by the operations that created them.
    created_vgroups: HashMap<OperationId, VServerGroupId>,
    /// Which operations succeeded.
    ended: HashMap<OperationId, bool>,
    /// Parts as this batch left them.
    own: HashMap<PartKey, PartVersion>,
    /// Permits that were taken ahead.
    pub(super) reserved: Vec<(&'static str, Permit)>,
    /// Backends that held up no other, of the current operation.
    pub(super) left_out: Vec<LeftOutBackend>,
    /// What the cloud filled in and has to be read once the batch is over.
    pub(super) read_after: Wanted,
    /// A call was sent whose outcome nobody knew at first.
    pub(super) was_unsure: bool,
    /// Why the listeners could not be read before one of them changes.
    listeners_unread: Option<Outcome>,
}

impl Run {
    pub(super) fn new(
        mut batch: Batch,
        cluster: Arc<ClusterSettings>,
        region: Arc<Region>,
        creations: Arc<Creations>,
        metrics: Arc<ActuatorMetrics>,
        ticket: Ticket,
        stopping: CancellationToken,
    ) -> Self {
        let began = Instant::now();
        Self {
            operations: std::mem::take(&mut batch.operations),
            cluster,
            region,
            creations,
            metrics,
            superseded: ticket.superseded.clone(),
            ticket,
            stopping,
            began,
            deadline: began + batch.deadline,
            good_until: None,
            must_finish: false,
            load_balancer: batch.load_balancer.clone(),
            created_vgroups: HashMap::new(),
            ended: HashMap::new(),
            own: HashMap::new(),
            reserved: Vec::new(),
            left_out: Vec::new(),
            read_after: Wanted::default(),
            was_unsure: false,
            listeners_unread: None,
            batch,
        }
    }

    /// Runs all operations and sends each one's result.
    pub(super) async fn run(mut self, results: mpsc::Sender<OperationResult>) {
        let turn = Arc::clone(&self.ticket.turn);
        let waiting = tokio::time::timeout_at(self.deadline, turn.lock_owned());
        let (turn, mut refused) = tokio::select! {
            turn = waiting => match turn {
                Ok(turn) => (Some(turn), None),
                Err(_) => (None, Some(Outcome::Expired)),
            },
            () = self.superseded.cancelled() => (None, Some(Outcome::Superseded)),
        };
        if turn.is_some() {
            refused = self.check_load_balancer().await.err();
        }
        if refused.is_none() {
            self.read_listeners_that_change().await;
        }
        let operations = std::mem::take(&mut self.operations);
        let last = operations.last().map(|operation| operation.id);
        for operation in operations {
            let outcome = match &refused {
                Some(refused) => refused.clone(),
                None => {
                    let span = tracing::info_span!(
                        "operation",
                        otel.name = change_name(&operation.change),
                        reason = operation.reason,
                    );
                    self.one(&operation).instrument(span).await
                }
            };
            let outcome = match outcome {
                Outcome::Superseded if self.stopping.is_cancelled() => Outcome::Skipped {
                    by: "the actuator, which is shutting down".to_owned(),
                },
                outcome => outcome,
            };
            self.report(&operation, &outcome);
            self.ended.insert(operation.id, outcome.succeeded());
            let result = OperationResult {
                operation: operation.id,
                outcome,
                left_out: std::mem::take(&mut self.left_out),
            };
            if Some(operation.id) == last
                && let Some(id) = &self.load_balancer
            {
                self.region.mirror.told(self.batch.cluster.as_str(), id).await;
            }
            // Nobody listens any more: the batch goes on, the mirror tells what it did.
            drop(results.send(result).await);
        }
        if let Some(id) = &self.load_balancer
            && self.read_after != Wanted::default()
        {
            self.region.mirror.refresh(id, self.read_after);
        }
        if let Some(id) = &self.load_balancer
            && self.was_unsure
        {
            self.region.mirror.refresh_later(id, Wanted::ALL, LATE_EFFECT);
        }
        drop(turn);
    }

    /// A changed listener is sent part of what it has beside what changes, and a replaced one all of it: as that is now, not as it was at
    /// the last look, since when somebody may have set it by hand. One read for the whole batch.
    async fn read_listeners_that_change(&mut self) {
        let changes_one = |operation: &Operation| {
            matches!(
                operation.change,
                Change::ChangeListener { .. } | Change::RecreateListener { .. }
            )
        };
        if let Some(id) = self.load_balancer.clone()
            && self.operations.iter().any(changes_one)
        {
            self.listeners_unread = self.look_again(&id).await.err();
        }
    }

    async fn one(&mut self, operation: &Operation) -> Outcome {
        self.good_until = operation.good_for.map(|good_for| self.began + good_for);
        self.must_finish = false;
        let result = match self.may_begin(operation) {
            Ok(()) => self.carry_out(operation).await,
            Err(outcome) => Err(outcome),
        };
        self.reserved.clear();
        match result {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    fn may_begin(&self, operation: &Operation) -> Result<(), Outcome> {
        self.check_superseded(false)?;
        self.check_time()?;
        let failed = operation
            .after
            .iter()
            .find(|id| self.ended.get(id) != Some(&true));
        if let Some(failed) = failed {
            return Err(Outcome::Skipped {
                by: format!("operation {} of the batch, which did not succeed", failed.0),
            });
        }
        let needs_none = matches!(
            operation.change,
            Change::CreateLoadBalancer(_) | Change::DeleteAccessList | Change::FindLoadBalancer { .. }
        );
        if self.load_balancer.is_none() && !needs_none {
            return Err(Outcome::Skipped {
                by: "the CLB, which is not there".to_owned(),
            });
        }
        Ok(())
    }

    async fn carry_out(&mut self, operation: &Operation) -> Result<Outcome, Outcome> {
        match &operation.change {
            Change::CreateLoadBalancer(new) => self.create_load_balancer(new).await,
            Change::ChangeLoadBalancer(change) => self.change_load_balancer(operation, change).await,
            Change::DeleteLoadBalancer => self.delete_load_balancer(operation).await,
            Change::CreateVServerGroup { name, backends } => {
                self.create_vgroup(operation, name, backends).await
            }
            Change::DeleteVServerGroup { vgroup } => self.delete_vgroup(operation, vgroup).await,
            Change::ChangeBackends {
                vgroup,
                change,
                backends,
            } => {
                let vgroup = self.vgroup(vgroup)?;
                self.change_backends(operation, &vgroup, *change, backends).await
            }
            Change::CreateListener(new) => self.create_listener(&self.with_list_id(new)?).await,
            Change::ChangeListener {
                listener,
                vgroup,
                attributes,
            } => {
                self.must_have_read_listeners()?;
                let vgroup = vgroup.as_ref().map(|vgroup| self.vgroup(vgroup)).transpose()?;
                let attributes = self.attributes_with_list_id(attributes)?;
                self.change_listener(operation, *listener, vgroup.as_ref(), &attributes)
                    .await
            }
            Change::StartListener { listener } => self.start_listener(*listener).await,
            Change::DeleteListener { listener } => self.delete_listener(operation, *listener).await,
            Change::RecreateListener { old, new } => {
                self.must_have_read_listeners()?;
                self.recreate_listener(operation, *old, &self.with_list_id(new)?)
                    .await
            }
            Change::FillAccessList { ip_version, entries } => {
                self.fill_access_list(*ip_version, entries).await
            }
            Change::TrimAccessList { access_list, entries } => {
                self.trim_access_list(operation, access_list, entries).await
            }
            Change::DeleteAccessList => self.delete_access_list().await,
            Change::FindLoadBalancer { was_being_made } => self.find_load_balancer(*was_being_made).await,
            Change::ChangeDomainExtension {
                port,
                domain,
                certificate_id,
            } => {
                self.change_domain_extension(operation, *port, domain, certificate_id.as_deref())
                    .await
            }
        }
    }

    fn must_have_read_listeners(&self) -> Result<(), Outcome> {
        self.listeners_unread.clone().map_or(Ok(()), Err)
    }

    /// The group that a reference means.
    pub(super) fn vgroup(&self, reference: &VServerGroupRef) -> Result<VServerGroupId, Outcome> {
        match reference {
            VServerGroupRef::Id(id) => Ok(id.clone()),
            VServerGroupRef::CreatedBy(operation) => {
                self.created_vgroups
                    .get(operation)
                    .cloned()
                    .ok_or_else(|| Outcome::Skipped {
                        by: format!("operation {}, which created no vServer group", operation.0),
                    })
            }
        }
    }

    /// Remembers which group an operation created or found.
    pub(super) fn set_created_vgroup(&mut self, operation: OperationId, vgroup: VServerGroupId) {
        self.created_vgroups.insert(operation, vgroup);
    }

    /// The CLB as the mirror knows it.
    pub(super) fn current(&self) -> Result<(LoadBalancerId, Arc<LoadBalancer>), Outcome> {
        let current = self
            .load_balancer
            .as_ref()
            .and_then(|id| Some((id.clone(), self.region.mirror.get(id)?)));
        current.ok_or_else(|| Outcome::Stale {
            part: "the CLB, which is no longer there".to_owned(),
        })
    }

    /// Whether the part is still what the operation was planned from, or what this batch made of it.
    pub(super) fn check_fresh(
        &self,
        operation: &Operation,
        part: &PartKey,
        current: &LoadBalancer,
    ) -> Result<(), Outcome> {
        let Some(planned_from) = operation.based_on else {
            return Ok(());
        };
        let now = part.version(current);
        if now == Some(planned_from) || (now.is_some() && self.own.get(part).copied() == now) {
            Ok(())
        } else {
            Err(Outcome::Stale {
                part: part.to_string(),
            })
        }
    }

    /// Takes over an own change in the mirror and remembers the part as this batch left it.
    pub(super) fn edit(&mut self, part: &PartKey, change: impl FnOnce(&mut LoadBalancer)) {
        if let Some(id) = &self.load_balancer {
            self.region.mirror.edit(id, part, change);
        }
        self.mark_own(part);
    }

    /// Remembers a part as this batch left it.
    pub(super) fn mark_own(&mut self, part: &PartKey) {
        let version = self
            .load_balancer
            .as_ref()
            .and_then(|id| self.region.mirror.get(id))
            .and_then(|current| part.version(&current));
        if let Some(version) = version {
            self.own.insert(part.clone(), version);
        }
    }

    /// When the current operation is given up.
    pub(super) fn give_up_at(&self) -> Instant {
        match self.good_until {
            Some(good_until) if !self.must_finish => self.deadline.min(good_until),
            _ => self.deadline,
        }
    }

    /// Whether the current operation is still to be done.
    pub(super) fn check_time(&self) -> Result<(), Outcome> {
        if !self.must_finish && Instant::now() >= self.give_up_at() {
            Err(Outcome::Expired)
        } else {
            Ok(())
        }
    }

    /// Whether the batch may change its CLB, and whether enough is known of it. One that is gone is each operation's own to judge.
    async fn check_load_balancer(&self) -> Result<(), Outcome> {
        let Some(id) = &self.load_balancer else {
            return Ok(());
        };
        let mirror = &self.region.mirror;
        if !mirror.is_listed() {
            return Err(Outcome::Busy {
                retry_after: UNTIL_LISTED,
            });
        }
        let known = mirror.complete(id, &self.asker(), self.deadline).await;
        match known.map_err(|error| read_failed(&error))? {
            Some(current) => access::check_existing(&self.cluster, &current),
            None => Ok(()),
        }
    }

    fn report(&self, operation: &Operation, outcome: &Outcome) {
        let (change, end) = (change_name(&operation.change), outcome_name(outcome));
        self.metrics.operations.with_label_values(&[change, end]).inc();
        let clb = self.load_balancer.as_ref().map(tracing::field::display);
        match outcome {
            // The planner tells people of it, with an event.
            Outcome::Rejected(error) => tracing::info!(
                change,
                clb,
                code = error.code,
                message = error.message,
                request = error.request_id,
                "operation rejected"
            ),
            Outcome::Unknown { reason } => tracing::warn!(change, clb, reason, "outcome unknown"),
            _ => tracing::info!(
                change,
                clb,
                outcome = end,
                reason = operation.reason,
                "operation done"
            ),
        }
    }
}

fn change_name(change: &Change) -> &'static str {
    match change {
        Change::CreateLoadBalancer(_) => "create_load_balancer",
        Change::ChangeLoadBalancer(_) => "change_load_balancer",
        Change::DeleteLoadBalancer => "delete_load_balancer",
        Change::CreateVServerGroup { .. } => "create_vgroup",
        Change::DeleteVServerGroup { .. } => "delete_vgroup",
        Change::ChangeBackends { .. } => "change_backends",
        Change::CreateListener(_) => "create_listener",
        Change::ChangeListener { .. } => "change_listener",
        Change::StartListener { .. } => "start_listener",
        Change::DeleteListener { .. } => "delete_listener",
        Change::RecreateListener { .. } => "recreate_listener",
        Change::ChangeDomainExtension { .. } => "change_domain_extension",
        Change::FillAccessList { .. } => "fill_access_list",
        Change::TrimAccessList { .. } => "trim_access_list",
        Change::DeleteAccessList => "delete_access_list",
        Change::FindLoadBalancer { .. } => "find_load_balancer",
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::Busy { .. } => "busy",
        Outcome::Throttled { .. } => "throttled",
        Outcome::Rejected(_) => "rejected",
        Outcome::Skipped { .. } => "skipped",
        Outcome::Superseded => "superseded",
        Outcome::Expired => "expired",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Stale { .. } => "stale",
    }
}
