//! Creation and deletion of vServer groups.

use clb_cloud_client::{BACKENDS_PER_CALL, Class, CreateVServerGroup, DeleteVServerGroup};
use clb_model::VServerGroupId;
use clb_model::cloud::{Backend, LoadBalancer, VServerGroup};
use clb_model::operation::{BackendChange, Operation, Outcome};
use clb_model::version::PartVersion;

use super::bad_backend;
use super::run::Run;
use super::turn::Attempts;
use crate::mirror::{PartKey, Wanted};

impl Run {
    /// Creates a group with its first 20 backends and adds the others. A group of that name that is there already is used. One that a
    /// quota leaves empty is to be planned again.
    pub(super) async fn create_vgroup(
        &mut self,
        operation: &Operation,
        name: &str,
        backends: &[Backend],
    ) -> Result<Outcome, Outcome> {
        let confirm = operation.confirm;
        let backends = self.resolve(backends).await?;
        let mut inline = backends
            .get(..backends.len().min(BACKENDS_PER_CALL))
            .unwrap_or_default();
        let mut crowded = false;
        let mut attempts = Attempts::new();
        let (vgroup, outcome) = loop {
            let (id, current) = self.current()?;
            if let Some(found) = by_name(&current, name) {
                let outcome = attempts.already(Some(found.to_string()));
                break (found, outcome);
            }
            let mut turn = self.turn("CreateVServerGroup").await?;
            let (_, current) = self.current()?;
            if by_name(&current, name).is_some() {
                continue;
            }
            let action = CreateVServerGroup {
                id: &id,
                name,
                backends: inline,
            };
            match self.send(&mut turn, &action).await {
                Ok(vgroup) => {
                    let part = PartKey::VServerGroup(vgroup.clone());
                    let created = VServerGroup {
                        version: PartVersion::default(),
                        name: name.to_owned(),
                        backends: if confirm { Vec::new() } else { inline.to_vec() },
                    };
                    self.edit(&part, |load_balancer| {
                        load_balancer.vgroups.insert(vgroup.clone(), created);
                    });
                    drop(turn);
                    if confirm && !inline.is_empty() {
                        self.see_backends(&part, &vgroup, inline).await?;
                    }
                    let outcome = Outcome::Applied {
                        created: Some(vgroup.to_string()),
                    };
                    break (vgroup, outcome);
                }
                // The group comes first then; its backends follow, all but the bad one.
                Err(error)
                    if !inline.is_empty()
                        && (bad_backend::is_meant(&error) || bad_backend::may_be_meant(&error)) =>
                {
                    inline = &[];
                }
                // Empty it is made all the same, so that its listener comes. What is left of the quota is the planner's to share out.
                Err(error) if !inline.is_empty() && error.class() == Some(Class::Quota) => {
                    inline = &[];
                    crowded = true;
                }
                Err(error) => {
                    let part = (&PartKey::Instance, Wanted::VGROUPS);
                    self.failed(&mut attempts, turn, error, part).await?;
                }
            }
        };
        if crowded {
            // Nothing that relies on its backends begins: a listener that served from another group must not come to an empty one.
            return Err(Outcome::Stale {
                part: format!("vServer group {vgroup}, which a quota left without backends"),
            });
        }
        self.set_created_vgroup(operation.id, vgroup.clone());
        // Those that are there already are skipped by it.
        self.change_resolved(None, &vgroup, BackendChange::Add, backends, confirm)
            .await?;
        Ok(outcome)
    }

    pub(super) async fn delete_vgroup(
        &mut self,
        operation: &Operation,
        vgroup: &VServerGroupId,
    ) -> Result<Outcome, Outcome> {
        let part = PartKey::VServerGroup(vgroup.clone());
        let mut attempts = Attempts::new();
        loop {
            if !self.has_vgroup(vgroup) {
                return Ok(attempts.already(None));
            }
            // A listener that still uses it makes this busy (RspoolVipExist): it is waited out as any other.
            let mut turn = self.turn("DeleteVServerGroup").await?;
            let Ok((_, current)) = self.current() else {
                return Ok(attempts.already(None));
            };
            if !current.vgroups.contains_key(vgroup) {
                continue;
            }
            self.check_fresh(operation, &part, &current)?;
            match self.send(&mut turn, &DeleteVServerGroup { vgroup }).await {
                Ok(()) => {
                    self.forget_vgroup(&part, vgroup);
                    return Ok(Outcome::Applied { created: None });
                }
                Err(error) if error.is_gone() => {
                    self.forget_vgroup(&part, vgroup);
                    return Ok(attempts.already(None));
                }
                Err(error) => {
                    self.failed(&mut attempts, turn, error, (&part, Wanted::VGROUPS))
                        .await?;
                }
            }
        }
    }

    fn has_vgroup(&self, vgroup: &VServerGroupId) -> bool {
        self.current()
            .is_ok_and(|(_, current)| current.vgroups.contains_key(vgroup))
    }

    fn forget_vgroup(&mut self, part: &PartKey, vgroup: &VServerGroupId) {
        self.edit(part, |load_balancer| {
            load_balancer.vgroups.remove(vgroup);
        });
    }
}

/// The group of a name; of several (after an outcome that nobody knew) the one that a listener uses.
fn by_name(load_balancer: &LoadBalancer, name: &str) -> Option<VServerGroupId> {
    let mut named = load_balancer
        .vgroups
        .iter()
        .filter(|(_, vgroup)| vgroup.name == name)
        .map(|(id, _)| id);
    let in_use = |id: &&VServerGroupId| {
        load_balancer
            .listeners
            .values()
            .any(|listener| listener.vgroup.as_ref() == Some(*id))
    };
    named.clone().find(in_use).or_else(|| named.next()).cloned()
}
