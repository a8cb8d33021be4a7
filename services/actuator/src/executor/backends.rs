//! Changes of the backends of a group, in calls of 20.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use clb_cloud_client::{BACKENDS_PER_CALL, CallError, ChangeBackends, DescribeVServerGroup};
use clb_model::VServerGroupId;
use clb_model::cloud::{Backend, BackendTarget, LoadBalancer, VServerGroup};
use clb_model::operation::{BackendChange, LeftOutBackend, Operation, Outcome};

use super::bad_backend;
use super::run::Run;
use super::turn::{Attempts, cloud_error, read_failed};
use crate::mirror::{PartKey, Wanted};

/// How many refused calls of one operation are split because of codes that may or may not be about a backend: enough to find two bad
/// ones among twenty, and few where no call of the group can succeed.
const GUESSES: u32 = 12;

impl Run {
    pub(super) async fn change_backends(
        &mut self,
        operation: &Operation,
        vgroup: &VServerGroupId,
        change: BackendChange,
        backends: &[Backend],
    ) -> Result<Outcome, Outcome> {
        let backends = match change {
            BackendChange::Add => self.resolve(backends).await?,
            // The group itself tells which ENI has the address.
            BackendChange::Remove | BackendChange::Set => backends.to_vec(),
        };
        let changed = self
            .change_resolved(Some(operation), vgroup, change, backends, operation.confirm)
            .await?;
        Ok(if changed {
            Outcome::Applied { created: None }
        } else {
            Outcome::Unchanged { found: None }
        })
    }

