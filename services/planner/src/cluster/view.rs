//! What the actuator's mirror has shown of one cluster's CLBs, and which Service each could belong to.
//!
//! Owned by the cluster's task, filled from the Watch stream. Until a Service's interest is resolved, and every CLB that was found for it
//! shown or reported gone, nothing may be concluded.

use std::collections::{BTreeSet, HashMap};

use clb_model::cloud::LoadBalancer;
use clb_model::{LoadBalancerId, ServiceUid, marks};
use clb_wire::actuator::{Interest, MirrorUpdate};

use super::attachments::AttachmentLedger;

/// The CLBs as last shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    load_balancers: HashMap<LoadBalancerId, LoadBalancer>,
    /// In how many groups each instance is.
    pub(crate) attachments: AttachmentLedger,
    by_owner: HashMap<String, BTreeSet<LoadBalancerId>>,
    by_name: HashMap<String, BTreeSet<LoadBalancerId>>,
    resolved: HashMap<ServiceUid, Vec<LoadBalancerId>>,
    /// CLBs that the stream has reported gone: those of a search's answer that are neither here nor shown could not be read.
    gone: BTreeSet<LoadBalancerId>,
    interests: HashMap<ServiceUid, Interest>,
    by_default_name: HashMap<String, ServiceUid>,
    by_named_id: HashMap<LoadBalancerId, BTreeSet<ServiceUid>>,
}

impl View {
    /// A new stream, or none: everything will be shown again.
    pub(crate) fn clear(&mut self) {
        self.load_balancers.clear();
        self.attachments.hide_all();
        self.by_owner.clear();
        self.by_name.clear();
        self.resolved.clear();
        self.gone.clear();
    }

    /// A Service's interest is new or has changed. Its search is open again, unless all that is new is the id of a CLB which is shown
    /// already, as after the watcher has put it on the Service.
    pub(crate) fn set_interest(&mut self, interest: Interest) {
        let uid = interest.service.clone();
        let found = self.resolved.remove(&uid).filter(|_| {
            let named = interest.load_balancer.as_ref();
            named.is_none_or(|id| self.load_balancers.contains_key(id))
        });
        self.forget_interest(&uid);
        if let Some(found) = found {
            self.resolved.insert(uid.clone(), found);
        }
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
        self.attachments.release(uid);
        self.forget_interest(uid);
    }

