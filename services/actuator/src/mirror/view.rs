//! One planner's window on the mirror: what it wants to see, what it has been shown, what is still to be sent.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use clb_model::cloud::LoadBalancer;
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::{LoadBalancerId, ServiceUid};
use clb_wire::actuator::{Interest, MirrorUpdate};
use tokio::sync::Notify;

use super::loader::Wanted;
use super::outbox::{Item, Outbox};
use super::parts::State;

/// A window.
pub(super) struct View {
    cluster: String,
    interests: HashMap<ServiceUid, Sought>,
    by_name: HashMap<String, BTreeSet<ServiceUid>>,
    by_id: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
    /// The Services whose last announced findings name a CLB.
    announced: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
    shown: HashSet<LoadBalancerId>,
    /// CLBs of the cluster whose details are still to be read before everything is there; none before the listing.
    unsynced: Option<HashSet<LoadBalancerId>>,
    synced: bool,
    outbox: Outbox,
    ready: Arc<Notify>,
}

/// An interest, and what has been said about it.
struct Sought {
    interest: Interest,
    /// The id that it names is known not to exist.
    id_absent: bool,
    /// What was last announced.
    found: Option<BTreeSet<LoadBalancerId>>,
}

impl View {
    /// Whether a CLB is to be seen here.
    pub(super) fn includes(&self, load_balancer: &LoadBalancer) -> bool {
        load_balancer.tags.get(CLUSTER_TAG) == Some(&self.cluster)
            || self.seekers(load_balancer).next().is_some()
    }

