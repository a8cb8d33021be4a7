//! `CreateLoadBalancer`, so that there is never a second CLB: looked for by its tag first, with a token that is the same for the same
//! wish, and sent again as it was while nobody knows whether it took effect. And the search alone, for a Service that is to have none.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_cloud_client::{
    CallError, Class, CreateLoadBalancer, CreatedLoadBalancer, DescribeLoadBalancers, LoadBalancerFilter,
};
use clb_model::cloud::LoadBalancer;
use clb_model::marks::{OWNER_TAG, default_name};
use clb_model::operation::{CloudError, ErrorClass, NewLoadBalancer, Outcome};
use clb_model::version::PartVersion;
use clb_model::{ClusterId, LoadBalancerId, ServiceUid};

use super::access;
use super::creations::Sent;
use super::run::Run;
use super::token::client_token;
use super::turn::{Attempts, cloud_error, read_failed};
use crate::mirror::{PartKey, Wanted};

/// How one creation ended.
enum Created {
    Yes(CreatedLoadBalancer),
    /// The vSwitch has no free address.
    NoAddress(CallError),
    /// The CLB turned out to be there.
    Found(LoadBalancerId),
}

impl Run {
    pub(super) async fn create_load_balancer(&mut self, new: &NewLoadBalancer) -> Result<Outcome, Outcome> {
        access::check_new(&self.cluster, new)?;
        if let Some(id) = self.find_existing(new).await? {
            return self.use_found(&id).await;
        }
        if let Some(sent) = self.creations.unsettled(&self.key()) {
            match self.send_creation(&sent).await? {
                Created::Yes(created) => {
                    let is_as_wanted = sent.new == *new;
                    let id = created.id.to_string();
                    self.take_over(&sent.new, created);
                    // What is wanted by now is changed by the next plan.
                    return Ok(if is_as_wanted {
                        Outcome::Applied { created: Some(id) }
                    } else {
                        Outcome::Unchanged { found: Some(id) }
                    });
                }
                Created::Found(id) => return self.use_found(&id).await,
                Created::NoAddress(_) => {}
            }
        }
        let candidates: Vec<Option<String>> = if new.vswitch_ids.is_empty() {
            vec![None]
        } else {
            new.vswitch_ids.iter().cloned().map(Some).collect()
        };
        let mut last = None;
        for vswitch_id in candidates {
            let sent = Sent {
                new: new.clone(),
                vswitch_id,
            };
            match self.send_creation(&sent).await? {
                Created::Yes(created) => {
                    let id = created.id.to_string();
                    self.take_over(new, created);
                    return Ok(Outcome::Applied { created: Some(id) });
                }
                Created::Found(id) => return self.use_found(&id).await,
                Created::NoAddress(error) => {
                    tracing::info!(
                        vswitch = sent.vswitch_id,
                        "no free address, trying the next vSwitch"
                    );
                    last = error.refusal().map(cloud_error);
                }
            }
        }
        Err(Outcome::Rejected(last.unwrap_or_else(|| CloudError {
            class: ErrorClass::Invalid,
            code: "VSwitchAvailableIpNotExist".to_owned(),
            message: "no vSwitch was named".to_owned(),
            request_id: String::new(),
        })))
    }

    /// Sends one creation until its outcome is known.
    async fn send_creation(&mut self, sent: &Sent) -> Result<Created, Outcome> {
        let token = client_token(&self.batch, &sent.new, sent.vswitch_id.as_deref());
        let action = CreateLoadBalancer {
            new: &sent.new,
            vswitch_id: sent.vswitch_id.as_deref(),
            client_token: &token,
        };
        let mut attempts = Attempts::new();
        // An earlier batch may have sent it, too.
        attempts.unsure = self.creations.unsettled(&self.key()).is_some();
        loop {
            let mut turn = self.turn("CreateLoadBalancer").await?;
            // Noted before sending: should this task end here, the next batch knows.
            self.creations.sent(self.key(), sent);
            let error = match self.send(&mut turn, &action).await {
                Ok(created) => {
                    self.creations.made(&self.key(), &created.id);
                    return Ok(Created::Yes(created));
                }
                Err(error) => error,
            };
            if error.outcome_unknown() {
                attempts.unsure = true;
                drop(turn);
                if !self.pause(RESEND_AFTER, true).await {
                    return Err(Outcome::Unknown {
                        reason: error.to_string(),
                    });
                }
                continue;
            }
            let is_final = error
                .class()
                .is_some_and(|class| !matches!(class, Class::Busy | Class::Throttled | Class::Credentials));
            if is_final && attempts.unsure {
                // An attempt before this one may have made it after all.
                drop(turn);
                if let Some(id) = self.find_existing(&sent.new).await? {
                    self.settle();
                    return Ok(Created::Found(id));
                }
                turn = self.turn("CreateLoadBalancer").await?;
            }
            if is_final || !attempts.unsure {
                self.settle();
            }
            if has_no_address(&error) {
                return Ok(Created::NoAddress(error));
            }
            let nothing = (&PartKey::Instance, Wanted::default());
            self.failed(&mut attempts, turn, error, nothing).await?;
        }
    }

