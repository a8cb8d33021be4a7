//! One CLB in the mirror.

use std::sync::Arc;

use clb_model::VServerGroupId;
use clb_model::cloud::{ListenerKey, LoadBalancer};
use clb_model::version::PartVersion;

/// A part of a CLB with a version of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PartKey {
    /// Its own attributes and tags.
    Instance,
    /// A listener.
    Listener(ListenerKey),
    /// A vServer group with its backends.
    VServerGroup(VServerGroupId),
    /// An access control list of ours, by its id.
    AccessList(String),
}

impl PartKey {
    /// The part's version; none when it is not there.
    pub(crate) fn version(&self, load_balancer: &LoadBalancer) -> Option<PartVersion> {
        match self {
            Self::Instance => Some(load_balancer.version),
            Self::Listener(key) => load_balancer.listeners.get(key).map(|listener| listener.version),
            Self::VServerGroup(id) => load_balancer.vgroups.get(id).map(|vgroup| vgroup.version),
            Self::AccessList(id) => load_balancer.access_lists.get(id).map(|list| list.version),
        }
    }

    /// Gives the part a version; nothing happens when it is not there.
    pub(crate) fn set_version(&self, load_balancer: &mut LoadBalancer, version: PartVersion) {
        let place = match self {
            Self::Instance => Some(&mut load_balancer.version),
            Self::Listener(key) => load_balancer
                .listeners
                .get_mut(key)
                .map(|listener| &mut listener.version),
            Self::VServerGroup(id) => load_balancer
                .vgroups
                .get_mut(id)
                .map(|vgroup| &mut vgroup.version),
            Self::AccessList(id) => load_balancer
                .access_lists
                .get_mut(id)
                .map(|list| &mut list.version),
        };
        if let Some(place) = place {
            *place = version;
        }
    }
}

impl std::fmt::Display for PartKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instance => f.write_str("the CLB's own attributes"),
            Self::Listener(key) => write!(f, "listener {key}"),
            Self::VServerGroup(id) => write!(f, "vServer group {id}"),
            Self::AccessList(id) => write!(f, "access control list {id}"),
        }
    }
}

/// A CLB with what the mirror knows about its knowledge.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As it is known. Shared with those who send it; changed by copying only while they do.
    pub(crate) current: Arc<LoadBalancer>,
    /// Listeners and groups have been read, or the CLB was created here.
    pub(crate) complete: bool,
    /// Own writes under way.
    pub(crate) writing: u32,
    /// When an own write last began or ended.
    pub(crate) written: u64,
}
