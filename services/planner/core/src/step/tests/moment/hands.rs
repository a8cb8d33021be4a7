//! What somebody does by hand to the CLB of a Service.

use clb_model::attribute::{AttributeValue, ListenerAttribute as A};
use clb_model::cloud::{DomainExtension, Listener, ListenerKey, LoadBalancer};
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::step::tests::world::{World, users_clb};

/// One thing; what it names of several is chosen among those that are there.
#[derive(Debug, Clone)]
pub(crate) enum Hand {
    /// A listener is stopped.
    Stop(Index),
    /// A listener is deleted.
    DeleteListener(Index),
    /// A listener gets another attribute.
    Attribute(Index, A, AttributeValue),
    /// A listener sends to the user's group.
    OtherGroup(Index),
    /// A listener of the user's, or of another Service, takes a port.
    TakePort(ListenerKey, bool),
    /// An extension domain gets another certificate, or goes.
    Domain(Index, Option<&'static str>),
    /// A backend goes.
    RemoveBackend(Index, Index),
    /// A backend weighs something else.
    Weight(Index, Index, u8),
    /// A backend is described otherwise.
    Describe(Index, Index),
    /// A group that no listener uses goes.
    DeleteGroup(Index),
    /// A tag is set.
    Tag(&'static str, &'static str),
    /// One of our tags goes.
    LoseTag(&'static str),
    /// The CLB gets another name.
    Rename,
    /// Protections are switched.
    Protections(bool, bool),
    /// The CLB is deleted.
    DeleteClb,
}

pub(crate) fn hands() -> impl Strategy<Value = Vec<Hand>> {
    prop::collection::vec(hand(), 0..5)
}

fn hand() -> impl Strategy<Value = Hand> {
    let one = any::<Index>;
    let key = |text: &str| text.parse::<ListenerKey>().unwrap();
    let ports = vec![
        key("tcp:80"),
        key("http:80"),
        key("https:443"),
        key("udp:53"),
        key("tcp:444"),
    ];
    let attributes = vec![
        (A::Description, AttributeValue::Text("by hand".to_owned())),
        (A::Scheduler, AttributeValue::Text("wrr".to_owned())),
        (A::Bandwidth, AttributeValue::Number(7)),
        (A::HealthCheck, AttributeValue::On(false)),
        (A::HealthCheckInterval, AttributeValue::Number(7)),
        (A::PersistenceTimeout, AttributeValue::Number(7)),
        (A::IdleTimeout, AttributeValue::Number(7)),
        (A::StickySession, AttributeValue::On(false)),
        (A::AclStatus, AttributeValue::On(false)),
        (A::ProxyProtocol, AttributeValue::On(true)),
    ];
    prop_oneof![
        2 => one().prop_map(Hand::Stop),
        2 => one().prop_map(Hand::DeleteListener),
        4 => (one(), select(attributes)).prop_map(|(index, (name, value))| Hand::Attribute(index, name, value)),
        2 => one().prop_map(Hand::OtherGroup),
        2 => (select(ports), any::<bool>()).prop_map(|(key, marked)| Hand::TakePort(key, marked)),
        2 => (one(), select(vec![None, Some("cert-a")])).prop_map(|(index, to)| Hand::Domain(index, to)),
        3 => (one(), one()).prop_map(|(group, backend)| Hand::RemoveBackend(group, backend)),
        3 => (one(), one(), 0..=100_u8).prop_map(|(group, backend, weight)| Hand::Weight(group, backend, weight)),
        2 => (one(), one()).prop_map(|(group, backend)| Hand::Describe(group, backend)),
        2 => one().prop_map(Hand::DeleteGroup),
        2 => select(vec![("a", "9"), ("by-hand", "1"), ("acs:rm", "1")]).prop_map(|(key, value)| Hand::Tag(key, value)),
        1 => select(vec![OWNER_TAG, CLUSTER_TAG]).prop_map(Hand::LoseTag),
        1 => Just(Hand::Rename),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(delete, modify)| Hand::Protections(delete, modify)),
        1 => Just(Hand::DeleteClb),
    ]
}

fn key_of(clb: &LoadBalancer, index: &Index) -> Option<ListenerKey> {
    let keys: Vec<ListenerKey> = clb.listeners.keys().copied().collect();
    (!keys.is_empty()).then(|| *index.get(&keys))
}

fn listener_of<'c>(clb: &'c mut LoadBalancer, index: &Index) -> Option<&'c mut Listener> {
    let key = key_of(clb, index)?;
    clb.listeners.get_mut(&key)
}

