//! What the actuator's mirror has shown of one cluster's CLBs, and which Service each could belong to.
//!
//! Owned by the cluster's task, filled from the Watch stream. Until a Service's interest is resolved nothing may be concluded.

use std::collections::{BTreeSet, HashMap};

use clb_model::cloud::LoadBalancer;
use clb_model::{LoadBalancerId, ServiceUid, marks};
use clb_planner_core::plan::Attachments;
use clb_wire::actuator::{Interest, MirrorUpdate};

/// The CLBs as last shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    load_balancers: HashMap<LoadBalancerId, LoadBalancer>,
    attachments: Attachments,
    by_owner: HashMap<String, BTreeSet<LoadBalancerId>>,
    by_name: HashMap<String, BTreeSet<LoadBalancerId>>,
    resolved: HashMap<ServiceUid, Vec<LoadBalancerId>>,
    interests: HashMap<ServiceUid, Interest>,
    by_default_name: HashMap<String, ServiceUid>,
    by_named_id: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
}

impl View {
    /// A new stream, or none: everything will be shown again.
    pub(crate) fn clear(&mut self) {
        self.load_balancers.clear();
        self.attachments = Attachments::NONE;
        self.by_owner.clear();
        self.by_name.clear();
        self.resolved.clear();
    }

    /// A Service's interest is new or has changed; its search is open again.
    pub(crate) fn set_interest(&mut self, interest: Interest) {
        self.remove_interest(&interest.service);
        let uid = interest.service.clone();
        self.by_default_name
            .insert(interest.default_name.clone(), uid.clone());
        if let Some(id) = &interest.load_balancer {
            self.by_named_id
                .entry(id.clone())
                .or_default()
                .insert(uid.clone());
        }
        self.interests.insert(uid, interest);
    }

    /// A Service is no longer of interest.
    pub(crate) fn remove_interest(&mut self, uid: &ServiceUid) {
        self.resolved.remove(uid);
        let Some(interest) = self.interests.remove(uid) else {
            return;
        };
        self.by_default_name.remove(&interest.default_name);
        if let Some(id) = interest.load_balancer {
            remove_from(&mut self.by_named_id, &id, uid);
        }
    }

    /// The interest as it was last set.
    pub(crate) fn interest(&self, uid: &ServiceUid) -> Option<&Interest> {
        self.interests.get(uid)
    }

    /// The CLBs that could be the Service's, ordered by id; none while its search is open.
    pub(crate) fn candidates(&self, uid: &ServiceUid) -> Option<Vec<&LoadBalancer>> {
        let found = self.resolved.get(uid)?;
        let interest = self.interests.get(uid)?;
        // The search's answer is a moment's; what came later is found by the same three marks.
        let ids: BTreeSet<&LoadBalancerId> = found
            .iter()
            .chain(&interest.load_balancer)
            .chain(self.by_owner.get(&interest.default_name).into_iter().flatten())
            .chain(self.by_name.get(&interest.default_name).into_iter().flatten())
            .collect();
        Some(
            ids.into_iter()
                .filter_map(|id| self.load_balancers.get(id))
                .collect(),
        )
    }

    /// A CLB by its id.
    pub(crate) fn load_balancer(&self, id: &LoadBalancerId) -> Option<&LoadBalancer> {
        self.load_balancers.get(id)
    }

    /// In how many groups each instance is.
    pub(crate) fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    /// Takes in an update and returns the Services that it may concern.
    pub(crate) fn apply(&mut self, update: MirrorUpdate) -> BTreeSet<ServiceUid> {
        match update {
            MirrorUpdate::LoadBalancer(load_balancer) => {
                let mut concerned = self.take(&load_balancer.id);
                concerned.extend(self.concerned_by(&load_balancer));
                self.put(*load_balancer);
                concerned
            }
            MirrorUpdate::Gone(id) => self.take(&id),
            MirrorUpdate::Resolved {
                service,
                load_balancers,
            } => {
                if !self.interests.contains_key(&service) {
                    return BTreeSet::new();
                }
                self.resolved.insert(service.clone(), load_balancers);
                BTreeSet::from([service])
            }
            MirrorUpdate::Synced | MirrorUpdate::Trouble { .. } => BTreeSet::new(),
        }
    }

    fn put(&mut self, load_balancer: LoadBalancer) {
        let id = load_balancer.id.clone();
        if let Some(owner) = load_balancer.tags.get(marks::OWNER_TAG) {
            self.by_owner.entry(owner.clone()).or_default().insert(id.clone());
        }
        self.by_name
            .entry(load_balancer.name.clone())
            .or_default()
            .insert(id.clone());
        self.attachments.add(&load_balancer);
        self.load_balancers.insert(id, load_balancer);
    }

    fn take(&mut self, id: &LoadBalancerId) -> BTreeSet<ServiceUid> {
        let Some(before) = self.load_balancers.remove(id) else {
            return BTreeSet::new();
        };
        self.attachments.remove(&before);
        let concerned = self.concerned_by(&before);
        if let Some(owner) = before.tags.get(marks::OWNER_TAG) {
            remove_from(&mut self.by_owner, owner, id);
        }
        remove_from(&mut self.by_name, &before.name, id);
        concerned
    }

    fn concerned_by(&self, load_balancer: &LoadBalancer) -> BTreeSet<ServiceUid> {
        load_balancer
            .tags
            .get(marks::OWNER_TAG)
            .into_iter()
            .chain([&load_balancer.name])
            .filter_map(|name| self.by_default_name.get(name))
            .chain(self.by_named_id.get(&load_balancer.id).into_iter().flatten())
            .cloned()
            .collect()
    }
}

fn remove_from<K, V>(index: &mut HashMap<K, BTreeSet<V>>, key: &K, value: &V)
where
    K: std::hash::Hash + Eq,
    V: Ord,
{
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}
