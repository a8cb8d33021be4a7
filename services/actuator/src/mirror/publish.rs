//! Publishing: which views a change concerns, and what each is sent.

use std::collections::BTreeSet;

use clb_model::cloud::LoadBalancer;
use clb_model::{LoadBalancerId, ServiceUid};
use clb_wire::actuator::MirrorUpdate;

use super::loader::Wanted;
use super::outbox::Item;
use super::parts::State;

impl State {
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
    pub(super) fn show(&mut self, number: u64, id: &LoadBalancerId) {
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

    /// Whether every planner of a cluster has been handed what there is to say about a CLB.
    pub(super) fn is_told(&self, cluster: &str, id: &LoadBalancerId) -> bool {
        let item = Item::LoadBalancer(id.clone());
        self.views
            .values()
            .filter(|view| view.cluster == cluster)
            .all(|view| !view.outbox.holds(&item))
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
                Item::Looked(id) => return Some(MirrorUpdate::Looked(id)),
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
