//! The mirror's state: entries with indexes and views, and how what was read or written comes into it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use clb_model::cloud::{AccessList, Listener, ListenerKey, LoadBalancer, VServerGroup};
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use clb_model::version::PartVersion;
use clb_model::{LoadBalancerId, VServerGroupId};
use tokio::time::Instant;

use super::entry::{Entry, PartKey};
use super::index::Index;
use super::loader::Wanted;

use super::looks::Looks;
use super::unread::Unread;
use super::view::View;

/// Everything that the mirror's lock guards.
pub(super) struct State {
    pub(super) entries: HashMap<LoadBalancerId, Entry>,
    pub(super) by_owner: Index,
    pub(super) by_name: Index,
    pub(super) by_cluster: Index,
    /// The clusters whose CLBs are ours to know.
    clusters: BTreeSet<String>,
    pub(super) views: HashMap<u64, View>,
    pub(super) next_view: u64,
    /// All CLBs of the region have been read once.
    pub(super) listed: bool,
    /// What is wrong with the cloud, while it is.
    pub(super) trouble: Option<String>,
    /// What is to be read, and how much of it.
    pub(super) wanted: BTreeMap<LoadBalancerId, Wanted>,
    /// What is to be read again after a pause.
    pub(super) unread: Unread,
    /// What was read lately.
    pub(super) looks: Looks,
    term: u64,
    number: u64,
    /// Counts beginnings and ends of own writes, and removals.
    clock: u64,
    /// When CLBs were removed lately.
    removed: HashMap<LoadBalancerId, Removal>,
}

/// A CLB's removal; a read that began before does not bring it back.
#[derive(Debug)]
struct Removal {
    clock: u64,
    at: Instant,
}

/// No read that began before is under way any longer after this: a batch may run for an hour.
const REMEMBER_REMOVALS: Duration = Duration::from_secs(2 * 3600);

/// What was read of what is on a CLB; a part that was not read is none.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) listeners: Option<BTreeMap<ListenerKey, Listener>>,
    pub(super) access_lists: Option<BTreeMap<String, AccessList>>,
    pub(super) vgroups: Option<BTreeMap<VServerGroupId, VServerGroup>>,
}

impl State {
    pub(super) fn new(clusters: BTreeSet<String>, term: u64) -> Self {
        Self {
            entries: HashMap::new(),
            by_owner: Index::default(),
            by_name: Index::default(),
            by_cluster: Index::default(),
            clusters,
            views: HashMap::new(),
            next_view: 0,
            listed: false,
            trouble: None,
            wanted: BTreeMap::new(),
            unread: Unread::default(),
            looks: Looks::default(),
            term,
            number: 0,
            clock: 0,
            removed: HashMap::new(),
        }
    }