    /// Whether the Service has a CLB, or may still get one by what was sent before. All earlier batches of the Service are over by now, so
    /// that none of them sends anything any more.
    pub(super) async fn find_load_balancer(&mut self, was_being_made: bool) -> Result<Outcome, Outcome> {
        let found = self.look_for(&default_name(&self.batch.service)).await?;
        if let Some(id) = found.first() {
            return self.use_found(id).await;
        }
        let mirror = &self.region.mirror;
        let may_appear = self
            .creations
            .may_appear_for(&self.key(), was_being_made, |id| mirror.get(id).is_some());
        if let Some(time) = may_appear {
            return Err(Outcome::Busy {
                retry_after: time.min(LOOK_AGAIN),
            });
        }
        self.settle();
        Ok(Outcome::Unchanged { found: None })
    }

    /// The CLB that is there already.
    async fn find_existing(&mut self, new: &NewLoadBalancer) -> Result<Option<LoadBalancerId>, Outcome> {
        let owner = new.tags.get(OWNER_TAG).cloned();
        let owner = owner.unwrap_or_else(|| default_name(&self.batch.service));
        only_one(self.look_for(&owner).await?)
    }

    /// Looks for CLBs by the owner tag: in the mirror, then in the cloud.
    async fn look_for(&mut self, owner: &str) -> Result<Vec<LoadBalancerId>, Outcome> {
        let known = self.region.mirror.owned_by(owner);
        if !known.is_empty() {
            return Ok(known);
        }
        let action = DescribeLoadBalancers {
            filter: LoadBalancerFilter::Tag {
                key: OWNER_TAG.to_owned(),
                value: owner.to_owned(),
            },
            page: 1,
        };
        let (asker, deadline) = (self.asker(), self.give_up_at());
        let clock = self.region.mirror.clock();
        let page = self.region.cloud.read(&asker, &action, deadline).await;
        let page = page.map_err(|error| read_failed(&error))?;
        let mut found: Vec<LoadBalancer> = page.load_balancers;
        found.retain(|one| one.tags.get(OWNER_TAG).is_some_and(|tag| tag == owner));
        let ids = found.iter().map(|one| one.id.clone()).collect();
        for load_balancer in found {
            self.region.mirror.adopt(load_balancer, clock);
        }
        Ok(ids)
    }

    /// Goes on with a CLB that is there, once all that is on it is known.
    async fn use_found(&mut self, id: &LoadBalancerId) -> Result<Outcome, Outcome> {
        let (asker, deadline) = (self.asker(), self.give_up_at());
        let known = self.region.mirror.complete(id, &asker, deadline).await;
        let Some(current) = known.map_err(|error| read_failed(&error))? else {
            return Err(Outcome::Stale {
                part: format!("{id}, which was found and is gone"),
            });
        };
        access::check_existing(&self.cluster, &current)?;
        self.load_balancer = Some(id.clone());
        Ok(Outcome::Unchanged {
            found: Some(id.to_string()),
        })
    }

    /// What the answer and the request tell; the rest is read after the batch.
    fn take_over(&mut self, new: &NewLoadBalancer, created: CreatedLoadBalancer) {
        self.load_balancer = Some(created.id.clone());
        self.region.mirror.insert_created(LoadBalancer {
            id: created.id,
            version: PartVersion::default(),
            name: new.name.clone(),
            address: created.address,
            address_type: new.address_type,
            ip_version: new.ip_version,
            status: "inactive".to_owned(),
            spec: new.spec.clone().unwrap_or_default(),
            instance_charge_type: new.instance_charge_type,
            internet_charge_type: new.internet_charge_type,
            bandwidth: new
                .bandwidth
                .and_then(|mbps| i32::try_from(mbps).ok())
                .unwrap_or_default(),
            delete_protection: new.delete_protection,
            modification_protection: new.modification_protection,
            resource_group_id: created.resource_group_id,
            vpc_id: created.vpc_id,
            vswitch_id: created.vswitch_id,
            master_zone_id: new.master_zone_id.clone().unwrap_or_default(),
            slave_zone_id: new.slave_zone_id.clone().unwrap_or_default(),
            tags: new.tags.clone(),
            access_lists: BTreeMap::new(),
            eip_address: None,
            listeners: BTreeMap::new(),
            vgroups: BTreeMap::new(),
        });
        self.mark_own(&PartKey::Instance);
        self.read_after = self.read_after.and(Wanted::INSTANCE);
    }

    fn key(&self) -> (ClusterId, ServiceUid) {
        (self.batch.cluster.clone(), self.batch.service.clone())
    }

    /// The Service's creations are no longer of account: refused, or what they made is gone.
    pub(super) fn settle(&self) {
        self.creations.settle(&self.key());
    }
}

/// Until a creation whose outcome nobody knows is sent again.
const RESEND_AFTER: Duration = Duration::from_millis(500);
/// Until a CLB that may still appear is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

fn only_one(mut found: Vec<LoadBalancerId>) -> Result<Option<LoadBalancerId>, Outcome> {
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(LoadBalancerId::as_str).collect();
        return Err(Outcome::Rejected(CloudError {
            class: ErrorClass::Invalid,
            code: "SeveralLoadBalancers".to_owned(),
            message: format!("more than one CLB carries this Service's tag: {}", ids.join(", ")),
            request_id: String::new(),
        }));
    }
    Ok(found.pop())
}

fn has_no_address(error: &CallError) -> bool {
    ["VSwitchAvailableIpNotExist", "SubnetIpExhaust"]
        .iter()
        .any(|code| error.has_code(code))
}
