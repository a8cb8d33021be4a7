//! Interests: what a planner looks for, what matches, and when that is announced.

use std::collections::BTreeSet;

use clb_model::{LoadBalancerId, ServiceUid};
use clb_wire::actuator::Interest;

use super::loader::Wanted;
use super::outbox::Item;
use super::parts::State;
use super::view::{Sought, remove_from};

impl State {
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

    /// Has the CLBs read that interests name and nobody knows.
    pub(super) fn want_named(&mut self, number: u64) {
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

    pub(super) fn resolve_all(&mut self, number: u64) {
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
    pub(super) fn resolve(&mut self, number: u64, service: &ServiceUid) {
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
}
