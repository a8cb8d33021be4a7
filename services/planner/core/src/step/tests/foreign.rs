//! What in the cloud is not a Service's: other CLBs, and on the Service's own CLB what neither carries its mark nor is named by an annotation.

use std::collections::BTreeMap;

use clb_model::attribute::ListenerAttribute;
use clb_model::cloud::{Backend, BackendTarget, Listener, ListenerKey, LoadBalancer, VServerGroup};
use clb_model::marks::{CLUSTER_TAG, OWNER_TAG, REUSED_TAG};
use clb_model::{LoadBalancerId, VServerGroupId};

use super::moment::USERS;
use super::world::{World, users_clb};
use crate::desired::tests::lab::PREFIX;
use crate::find::Owner;

/// What a Service must leave as it is.
#[derive(Debug, PartialEq)]
pub(super) struct Foreign {
    /// CLBs of others, whole.
    others: BTreeMap<LoadBalancerId, LoadBalancer>,
    /// Of the Service's own CLB or the user's that it uses, by its id.
    on_its_own: Option<(LoadBalancerId, Part)>,
}

/// What of one CLB is not the Service's.
#[derive(Debug, PartialEq)]
struct Part {
    /// The CLB without tags and parts; only of a user's.
    instance: Option<LoadBalancer>,
    tags: Option<BTreeMap<String, String>>,
    listeners: BTreeMap<ListenerKey, Listener>,
    backends: BTreeMap<VServerGroupId, (String, Vec<Backend>)>,
}

fn is_ours(text: &str) -> bool {
    text.starts_with("k8s/") && text.ends_with("/web/default/c-lab")
}

fn description(listener: &Listener) -> &str {
    let text = listener.attributes.text(ListenerAttribute::Description);
    text.unwrap_or_default()
}

fn has(world: &World, annotation: &str) -> bool {
    let name = format!("{PREFIX}{annotation}");
    let legacy = name.replace("alibaba-cloud", "alicloud");
    let annotations = &world.lab.service.annotations;
    annotations.contains_key(&name) || annotations.contains_key(&legacy)
}

/// What a Service as it is now may not touch.
pub(super) fn foreign(world: &World) -> Foreign {
    let found = world.found();
    let on_its_own = found.map(|(id, owner)| {
        let part = part(world, &world.cloud.load_balancers[&id], owner);
        (id, part)
    });
    let others = world
        .cloud
        .load_balancers
        .iter()
        .filter(|(id, _)| on_its_own.as_ref().is_none_or(|(own, _)| own != *id))
        .map(|(id, clb)| (id.clone(), clb.clone()))
        .collect();
    Foreign { others, on_its_own }
}

fn part(world: &World, clb: &LoadBalancer, owner: Owner) -> Part {
    let our_group = |id: &VServerGroupId| clb.vgroups.get(id).is_some_and(|group| is_ours(&group.name));
    let our_port = |key: ListenerKey| {
        let ports = &world.lab.service.ports;
        ports
            .iter()
            .any(|port| port.port == key.port && port.transport == key.protocol.transport())
    };
    let may_be_touched = |key: ListenerKey, listener: &Listener| {
        let text = description(listener);
        let unmarked = !text.starts_with("k8s/");
        let taken_over = owner == Owner::User && our_port(key);
        is_ours(text) || (unmarked && (taken_over || listener.vgroup.as_ref().is_some_and(our_group)))
    };
    let of_others = |group: &VServerGroup| -> Vec<Backend> {
        let others = group.backends.iter().filter(|one| !is_ours(&one.description));
        others.cloned().collect()
    };
    Part {
        instance: (owner == Owner::User).then(|| LoadBalancer {
            version: clb.version,
            tags: BTreeMap::new(),
            listeners: BTreeMap::new(),
            vgroups: BTreeMap::new(),
            access_lists: BTreeMap::new(),
            ..clb.clone()
        }),
        tags: (!has(world, "additional-resource-tags")).then(|| {
            let mut tags = clb.tags.clone();
            tags.retain(|key, _| ![OWNER_TAG, CLUSTER_TAG, REUSED_TAG].contains(&key.as_str()));
            tags
        }),
        listeners: clb
            .listeners
            .iter()
            .filter(|(key, listener)| !may_be_touched(**key, listener))
            .map(|(key, listener)| (*key, listener.clone()))
            .collect(),
        backends: clb
            .vgroups
            .iter()
            .map(|(id, group)| (id.clone(), (group.name.clone(), of_others(group))))
            .filter(|(_, (name, others))| !is_ours(name) || !others.is_empty())
            .collect(),
    }
}