    /// Changes backends whose ENIs are known. Whether anything was changed. A call that is refused stops no other that adds. With `confirm`
    /// what is added counts only once the cloud shows it.
    pub(super) async fn change_resolved(
        &mut self,
        operation: Option<&Operation>,
        vgroup: &VServerGroupId,
        change: BackendChange,
        backends: Vec<Backend>,
        confirm: bool,
    ) -> Result<bool, Outcome> {
        let part = PartKey::VServerGroup(vgroup.clone());
        let mut calls: VecDeque<Vec<Backend>> = {
            let (_, current) = self.current()?;
            let missing = effective(&group(&current, vgroup)?, change, &backends);
            missing
                .chunks(BACKENDS_PER_CALL)
                .map(<[Backend]>::to_vec)
                .collect()
        };
        let mut looked_up_again = HashSet::new();
        let mut attempts = Attempts::new();
        let mut changed = false;
        let mut guesses = GUESSES;
        let mut refused = None;
        while let Some(backends) = calls.pop_front() {
            let mut turn = self.turn(ChangeBackends::action(change)).await?;
            let (_, current) = self.current()?;
            if let Some(operation) = operation {
                self.check_fresh(operation, &part, &current)?;
            }
            let backends = effective(&group(&current, vgroup)?, change, &backends);
            if backends.is_empty() {
                changed |= attempts.unsure;
                continue;
            }
            let action = ChangeBackends {
                vgroup,
                change,
                backends: &backends,
            };
            match self.send(&mut turn, &action).await {
                Ok(()) => {
                    changed = true;
                    if !(confirm && change == BackendChange::Add) {
                        self.take_over_backends(&part, vgroup, change, &backends);
                        continue;
                    }
                    drop(turn);
                    let missing = self
                        .await_backends(&part, vgroup, &backends, &mut attempts)
                        .await?;
                    if !missing.is_empty() {
                        calls.push_front(missing);
                    }
                }
                Err(error)
                    if bad_backend::is_meant(&error)
                        || (change == BackendChange::Add && bad_backend::may_be_meant(&error)) =>
                {
                    drop(turn);
                    if !bad_backend::is_meant(&error) {
                        if guesses == 0 {
                            refused = refused.or_else(|| error.refusal().map(cloud_error));
                            continue;
                        }
                        guesses -= 1;
                    }
                    for part in self
                        .sort_out(backends, &error, &mut looked_up_again)
                        .await?
                        .into_iter()
                        .rev()
                    {
                        calls.push_front(part);
                    }
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::VGROUPS))
                        .await?;
                    calls.push_front(backends);
                }
            }
        }
        match refused {
            Some(error) => Err(Outcome::Rejected(error)),
            None => Ok(changed),
        }
    }

    /// After a refusal because of some backends: leaves out those that are bad, returns the calls to make instead.
    async fn sort_out(
        &mut self,
        backends: Vec<Backend>,
        error: &CallError,
        looked_up_again: &mut HashSet<IpAddr>,
    ) -> Result<Vec<Vec<Backend>>, Outcome> {
        let (code, message) = error.refusal().map_or(("", ""), |refusal| {
            (refusal.code.as_str(), refusal.message.as_str())
        });
        let bad_backend::Split { bad, mut parts } = bad_backend::split(backends, message);
        let mut again = Vec::new();
        for backend in bad {
            match &backend.target {
                // The address may have moved to another ENI since it was looked up.
                BackendTarget::Interface { address, .. } if looked_up_again.insert(*address) => {
                    self.region.enis.forget(&self.vpc_ids()?, *address);
                    again.push(without_eni(&backend));
                }
                _ => self.left_out.push(LeftOutBackend {
                    backend,
                    reason: format!("{code}: {message}"),
                }),
            }
        }
        let again = self.look_up(again).await?;
        if !again.is_empty() {
            parts.push(again);
        }
        Ok(parts)
    }

    /// Finds the ENIs of addresses: that of an address which is attached to the CLB at this moment is known.
    pub(super) async fn resolve(&mut self, backends: &[Backend]) -> Result<Vec<Backend>, Outcome> {
        let mut backends = backends.to_vec();
        let is_unknown =
            |backend: &Backend| matches!(backend.target, BackendTarget::Interface { eni: None, .. });
        if backends.iter().any(is_unknown) {
            let (_, current) = self.current()?;
            let attached = attached(&current);
            for backend in &mut backends {
                if let BackendTarget::Interface {
                    address,
                    eni: eni @ None,
                    ..
                } = &mut backend.target
                {
                    *eni = attached.get(address).map(|eni| (*eni).to_owned());
                }
            }
        }
        self.look_up(backends).await
    }

    /// Asks for ENIs that are not known. Addresses that no ENI of the VPC has are left out and named.
    async fn look_up(&mut self, backends: Vec<Backend>) -> Result<Vec<Backend>, Outcome> {
        let unknown: Vec<IpAddr> = backends
            .iter()
            .filter_map(|backend| match &backend.target {
                BackendTarget::Interface {
                    address, eni: None, ..
                } => Some(*address),
                _ => None,
            })
            .collect();
        if unknown.is_empty() {
            return Ok(backends);
        }
        let vpc_ids = self.vpc_ids()?;
        let found = self
            .region
            .enis
            .find(
                &self.region.cloud,
                &vpc_ids,
                &unknown,
                &self.asker(),
                self.give_up_at(),
            )
            .await
            .map_err(|error| read_failed(&error))?;
        let mut resolved = Vec::with_capacity(backends.len());
        for mut backend in backends {
            if let BackendTarget::Interface {
                address,
                eni: eni @ None,
                ..
            } = &mut backend.target
            {
                *eni = found.get(address).cloned();
                if eni.is_none() {
                    let reason = format!("no network interface in {} has the address", vpc_ids.join(", "));
                    self.left_out.push(LeftOutBackend { backend, reason });
                    continue;
                }
            }
            resolved.push(backend);
        }
        Ok(resolved)
    }

    /// Where the pods' interfaces are: in the CLB's VPC if it has one, which then must be one of the cluster's.
    fn vpc_ids(&self) -> Result<Vec<String>, Outcome> {
        let (_, current) = self.current()?;
        let own = self
            .cluster
            .vpc_ids
            .iter()
            .find(|vpc| **vpc == current.vpc_id)
            .cloned();
        Ok(own.map_or_else(|| self.cluster.vpc_ids.clone(), |vpc| vec![vpc]))
    }

    /// Looks for what was added, twice where it comes late; what is still missing then.
    async fn await_backends(
        &mut self,
        part: &PartKey,
        vgroup: &VServerGroupId,
        backends: &[Backend],
        attempts: &mut Attempts,
    ) -> Result<Vec<Backend>, Outcome> {
        let missing = self.see_backends(part, vgroup, backends).await?;
        if missing.is_empty() {
            return Ok(missing);
        }
        let delay = attempts.next_delay();
        if !self.pause(delay, false).await {
            return Err(Outcome::Busy { retry_after: delay });
        }
        self.check_superseded(false)?;
        self.see_backends(part, vgroup, backends).await
    }

    /// Takes over what the cloud shows of a group; those of the backends that are not in it.
    pub(super) async fn see_backends(
        &mut self,
        part: &PartKey,
        vgroup: &VServerGroupId,
        backends: &[Backend],
    ) -> Result<Vec<Backend>, Outcome> {
        let action = DescribeVServerGroup { vgroup };
        let mut attempts = Attempts::new();
        loop {
            let (id, _) = self.current()?;
            let clock = self.region.mirror.clock();
            let read = self
                .region
                .cloud
                .read(&self.asker(), &action, self.give_up_at())
                .await;
            let shown = read.map_err(|error| {
                self.region.mirror.refresh(&id, Wanted::VGROUPS);
                read_failed(&error)
            })?;
            let is_taken_over = self
                .region
                .mirror
                .edit_as_read(&id, part, clock, |load_balancer| {
                    if let Some(group) = load_balancer.vgroups.get_mut(vgroup) {
                        group.backends = shown.backends;
                    }
                });
            if is_taken_over {
                self.mark_own(part);
                break;
            }
            // Another batch has written to the CLB meanwhile.
            let delay = attempts.next_delay();
            if !self.pause(delay, false).await {
                self.region.mirror.refresh(&id, Wanted::VGROUPS);
                return Err(Outcome::Busy { retry_after: delay });
            }
            self.check_superseded(false)?;
        }
        let (_, current) = self.current()?;
        Ok(effective(&group(&current, vgroup)?, BackendChange::Add, backends))
    }

    fn take_over_backends(
        &mut self,
        part: &PartKey,
        vgroup: &VServerGroupId,
        change: BackendChange,
        backends: &[Backend],
    ) {
        self.edit(part, |load_balancer| {
            let Some(group) = load_balancer.vgroups.get_mut(vgroup) else {
                return;
            };
            // Those of the same key go, and come again as they are now unless they were removed.
            let keys: HashSet<_> = backends.iter().map(Backend::key).collect();
            group.backends.retain(|backend| !keys.contains(&backend.key()));
            if change != BackendChange::Remove {
                group.backends.extend(backends.iter().cloned());
            }
        });
        if change == BackendChange::Remove {
            let vpc_ids = self.vpc_ids().unwrap_or_default();
            for backend in backends {
                // The address may come back with another ENI.
                if let BackendTarget::Interface { address, .. } = &backend.target {
                    self.region.enis.forget(&vpc_ids, *address);
                }
            }
        }
    }
}