    pub(super) fn get(&self, id: &LoadBalancerId) -> Option<Arc<LoadBalancer>> {
        self.entries.get(id).map(|entry| Arc::clone(&entry.current))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_complete(&self, id: &LoadBalancerId) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.complete)
    }

    pub(super) fn owned_by(&self, default_name: &str) -> Vec<LoadBalancerId> {
        self.by_owner.find(default_name).cloned().collect()
    }

    /// The time of own writes; a read notes it before it begins.
    pub(super) fn clock(&self) -> u64 {
        self.clock
    }

    pub(super) fn begin_write(&mut self, id: &LoadBalancerId) {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.writing += 1;
            entry.written = self.clock;
        }
    }

    pub(super) fn end_write(&mut self, id: &LoadBalancerId) {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.writing = entry.writing.saturating_sub(1);
            entry.written = self.clock;
        }
    }

    /// Whether what was read since `clock` may be taken over.
    pub(super) fn is_newer_than_writes(&self, id: &LoadBalancerId, clock: u64) -> bool {
        match self.entries.get(id) {
            Some(entry) => entry.writing == 0 && entry.written <= clock,
            None => self.removed.get(id).is_none_or(|removal| removal.clock <= clock),
        }
    }

    pub(super) fn want(&mut self, id: &LoadBalancerId, wanted: Wanted) {
        let entry = self.wanted.entry(id.clone()).or_default();
        *entry = entry.and(wanted);
    }

    /// Whether the CLB is of interest to anybody here.
    pub(super) fn matters(&self, load_balancer: &LoadBalancer) -> bool {
        let is_of_a_cluster = load_balancer
            .tags
            .get(CLUSTER_TAG)
            .is_some_and(|cluster| self.clusters.contains(cluster));
        is_of_a_cluster || self.views.values().any(|view| view.includes(load_balancer))
    }

    /// Takes over a CLB's own attributes as they were read since `clock`. Says whether they were another before.
    pub(super) fn put_instance(&mut self, mut read: LoadBalancer, clock: u64) -> bool {
        let id = read.id.clone();
        if !self.is_newer_than_writes(&id, clock) {
            return false;
        }
        let (changed, drifted) = match self.entries.get(&id) {
            None => {
                read.version = self.next_version();
                (true, false)
            }
            Some(entry) => {
                let known = &entry.current;
                read.version = known.version;
                read.eip_address.clone_from(&known.eip_address);
                read.listeners.clone_from(&known.listeners);
                read.vgroups.clone_from(&known.vgroups);
                read.access_lists.clone_from(&known.access_lists);
                let changed = read != **known;
                // The status follows the listeners; by itself it makes no plan stale.
                let same_but_status = {
                    let status = std::mem::replace(&mut read.status, known.status.clone());
                    let same = read == **known;
                    read.status = status;
                    same
                };
                if !same_but_status {
                    read.version = self.next_version();
                }
                (changed, !same_but_status)
            }
        };
        if changed {
            let complete = self.is_complete(&id);
            self.replace(read, complete);
        }
        drifted
    }

    /// Takes over what was read of what is on a CLB, after which it is complete if that was everything. Says what was another before on one
    /// that was complete already.
    pub(super) fn put_details(&mut self, id: &LoadBalancerId, details: Details) -> Vec<&'static str> {
        let was_complete = self.is_complete(id);
        if details.listeners.is_some() && details.vgroups.is_some() {
            // First, because a part that comes to an incomplete CLB has all of it read again.
            self.complete(id);
        }
        let mut drift = Vec::new();
        if details
            .listeners
            .is_some_and(|listeners| self.put_listeners(id, listeners))
        {
            drift.push("listeners");
        }
        if details
            .access_lists
            .is_some_and(|lists| self.put_access_lists(id, lists))
        {
            drift.push("access_lists");
        }
        if details
            .vgroups
            .is_some_and(|vgroups| self.put_vgroups(id, vgroups))
        {
            drift.push("vgroups");
        }
        drift.retain(|_| was_complete);
        drift
    }

    /// Takes over all listeners of a CLB as they were read. Says whether they were others before.
    pub(super) fn put_listeners(
        &mut self,
        id: &LoadBalancerId,
        mut listeners: BTreeMap<ListenerKey, Listener>,
    ) -> bool {
        let Some(known) = self.get(id) else {
            return false;
        };
        for (key, listener) in &mut listeners {
            let before = known.listeners.get(key);
            listener.version = before.map_or_else(PartVersion::default, |before| before.version);
            if before != Some(listener) {
                listener.version = self.next_version();
            }
        }
        if listeners == known.listeners {
            return false;
        }
        let mut changed = LoadBalancer::clone(&known);
        changed.listeners = listeners;
        let complete = self.is_complete(id);
        self.replace(changed, complete);
        true
    }

    /// Takes over all groups of a CLB as they were read. Says whether they were others before.
    pub(super) fn put_vgroups(
        &mut self,
        id: &LoadBalancerId,
        mut vgroups: BTreeMap<VServerGroupId, VServerGroup>,
    ) -> bool {
        let Some(known) = self.get(id) else {
            return false;
        };
        for (vgroup_id, vgroup) in &mut vgroups {
            vgroup.backends.sort_by(|a, b| a.key().cmp(&b.key()));
            let before = known.vgroups.get(vgroup_id);
            vgroup.version = before.map_or_else(PartVersion::default, |before| before.version);
            if before != Some(vgroup) {
                vgroup.version = self.next_version();
            }
        }
        if vgroups == known.vgroups {
            return false;
        }
        let mut changed = LoadBalancer::clone(&known);
        changed.vgroups = vgroups;
        let complete = self.is_complete(id);
        self.replace(changed, complete);
        true
    }

    /// The address of the EIP bound to a CLB.
    pub(super) fn put_eip(&mut self, id: &LoadBalancerId, address: Option<String>) {
        let differs = self.get(id).is_some_and(|known| known.eip_address != address);
        if differs {
            self.edit(id, &PartKey::Instance, |load_balancer| {
                load_balancer.eip_address = address;
            });
        }
    }

    /// All that there is of a CLB has been read.
    pub(super) fn complete(&mut self, id: &LoadBalancerId) {
        if let Some(entry) = self.entries.get_mut(id)
            && !entry.complete
        {
            entry.complete = true;
            self.publish(id);
        }
    }

    /// Takes over an own change to one part.
    pub(super) fn edit(
        &mut self,
        id: &LoadBalancerId,
        part: &PartKey,
        change: impl FnOnce(&mut LoadBalancer),
    ) {
        let Some(entry) = self.entries.get(id) else {
            return;
        };
        let complete = entry.complete;
        let mut changed = LoadBalancer::clone(&entry.current);
        change(&mut changed);
        for vgroup in changed.vgroups.values_mut() {
            vgroup.backends.sort_by(|a, b| a.key().cmp(&b.key()));
        }
        part.set_version(&mut changed, self.next_version());
        self.replace(changed, complete);
    }

    pub(super) fn insert_created(&mut self, mut load_balancer: LoadBalancer) {
        load_balancer.version = self.next_version();
        let id = load_balancer.id.clone();
        self.replace(load_balancer, true);
        // What was read before knows nothing of it.
        self.begin_write(&id);
        self.end_write(&id);
    }

    pub(super) fn remove(&mut self, id: &LoadBalancerId) {
        let Some(entry) = self.entries.remove(id) else {
            return;
        };
        self.clock += 1;
        let (clock, at) = (self.clock, Instant::now());
        self.removed
            .retain(|_, removal| at.duration_since(removal.at) < REMEMBER_REMOVALS);
        self.removed.insert(id.clone(), Removal { clock, at });
        self.wanted.remove(id);
        self.unread.forget(id);
        let gone = entry.current;
        self.reindex(id, Some(&gone), None);
        self.publish_gone(id);
    }

    pub(super) fn next_version(&mut self) -> PartVersion {
        self.number += 1;
        PartVersion {
            term: self.term,
            number: self.number,
        }
    }

    /// Puts a CLB in the place of what was known of it, keeps the indexes and tells the views.
    pub(super) fn replace(&mut self, load_balancer: LoadBalancer, complete: bool) {
        let id = load_balancer.id.clone();
        let after = Arc::new(load_balancer);
        let before = match self.entries.get_mut(&id) {
            Some(entry) => {
                entry.complete = complete;
                Some(std::mem::replace(&mut entry.current, Arc::clone(&after)))
            }
            None => {
                let entry = Entry {
                    current: Arc::clone(&after),
                    complete,
                    writing: 0,
                    written: 0,
                };
                self.entries.insert(id.clone(), entry);
                None
            }
        };
        self.reindex(&id, before.as_deref(), Some(&after));
        self.publish(&id);
    }

    fn reindex(&mut self, id: &LoadBalancerId, before: Option<&LoadBalancer>, after: Option<&LoadBalancer>) {
        fn tag<'l>(load_balancer: Option<&'l LoadBalancer>, key: &str) -> Option<&'l str> {
            load_balancer?.tags.get(key).map(String::as_str)
        }
        self.by_owner
            .change(id, tag(before, OWNER_TAG), tag(after, OWNER_TAG));
        self.by_cluster
            .change(id, tag(before, CLUSTER_TAG), tag(after, CLUSTER_TAG));
        let name = |load_balancer: Option<&LoadBalancer>| load_balancer.map(|one| one.name.clone());
        self.by_name
            .change(id, name(before).as_deref(), name(after).as_deref());
    }
}