    fn forget_interest(&mut self, uid: &ServiceUid) {
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

    /// The CLBs that could be the Service's, ordered by id; none while its search is open or [`Self::unshown`] names one.
    pub(crate) fn candidates(&self, uid: &ServiceUid) -> Option<Vec<&LoadBalancer>> {
        let found = self.resolved.get(uid)?;
        if self.unshown(uid).next().is_some() {
            return None;
        }
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

    /// Whether every search is over.
    pub(crate) fn is_complete(&self) -> bool {
        self.resolved.len() == self.interests.len()
    }

    /// CLBs that the search for the Service's has found, but which were neither shown nor reported gone. To take them for absent would make
    /// a second CLB, or let a Service go whose CLB is still there.
    pub(crate) fn unshown(&self, uid: &ServiceUid) -> impl Iterator<Item = &LoadBalancerId> {
        let found = self.resolved.get(uid).into_iter().flatten();
        found.filter(|id| !self.load_balancers.contains_key(*id) && !self.gone.contains(*id))
    }

    /// A CLB by its id.
    pub(crate) fn load_balancer(&self, id: &LoadBalancerId) -> Option<&LoadBalancer> {
        self.load_balancers.get(id)
    }

    /// Takes in an update and returns the Services that it may concern.
    pub(crate) fn apply(&mut self, update: MirrorUpdate) -> BTreeSet<ServiceUid> {
        match update {
            MirrorUpdate::LoadBalancer(load_balancer) => {
                let mut concerned = self.take(&load_balancer.id);
                concerned.extend(self.concerned_by(&load_balancer));
                self.put(*load_balancer, &concerned);
                concerned
            }
            MirrorUpdate::Gone(id) => {
                let mut concerned = self.take(&id);
                let awaited = self.resolved.iter().filter(|(_, found)| found.contains(&id));
                concerned.extend(awaited.map(|(uid, _)| uid.clone()));
                self.gone.insert(id);
                concerned
            }
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
            MirrorUpdate::Looked(_) | MirrorUpdate::Synced | MirrorUpdate::Trouble { .. } => BTreeSet::new(),
        }
    }

    fn put(&mut self, load_balancer: LoadBalancer, concerned: &BTreeSet<ServiceUid>) {
        let id = load_balancer.id.clone();
        if let Some(owner) = load_balancer.tags.get(marks::OWNER_TAG) {
            self.by_owner.entry(owner.clone()).or_default().insert(id.clone());
        }
        self.by_name
            .entry(load_balancer.name.clone())
            .or_default()
            .insert(id.clone());
        self.attachments.show(&load_balancer, concerned);
        self.gone.remove(&id);
        self.load_balancers.insert(id, load_balancer);
    }

    fn take(&mut self, id: &LoadBalancerId) -> BTreeSet<ServiceUid> {
        let Some(before) = self.load_balancers.remove(id) else {
            return BTreeSet::new();
        };
        self.attachments.hide(&before);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::load_balancer;

    fn uid(text: &str) -> ServiceUid {
        ServiceUid::new(text).unwrap()
    }

    fn id(text: &str) -> LoadBalancerId {
        LoadBalancerId::new(text).unwrap()
    }

    fn interest(named: Option<&str>) -> Interest {
        Interest {
            service: uid("web"),
            default_name: "a-web".to_owned(),
            load_balancer: named.map(id),
        }
    }

    fn resolved(ids: &[&str]) -> MirrorUpdate {
        MirrorUpdate::Resolved {
            service: uid("web"),
            load_balancers: ids.iter().copied().map(id).collect(),
        }
    }

    fn shown(name: &str, owner: &str) -> MirrorUpdate {
        MirrorUpdate::LoadBalancer(Box::new(load_balancer("lb-1", name, owner)))
    }

    fn candidates(view: &View) -> Option<Vec<&str>> {
        let found = view.candidates(&uid("web"))?;
        Some(found.iter().map(|found| found.id.as_str()).collect())
    }

    #[test]
    fn nothing_is_concluded_before_the_search_is_over() {
        let mut view = View::default();
        view.set_interest(interest(None));
        view.apply(shown("a-web", "a-web"));
        assert_eq!(candidates(&view), None);
        assert_eq!(view.apply(resolved(&["lb-1"])), BTreeSet::from([uid("web")]));
        assert_eq!(candidates(&view), Some(vec!["lb-1"]));
        view.clear();
        assert_eq!(candidates(&view), None);
    }

    #[test]
    fn what_comes_after_the_search_is_found_by_tag_name_and_id() {
        for (name, owner, named) in [
            ("other", "a-web", None),
            ("a-web", "other", None),
            ("other", "other", Some("lb-1")),
        ] {
            let mut view = View::default();
            view.set_interest(interest(named));
            view.apply(resolved(&[]));
            assert_eq!(candidates(&view), Some(vec![]));
            assert_eq!(view.apply(shown(name, owner)), BTreeSet::from([uid("web")]));
            assert_eq!(candidates(&view), Some(vec!["lb-1"]));
            // It loses the mark, which concerns the Service too.
            let concerned = view.apply(shown("nobody", "nobody"));
            assert_eq!(concerned, BTreeSet::from([uid("web")]));
            assert_eq!(
                candidates(&view).is_some_and(|found| found.is_empty()),
                named.is_none()
            );
            view.apply(MirrorUpdate::Gone(id("lb-1")));
            assert_eq!(candidates(&view), Some(vec![]));
        }
    }

    #[test]
    fn a_clb_that_was_found_but_not_shown_is_not_absent() {
        let mut view = View::default();
        view.set_interest(interest(None));
        // It could not be read.
        view.apply(resolved(&["lb-1"]));
        assert_eq!(candidates(&view), None);
        assert_eq!(view.unshown(&uid("web")).collect::<Vec<_>>(), [&id("lb-1")]);
        assert_eq!(
            view.apply(MirrorUpdate::Gone(id("lb-1"))),
            BTreeSet::from([uid("web")])
        );
        assert_eq!(candidates(&view), Some(vec![]));

        view.clear();
        view.apply(resolved(&["lb-1"]));
        assert_eq!(
            candidates(&view),
            None,
            "it is another stream's word that it is gone"
        );
        view.apply(shown("a-web", "a-web"));
        assert_eq!(candidates(&view), Some(vec!["lb-1"]));
    }

    #[test]
    fn naming_a_clb_that_is_shown_needs_no_new_search() {
        let mut view = View::default();
        view.set_interest(interest(None));
        view.apply(shown("a-web", "a-web"));
        view.apply(resolved(&["lb-1"]));
        view.set_interest(interest(Some("lb-1")));
        assert_eq!(candidates(&view), Some(vec!["lb-1"]));
        view.set_interest(interest(Some("lb-2")));
        assert_eq!(candidates(&view), None);
    }
}
