//! One planner's window on the mirror: what it wants to see, what it has been shown, what is still to be sent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use clb_model::cloud::LoadBalancer;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::{LoadBalancerId, ServiceUid};
use clb_wire::actuator::Interest;
use tokio::sync::Notify;

use super::outbox::{Item, Outbox};
use super::parts::State;

/// A window.
pub(super) struct View {
    pub(super) cluster: String,
    pub(super) interests: HashMap<ServiceUid, Sought>,
    pub(super) by_name: HashMap<String, BTreeSet<ServiceUid>>,
    pub(super) by_id: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
    /// The Services whose last announced findings name a CLB.
    pub(super) announced: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
    pub(super) shown: HashSet<LoadBalancerId>,
    /// CLBs that the planner wants to be looked at again.
    pub(super) asked: HashSet<LoadBalancerId>,
    /// CLBs of the cluster whose details are still to be read before everything is there; none before the listing.
    pub(super) unsynced: Option<HashSet<LoadBalancerId>>,
    pub(super) synced: bool,
    pub(super) outbox: Outbox,
    pub(super) ready: Arc<Notify>,
}

/// An interest, and what has been said about it.
pub(super) struct Sought {
    pub(super) interest: Interest,
    /// The id that it names is known not to exist.
    pub(super) id_absent: bool,
    /// What was last announced.
    pub(super) found: Option<BTreeSet<LoadBalancerId>>,
}

impl View {
    /// Whether a CLB is to be seen here.
    pub(super) fn includes(&self, load_balancer: &LoadBalancer) -> bool {
        load_balancer.tags.get(CLUSTER_TAG) == Some(&self.cluster)
            || self.seekers(load_balancer).next().is_some()
    }

    /// The Services whose interests match a CLB.
    pub(super) fn seekers<'v>(
        &'v self,
        load_balancer: &LoadBalancer,
    ) -> impl Iterator<Item = &'v ServiceUid> {
        let by_tag = load_balancer
            .tags
            .get(OWNER_TAG)
            .and_then(|owner| self.by_name.get(owner));
        let by_name = self.by_name.get(&load_balancer.name);
        let by_id = self.by_id.get(&load_balancer.id);
        [by_tag, by_name, by_id].into_iter().flatten().flatten()
    }

    pub(super) fn push(&mut self, item: Item) {
        self.outbox.push(item);
        self.ready.notify_one();
    }

    pub(super) fn forget(&mut self, service: &ServiceUid) -> Option<Sought> {
        let sought = self.interests.remove(service)?;
        remove_from(&mut self.by_name, &sought.interest.default_name, service);
        if let Some(id) = &sought.interest.load_balancer {
            remove_from(&mut self.by_id, id, service);
        }
        for id in sought.found.iter().flatten() {
            remove_from(&mut self.announced, id, service);
        }
        Some(sought)
    }
}

pub(super) fn remove_from<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, BTreeSet<ServiceUid>>,
    key: &K,
    service: &ServiceUid,
) {
    if let Some(services) = map.get_mut(key) {
        services.remove(service);
        if services.is_empty() {
            map.remove(key);
        }
    }
}

impl State {
    pub(super) fn open_view(&mut self, cluster: &str, ready: Arc<Notify>) -> u64 {
        let number = self.next_view;
        self.next_view += 1;
        let mut view = View {
            cluster: cluster.to_owned(),
            interests: HashMap::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            announced: HashMap::new(),
            shown: HashSet::new(),
            asked: HashSet::new(),
            unsynced: None,
            synced: false,
            outbox: Outbox::default(),
            ready,
        };
        if self.trouble.is_some() {
            view.push(Item::Trouble);
        }
        self.views.insert(number, view);
        if self.listed {
            self.begin_sync(number);
        }
        number
    }

    pub(super) fn close_view(&mut self, number: u64) {
        self.views.remove(&number);
    }

    /// All CLBs of the region are known: what each view waits for is known too.
    pub(super) fn all_listed(&mut self) {
        if std::mem::replace(&mut self.listed, true) {
            return;
        }
        let numbers: Vec<u64> = self.views.keys().copied().collect();
        for number in numbers {
            self.begin_sync(number);
            self.want_named(number);
            self.resolve_all(number);
        }
    }

    /// Nothing is wrong any more, or something is, said once.
    pub(super) fn set_trouble(&mut self, trouble: Option<String>) {
        if self.trouble.is_some() == trouble.is_some() {
            return;
        }
        let over = trouble.is_none();
        self.trouble = trouble;
        for view in self.views.values_mut() {
            match over {
                true if view.synced => view.push(Item::Synced),
                true => {}
                false => view.push(Item::Trouble),
            }
        }
    }

    fn begin_sync(&mut self, number: u64) {
        let Some(view) = self.views.get(&number) else {
            return;
        };
        let own: Vec<LoadBalancerId> = self.by_cluster.find(&view.cluster).cloned().collect();
        for id in &own {
            self.show(number, id);
        }
        // Only now, so that nothing is synced before all of them are on their way.
        let unsynced = own.into_iter().filter(|id| !self.is_complete(id)).collect();
        if let Some(view) = self.views.get_mut(&number) {
            view.unsynced = Some(unsynced);
        }
        self.check_synced(number);
    }

    pub(super) fn check_synced(&mut self, number: u64) {
        if let Some(view) = self.views.get_mut(&number)
            && !view.synced
            && view.unsynced.as_ref().is_some_and(HashSet::is_empty)
        {
            view.synced = true;
            view.push(Item::Synced);
        }
    }
}
