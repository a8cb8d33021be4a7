//! Changes of a CLB's own attributes, and its deletion.

use clb_cloud_client::{ChangeLoadBalancer, DeleteLoadBalancer};
use clb_model::cloud::{InstanceChargeType, LoadBalancer};
use clb_model::operation::{LoadBalancerChange, Operation, Outcome};

use super::access;
use super::run::Run;
use super::turn::Attempts;
use crate::mirror::{PartKey, Wanted};

const PART: (&PartKey, Wanted) = (&PartKey::Instance, Wanted::INSTANCE);
/// What the cloud says where deletion protection is on although the mirror thinks otherwise.
const PROTECTED: &str = "OperationDenied.DeleteProtectionIsOn";

impl Run {
    pub(super) async fn change_load_balancer(
        &mut self,
        operation: &Operation,
        change: &LoadBalancerChange,
    ) -> Result<Outcome, Outcome> {
        let mut attempts = Attempts::new();
        loop {
            let (id, current) = self.current()?;
            if is_done(change, &current) {
                return Ok(attempts.already(None));
            }
            let action = ChangeLoadBalancer { id: &id, change };
            let mut turn = self.turn(clb_cloud_client::Action::name(&action)).await?;
            let (_, current) = self.current()?;
            self.check_fresh(operation, &PartKey::Instance, &current)?;
            match self.send(&mut turn, &action).await {
                Ok(()) => {
                    self.edit(&PartKey::Instance, |load_balancer| apply(change, load_balancer));
                    if let LoadBalancerChange::PayByClcu | LoadBalancerChange::InternetSpec { .. } = change {
                        // The cloud may set more than was named.
                        self.read_after = self.read_after.and(Wanted::INSTANCE);
                    }
                    return Ok(Outcome::Applied { created: None });
                }
                Err(error) => self.failed(&mut attempts, turn, error, PART).await?,
            }
        }
    }

    pub(super) async fn delete_load_balancer(&mut self, operation: &Operation) -> Result<Outcome, Outcome> {
        let mut attempts = Attempts::new();
        loop {
            let Ok((id, current)) = self.current() else {
                return Ok(attempts.already(None));
            };
            access::check_deletion(&self.batch, &current)?;
            self.check_fresh(operation, &PartKey::Instance, &current)?;
            if current.delete_protection {
                let off = LoadBalancerChange::DeleteProtection(false);
                self.change_load_balancer(operation, &off).await?;
            }
            let mut turn = self.turn("DeleteLoadBalancer").await?;
            let Ok((_, current)) = self.current() else {
                return Ok(attempts.already(None));
            };
            self.check_fresh(operation, &PartKey::Instance, &current)?;
            let error = match self.send(&mut turn, &DeleteLoadBalancer { id: &id }).await {
                Ok(()) => {
                    self.region.mirror.remove(&id);
                    self.settle();
                    return Ok(Outcome::Applied { created: None });
                }
                Err(error) => error,
            };
            if error.is_gone() {
                self.region.mirror.remove(&id);
                return Ok(attempts.already(None));
            }
            if error.has_code(PROTECTED) && !current.delete_protection {
                // Switched on by somebody else meanwhile.
                self.edit(&PartKey::Instance, |load_balancer| {
                    load_balancer.delete_protection = true
                });
                drop(turn);
                // Or switching it off was said to be done and takes effect late: never without a pause.
                let delay = attempts.next_delay();
                if !self.pause(delay, attempts.unsure).await {
                    return Err(Outcome::Busy { retry_after: delay });
                }
                self.check_superseded(attempts.unsure)?;
                continue;
            }
            self.failed(&mut attempts, turn, error, PART).await?;
        }
    }
}

/// Whether the CLB is as the change would make it.
fn is_done(change: &LoadBalancerChange, current: &LoadBalancer) -> bool {
    match change {
        LoadBalancerChange::Name(name) => current.name == *name,
        LoadBalancerChange::Spec(spec) => current.spec == *spec,
        LoadBalancerChange::InternetSpec {
            charge_type,
            bandwidth,
        } => {
            charge_type.is_none_or(|wanted| wanted == current.internet_charge_type)
                && bandwidth.is_none_or(|wanted| i32::try_from(wanted) == Ok(current.bandwidth))
        }
        LoadBalancerChange::PayByClcu => current.instance_charge_type == InstanceChargeType::PayByClcu,
        LoadBalancerChange::DeleteProtection(on) => current.delete_protection == *on,
        LoadBalancerChange::ModificationProtection(on) => current.modification_protection == *on,
        LoadBalancerChange::SetTags(tags) => tags
            .iter()
            .all(|(key, value)| current.tags.get(key) == Some(value)),
        // None to remove is done too: the action without a key would remove them all.
        LoadBalancerChange::RemoveTags(keys) => keys.iter().all(|key| !current.tags.contains_key(key)),
    }
}

fn apply(change: &LoadBalancerChange, load_balancer: &mut LoadBalancer) {
    match change {
        LoadBalancerChange::Name(name) => load_balancer.name.clone_from(name),
        LoadBalancerChange::Spec(spec) => load_balancer.spec.clone_from(spec),
        LoadBalancerChange::InternetSpec {
            charge_type,
            bandwidth,
        } => {
            if let Some(charge_type) = charge_type {
                load_balancer.internet_charge_type = *charge_type;
            }
            if let Some(Ok(bandwidth)) = bandwidth.map(i32::try_from) {
                load_balancer.bandwidth = bandwidth;
            }
        }
        LoadBalancerChange::PayByClcu => {
            load_balancer.instance_charge_type = InstanceChargeType::PayByClcu;
            load_balancer.spec.clear();
        }
        LoadBalancerChange::DeleteProtection(on) => load_balancer.delete_protection = *on,
        LoadBalancerChange::ModificationProtection(on) => load_balancer.modification_protection = *on,
        LoadBalancerChange::SetTags(tags) => load_balancer.tags.extend(tags.clone()),
        LoadBalancerChange::RemoveTags(keys) => {
            load_balancer.tags.retain(|key, _| !keys.contains(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_no_tag_is_never_sent() {
        let none = LoadBalancerChange::RemoveTags(Vec::new());
        assert!(is_done(&none, &crate::sample::load_balancer("lb-1")));
    }

    #[test]
    fn every_change_is_done_once_applied() {
        let changes = [
            LoadBalancerChange::Name("n".to_owned()),
            LoadBalancerChange::Spec("slb.s1.small".to_owned()),
            LoadBalancerChange::InternetSpec {
                charge_type: Some(clb_model::cloud::InternetChargeType::PayByBandwidth),
                bandwidth: Some(7),
            },
            LoadBalancerChange::PayByClcu,
            LoadBalancerChange::DeleteProtection(true),
            LoadBalancerChange::ModificationProtection(true),
            LoadBalancerChange::SetTags([("a".to_owned(), "b".to_owned())].into()),
            LoadBalancerChange::RemoveTags(vec!["ack.aliyun.com".to_owned()]),
        ];
        for change in changes {
            let mut load_balancer = crate::sample::load_balancer("lb-1");
            assert!(!is_done(&change, &load_balancer), "{change:?}");
            apply(&change, &mut load_balancer);
            assert!(is_done(&change, &load_balancer), "{change:?}");
        }
    }
}