fn group(load_balancer: &Arc<LoadBalancer>, vgroup: &VServerGroupId) -> Result<VServerGroup, Outcome> {
    load_balancer
        .vgroups
        .get(vgroup)
        .cloned()
        .ok_or_else(|| Outcome::Stale {
            part: format!("vServer group {vgroup}, which is no longer there"),
        })
}

/// The ENIs of the addresses that are attached.
fn attached(load_balancer: &LoadBalancer) -> HashMap<IpAddr, &str> {
    let groups = load_balancer.vgroups.values();
    groups
        .flat_map(|group| &group.backends)
        .filter_map(|backend| match &backend.target {
            BackendTarget::Interface {
                address,
                eni: Some(eni),
                ..
            } => Some((*address, eni.as_str())),
            _ => None,
        })
        .collect()
}

/// Those of the backends for which a call is needed: not there yet, still there, there with another weight or description.
fn effective(group: &VServerGroup, change: BackendChange, backends: &[Backend]) -> Vec<Backend> {
    let known = |backend: &Backend| group.backends.iter().find(|known| known.key() == backend.key());
    backends
        .iter()
        .filter_map(|backend| match (change, known(backend)) {
            (BackendChange::Add, None) => Some(backend.clone()),
            (BackendChange::Remove, Some(known)) => Some(known.clone()),
            (BackendChange::Set, Some(known))
                if known.weight != backend.weight || known.description != backend.description =>
            {
                Some(Backend {
                    target: known.target.clone(),
                    ..backend.clone()
                })
            }
            _ => None,
        })
        .collect()
}

fn without_eni(backend: &Backend) -> Backend {
    let mut backend = backend.clone();
    if let BackendTarget::Interface { eni, .. } = &mut backend.target {
        *eni = None;
    }
    backend
}