    /// The Services whose interests match a CLB.
    fn seekers<'v>(&'v self, load_balancer: &LoadBalancer) -> impl Iterator<Item = &'v ServiceUid> {
        let by_tag = load_balancer
            .tags
            .get(OWNER_TAG)
            .and_then(|owner| self.by_name.get(owner));
        let by_name = self.by_name.get(&load_balancer.name);
        let by_id = self.by_id.get(&load_balancer.id);
        [by_tag, by_name, by_id].into_iter().flatten().flatten()
    }

    fn push(&mut self, item: Item) {
        self.outbox.push(item);
        self.ready.notify_one();
    }

    fn forget(&mut self, service: &ServiceUid) -> Option<Sought> {
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

fn remove_from<K: std::hash::Hash + Eq>(
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

    /// Has the CLBs read that interests name and nobody knows.
    fn want_named(&mut self, number: u64) {
        let named: Vec<LoadBalancerId> = self
            .views
            .get(&number)
            .map(|view| view.by_id.keys().cloned().collect())
            .unwrap_or_default();
        for id in named
            .iter()
            .filter(|id| !self.entries.contains_key(id))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.want(&id, Wanted::ALL);
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

    fn check_synced(&mut self, number: u64) {
        if let Some(view) = self.views.get_mut(&number)
            && !view.synced
            && view.unsynced.as_ref().is_some_and(HashSet::is_empty)
        {
            view.synced = true;
            view.push(Item::Synced);
        }
    }

    pub(super) fn change_interests(&mut self, number: u64, upserts: Vec<Interest>, removals: &[ServiceUid]) {
        for service in removals {
            let forgotten = self.views.get_mut(&number).and_then(|view| view.forget(service));
            self.hide_unseen(number, forgotten);
        }
        for interest in upserts {
            self.add_interest(number, interest);
        }
    }

    fn add_interest(&mut self, number: u64, interest: Interest) {
        let service = interest.service.clone();
        let Some(view) = self.views.get_mut(&number) else {
            return;
        };
        if view
            .interests
            .get(&service)
            .is_some_and(|sought| sought.interest == interest)
        {
            return;
        }
        let replaced = view.forget(&service);
        view.by_name
            .entry(interest.default_name.clone())
            .or_default()
            .insert(service.clone());
        if let Some(id) = &interest.load_balancer {
            view.by_id.entry(id.clone()).or_default().insert(service.clone());
        }
        let named = interest.load_balancer.clone();
        view.interests.insert(
            service.clone(),
            Sought {
                interest,
                id_absent: false,
                found: None,
            },
        );
        self.hide_unseen(number, replaced);
        for id in self.matches(number, &service) {
            self.show(number, &id);
        }
        if let Some(id) = named.filter(|id| self.listed && !self.entries.contains_key(id)) {
            self.want(&id, Wanted::ALL);
        }
        self.resolve(number, &service);
    }

    /// CLBs that only a forgotten interest showed leave the view.
    fn hide_unseen(&mut self, number: u64, forgotten: Option<Sought>) {
        for id in forgotten.and_then(|sought| sought.found).into_iter().flatten() {
            let current = self.get(&id);
            if let Some(view) = self.views.get_mut(&number)
                && !current.is_some_and(|load_balancer| view.includes(&load_balancer))
                && view.shown.remove(&id)
            {
                view.push(Item::LoadBalancer(id));
            }
        }
    }

    /// The CLBs that match an interest, by tag, name or id.
    fn matches(&self, number: u64, service: &ServiceUid) -> BTreeSet<LoadBalancerId> {
        let sought = self
            .views
            .get(&number)
            .and_then(|view| view.interests.get(service));
        let Some(Sought { interest, .. }) = sought else {
            return BTreeSet::new();
        };
        let named = interest
            .load_balancer
            .as_ref()
            .filter(|id| self.entries.contains_key(id));
        self.by_owner
            .find(&interest.default_name)
            .chain(self.by_name.find(&interest.default_name))
            .chain(named)
            .cloned()
            .collect()
    }

    /// A CLB that an interest names does not exist.
    pub(super) fn id_is_absent(&mut self, id: &LoadBalancerId) {
        let numbers: Vec<u64> = self.views.keys().copied().collect();
        for number in numbers {
            let Some(view) = self.views.get_mut(&number) else {
                continue;
            };
            let services: Vec<ServiceUid> = view.by_id.get(id).into_iter().flatten().cloned().collect();
            for service in services {
                if let Some(sought) = self
                    .views
                    .get_mut(&number)
                    .and_then(|view| view.interests.get_mut(&service))
                {
                    sought.id_absent = true;
                }
                self.resolve(number, &service);
            }
        }
    }

    fn resolve_all(&mut self, number: u64) {
        let services: Vec<ServiceUid> = self
            .views
            .get(&number)
            .map(|view| view.interests.keys().cloned().collect())
            .unwrap_or_default();
        for service in services {
            self.resolve(number, &service);
        }
    }

    /// Announces what an interest has found, if that is complete and other than what was announced.
    fn resolve(&mut self, number: u64, service: &ServiceUid) {
        let found = self.matches(number, service);
        let is_complete = self.listed && found.iter().all(|id| self.is_complete(id));
        let Some(view) = self.views.get_mut(&number) else {
            return;
        };
        let Some(sought) = view.interests.get_mut(service) else {
            return;
        };
        let id_is_known = match &sought.interest.load_balancer {
            Some(id) => sought.id_absent || found.contains(id),
            None => true,
        };
        if !is_complete || !id_is_known || sought.found.as_ref() == Some(&found) {
            return;
        }
        let before = sought.found.replace(found.clone()).unwrap_or_default();
        for id in before.difference(&found) {
            remove_from(&mut view.announced, id, service);
        }
        for id in found {
            view.announced.entry(id).or_default().insert(service.clone());
        }
        view.push(Item::Resolved(service.clone()));
    }

    /// Tells every view that a CLB has changed.
    pub(super) fn publish(&mut self, id: &LoadBalancerId) {
        let numbers: Vec<u64> = self.views.keys().copied().collect();
        if numbers.is_empty() {
            self.load_if_it_matters(id);
        }
        for number in numbers {
            self.show(number, id);
        }
    }

    /// Shows a CLB in a view, takes it out of it, or has it loaded where somebody wants to see it and its details are not known.
    fn show(&mut self, number: u64, id: &LoadBalancerId) {
        if !self.is_complete(id) {
            self.load_if_it_matters(id);
            return;
        }
        let (Some(load_balancer), Some(view)) = (self.get(id), self.views.get_mut(&number)) else {
            return;
        };
        if view.includes(&load_balancer) {
            view.shown.insert(id.clone());
            view.push(Item::LoadBalancer(id.clone()));
        } else if view.shown.remove(id) {
            view.push(Item::LoadBalancer(id.clone()));
        }
        if let Some(unsynced) = &mut view.unsynced {
            unsynced.remove(id);
        }
        let touched: BTreeSet<ServiceUid> = view
            .seekers(&load_balancer)
            .chain(view.announced.get(id).into_iter().flatten())
            .cloned()
            .collect();
        for service in touched {
            self.resolve(number, &service);
        }
        self.check_synced(number);
    }

    fn load_if_it_matters(&mut self, id: &LoadBalancerId) {
        let Some(entry) = self.entries.get(id) else {
            return;
        };
        if !entry.complete && self.matters(&entry.current) {
            self.want(id, Wanted::DETAILS);
        }
    }

    /// Tells every view that a CLB is gone.
    pub(super) fn publish_gone(&mut self, id: &LoadBalancerId) {
        let numbers: Vec<u64> = self.views.keys().copied().collect();
        for number in numbers {
            let Some(view) = self.views.get_mut(&number) else {
                continue;
            };
            if view.shown.remove(id) {
                view.push(Item::LoadBalancer(id.clone()));
            }
            if let Some(unsynced) = &mut view.unsynced {
                unsynced.remove(id);
            }
            let named = view.by_id.get(id).into_iter().flatten().cloned();
            let touched: BTreeSet<ServiceUid> = view
                .announced
                .get(id)
                .into_iter()
                .flatten()
                .cloned()
                .chain(named)
                .collect();
            for service in touched {
                if let Some(sought) = self
                    .views
                    .get_mut(&number)
                    .and_then(|view| view.interests.get_mut(&service))
                    && sought.interest.load_balancer.as_ref() == Some(id)
                {
                    sought.id_absent = true;
                }
                self.resolve(number, &service);
            }
            self.check_synced(number);
        }
    }

    /// The next thing to send, as it is now.
    pub(super) fn next_update(&mut self, number: u64) -> Option<MirrorUpdate> {
        loop {
            let view = self.views.get_mut(&number)?;
            match view.outbox.pop()? {
                Item::LoadBalancer(id) => {
                    let is_shown = view.shown.contains(&id);
                    return Some(match self.entries.get(&id).filter(|_| is_shown) {
                        Some(entry) => {
                            MirrorUpdate::LoadBalancer(Box::new(LoadBalancer::clone(&entry.current)))
                        }
                        None => MirrorUpdate::Gone(id),
                    });
                }
                Item::Resolved(service) => {
                    if let Some(sought) = view.interests.get(&service)
                        && let Some(found) = &sought.found
                    {
                        return Some(MirrorUpdate::Resolved {
                            load_balancers: found.iter().cloned().collect(),
                            service,
                        });
                    }
                }
                Item::Synced if self.trouble.is_none() => return Some(MirrorUpdate::Synced),
                Item::Synced => {}
                Item::Trouble => {
                    if let Some(reason) = self.trouble.clone() {
                        return Some(MirrorUpdate::Trouble { reason });
                    }
                }
            }
        }
    }
}