fn is_target(clb: &LoadBalancer, key: ListenerKey) -> bool {
    let port = AttributeValue::Number(i64::from(key.port));
    let mut listeners = clb.listeners.values();
    listeners.any(|listener| listener.attributes.get(A::ForwardPort) == Some(&port))
}

impl Hand {
    /// Does it, where the cloud would let anybody.
    pub(crate) fn act(&self, world: &mut World) {
        let Some((id, _)) = world.found() else { return };
        if matches!(self, Self::DeleteClb) {
            world.cloud.load_balancers.remove(&id);
            return;
        }
        if let Some(clb) = world.cloud.load_balancers.get_mut(&id) {
            self.act_on(clb);
        }
    }

    fn act_on(&self, clb: &mut LoadBalancer) {
        match self {
            Self::Stop(index) => {
                if let Some(listener) = listener_of(clb, index) {
                    listener.running = false;
                }
            }
            Self::DeleteListener(index) => {
                if let Some(key) = key_of(clb, index).filter(|key| !is_target(clb, *key)) {
                    clb.listeners.remove(&key);
                }
            }
            Self::Attribute(index, name, value) => {
                let Some(key) = key_of(clb, index).filter(|key| name.applies_to(key.protocol)) else {
                    return;
                };
                if let Some(listener) = clb.listeners.get_mut(&key).filter(|one| one.vgroup.is_some()) {
                    listener.attributes.set(*name, value.clone());
                }
            }
            Self::OtherGroup(index) => {
                let theirs = clb
                    .vgroups
                    .keys()
                    .find(|id| id.as_str().starts_with("rsp-user"))
                    .cloned();
                if let (Some(theirs), Some(listener)) = (theirs, listener_of(clb, index))
                    && listener.vgroup.is_some()
                {
                    listener.vgroup = Some(theirs);
                }
            }
            Self::TakePort(key, marked) => {
                let taken = clb.listeners.keys().any(|there| {
                    there.port == key.port && there.protocol.transport() == key.protocol.transport()
                });
                let theirs = users_clb("lb-x-00").listeners.into_values().next();
                if let Some(mut theirs) = theirs.filter(|_| !taken) {
                    theirs.vgroup = None;
                    if *marked {
                        let mark = format!("k8s/{}/web/default/c-other", key.port);
                        theirs.attributes.set(A::Description, mark);
                    }
                    clb.listeners.insert(*key, theirs);
                }
            }
            Self::Domain(index, certificate) => {
                let Some(domains) = listener_of(clb, index).map(|listener| &mut listener.domain_extensions)
                else {
                    return;
                };
                let Some(domain) = domains.keys().next().cloned() else {
                    return;
                };
                match certificate {
                    None => domains.remove(&domain),
                    Some(certificate) => {
                        let extension = DomainExtension {
                            id: "de-0".to_owned(),
                            certificate_id: (*certificate).to_owned(),
                        };
                        domains.insert(domain, extension)
                    }
                };
            }
            Self::RemoveBackend(group, _) | Self::Weight(group, ..) | Self::Describe(group, _) => {
                let mut groups: Vec<_> = clb
                    .vgroups
                    .values_mut()
                    .filter(|one| !one.backends.is_empty())
                    .collect();
                if !groups.is_empty() {
                    let index = group.index(groups.len());
                    self.act_on_backends(&mut groups[index].backends);
                }
            }
            Self::DeleteGroup(index) => {
                let used = |id| {
                    clb.listeners
                        .values()
                        .any(|listener| listener.vgroup.as_ref() == Some(id))
                };
                let free: Vec<_> = clb.vgroups.keys().filter(|id| !used(id)).cloned().collect();
                if !free.is_empty() {
                    clb.vgroups.remove(index.get(&free));
                }
            }
            Self::Tag(key, value) => {
                clb.tags.insert((*key).to_owned(), (*value).to_owned());
            }
            Self::LoseTag(key) => {
                clb.tags.remove(*key);
            }
            Self::Rename => "by-hand".clone_into(&mut clb.name),
            Self::Protections(delete, modify) => {
                (clb.delete_protection, clb.modification_protection) = (*delete, *modify);
            }
            Self::DeleteClb => {}
        }
    }

    fn act_on_backends(&self, backends: &mut Vec<clb_model::cloud::Backend>) {
        match self {
            Self::RemoveBackend(_, backend) => {
                backends.remove(backend.index(backends.len()));
            }
            Self::Weight(_, backend, weight) => {
                let index = backend.index(backends.len());
                backends[index].weight = *weight;
            }
            Self::Describe(_, backend) => {
                let index = backend.index(backends.len());
                "by hand".clone_into(&mut backends[index].description);
            }
            _ => {}
        }
    }
}