impl Foreign {
    /// Compares with what is left of it in the world; a CLB of the Service's own may be gone as a whole.
    #[track_caller]
    pub(super) fn assert_is_left_in(&self, world: &World) {
        for (id, before) in &self.others {
            assert_eq!(world.cloud.load_balancers.get(id), Some(before), "{id}");
        }
        let Some((id, before)) = &self.on_its_own else {
            return;
        };
        let Some(clb) = world.cloud.load_balancers.get(id) else {
            assert!(before.instance.is_none(), "the user's {id} is gone");
            return;
        };
        for (key, listener) in &before.listeners {
            assert_eq!(clb.listeners.get(key), Some(listener), "{key}");
        }
        for (group, (name, others)) in &before.backends {
            let now = clb
                .vgroups
                .get(group)
                .expect("a group that holds others' backends stays");
            assert_eq!(now.name, *name);
            let left = now.backends.iter().filter(|one| !is_ours(&one.description));
            assert_eq!(left.cloned().collect::<Vec<_>>(), *others, "{name}");
        }
        if let Some(tags) = &before.tags {
            for (key, value) in tags {
                assert_eq!(clb.tags.get(key), Some(value), "tag {key}");
            }
        }
        if let Some(instance) = &before.instance {
            let now = LoadBalancer {
                version: instance.version,
                tags: BTreeMap::new(),
                listeners: BTreeMap::new(),
                vgroups: BTreeMap::new(),
                access_lists: BTreeMap::new(),
                ..clb.clone()
            };
            assert_eq!(now, *instance, "{id}");
        }
    }
}

/// CLBs that have nothing to do with the Service: another Service's of the same cluster, another cluster's Service's that shares the
/// user's CLB, one that was preserved when a Service of this UID went, a user's own.
pub(super) fn strangers(world: &mut World) {
    let mut others = users_clb("lb-other-01");
    others.name = "a11111111111111111111111111111111".to_owned();
    others.tags = [
        (OWNER_TAG, others.name.clone()),
        (CLUSTER_TAG, "c-lab".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let mut preserved = users_clb("lb-kept-02");
    preserved.name = clb_model::marks::default_name(&world.lab.service.uid);
    preserved.modification_protection = false;
    for (id, clb) in [
        ("lb-other-01", others),
        ("lb-kept-02", preserved),
        ("lb-mine-03", users_clb("lb-mine-03")),
    ] {
        let id = LoadBalancerId::new(id).expect("an id");
        world.cloud.load_balancers.insert(id, clb);
    }
}

/// Somebody puts a backend of theirs into each group of the Service's and of the user's, a listener and a group of another Service on
/// each CLB of the Service's, and a tag.
pub(super) fn intrude(world: &mut World) {
    let Some((id, _)) = world.found() else {
        return;
    };
    let Some(clb) = world.cloud.load_balancers.get_mut(&id) else {
        return;
    };
    for group in clb.vgroups.values_mut() {
        let theirs = Backend {
            target: BackendTarget::Instance("i-theirs".to_owned()),
            port: 1234,
            weight: 7,
            description: "k8s/30080/web/default/c-other".to_owned(),
        };
        if !group.backends.contains(&theirs) {
            group.backends.push(theirs);
        }
    }
    let stranger = users_clb(USERS);
    let group = VServerGroupId::new("rsp-others").expect("an id");
    let vgroup = VServerGroup {
        name: "k8s/30080/web/default/c-other".to_owned(),
        ..stranger.vgroups.into_values().next().expect("it has one")
    };
    clb.vgroups.insert(group.clone(), vgroup);
    for (_, mut listener) in stranger.listeners {
        let others = "k8s/444/web/default/c-other";
        listener.attributes.set(ListenerAttribute::Description, others);
        listener.vgroup = Some(group.clone());
        let key = "tcp:444".parse().expect("a listener");
        clb.listeners.entry(key).or_insert(listener);
    }
    clb.tags.insert("by-hand".to_owned(), "1".to_owned());
}
