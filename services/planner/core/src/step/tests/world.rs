//! A Service with its cluster, a model of the cloud and what the planner keeps, driven pass by pass as the planner's shell, the watcher
//! and the actuator do it.

use clb_model::LoadBalancerId;
use clb_model::cloud::LoadBalancer;
use clb_model::directive::{Event, FinalizerAction, Writes};
use clb_model::marks;

use super::cloud::{Cloud, cloud_defaults};
use crate::desired::tests::lab::{Lab, NOW_MS};
use crate::find;
use crate::plan::Attachments;
use crate::step::{Memory, Observation, PlannedBatch, Step, StepInputs, step};

/// Passes within which everything must have settled. Under the tightest quotas each makes room for the next.
const MOST_PASSES: usize = 16;

/// Everything that one Service lives in.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) cloud: Cloud,
    pub(crate) memory: Memory,
    pub(crate) fresh: bool,
    pub(crate) now_ms: u64,
    /// All events so far.
    pub(crate) events: Vec<Event>,
    /// All batches so far.
    pub(crate) batches: Vec<PlannedBatch>,
}

impl World {
    /// With an empty cloud.
    pub(crate) fn new(lab: Lab) -> Self {
        let mut cloud = Cloud::default();
        cloud.owner = marks::default_name(&lab.service.uid);
        cloud.list_name = marks::access_list_name(&lab.service.uid);
        Self {
            lab,
            cloud,
            memory: Memory::default(),
            fresh: true,
            now_ms: NOW_MS,
            events: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Settled, with what led there forgotten.
    #[track_caller]
    pub(crate) fn settled(lab: Lab) -> Self {
        let mut world = Self::new(lab);
        world.settle();
        world.forget();
        world
    }

    /// Forgets the events and batches so far.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
        self.batches.clear();
        self.cloud.emptied.clear();
        self.cloud.cut_off.clear();
    }

    /// One pass, without its consequences.
    pub(crate) fn look(&self) -> Step {
        self.look_at(Observation::Known(&self.candidates()))
    }

    /// One pass before the mirror has answered, without its consequences.
    pub(crate) fn look_too_early(&self) -> Step {
        self.look_at(Observation::Pending)
    }

    fn look_at(&self, observed: Observation<'_>) -> Step {
        step(StepInputs {
            cluster: &self.lab.cluster,
            service: &self.lab.service,
            nodes: &self.lab.nodes,
            observed,
            facts: &self.lab.facts,
            attachments: &Attachments::count(self.cloud.load_balancers.values()),
            memory: &self.memory,
            fresh: self.fresh,
            now_ms: self.now_ms,
        })
    }

    /// The CLB that the Service has, and whose it is.
    pub(crate) fn found(&self) -> Option<(LoadBalancerId, find::Owner)> {
        let candidates = self.candidates();
        let found = find::find_for_clean_up(&self.lab.service, &self.lab.cluster.id, &candidates);
        found
            .ok()
            .flatten()
            .map(|found| (found.load_balancer.id.clone(), found.owner))
    }

    fn candidates(&self) -> Vec<&LoadBalancer> {
        let name = marks::default_name(&self.lab.service.uid);
        let id = find::interest(&self.lab.service);
        self.cloud
            .load_balancers
            .values()
            .filter(|clb| {
                clb.name == name
                    || clb.tags.get(marks::OWNER_TAG) == Some(&name)
                    || Some(&clb.id) == id.as_ref()
            })
            .collect()
    }

    /// One pass: what it directs is written, its batch carried out.
    #[track_caller]
    pub(crate) fn pass(&mut self) -> Step {
        let step = self.look();
        self.take(&step);
        if let Some(batch) = &step.batch {
            let results = self.cloud.apply(batch);
            self.memory = self.memory.after_batch(&batch.operations, &results);
            self.batches.push(batch.clone());
        }
        step
    }

    /// One pass of whose batch only the first operations are carried out.
    #[track_caller]
    pub(crate) fn pass_first(&mut self, count: usize) {
        let step = self.look();
        self.take(&step);
        if let Some(batch) = &step.batch {
            let results = self.cloud.apply_first(batch, count);
            self.memory = self.memory.after_batch(&batch.operations, &results);
        }
    }

    /// Passes until nothing is left to do; gives the last.
    #[track_caller]
    pub(crate) fn settle(&mut self) -> Step {
        for _ in 0..MOST_PASSES {
            let step = self.pass();
            assert!(step.questions.is_empty(), "{:?}", step.questions);
            if step.batch.is_none() && step.writes.is_empty() {
                return step;
            }
        }
        panic!("does not settle; the last pass came to {:#?}", self.look());
    }

    /// A pass that finds what was refused waiting, and then the time until it is tried again.
    pub(crate) fn wait_out_refusals(&mut self) {
        let step = self.look();
        if step.batch.is_none() {
            self.take(&step);
            self.now_ms += 3_600_000;
        }
    }

    /// Takes over what a pass directs and remembers, but not its batch.
    pub(crate) fn take(&mut self, step: &Step) {
        self.write(&step.writes);
        self.memory = step.memory.clone();
    }

    /// Writes what a pass directs.
    pub(crate) fn write(&mut self, writes: &Writes) {
        let service = &mut self.lab.service;
        if let Some(ingress) = &writes.ingress {
            assert_ne!(service.ingress, *ingress, "written though it was so");
            service.ingress.clone_from(ingress);
        }
        for (label, value) in &writes.labels {
            assert_ne!(
                service.labels.get(label),
                value.as_ref(),
                "written though it was so"
            );
            match value {
                Some(value) => service.labels.insert(label.clone(), value.clone()),
                None => service.labels.remove(label),
            };
        }
        for condition in &writes.conditions {
            assert!(
                !service.conditions.contains(condition),
                "written though it was so: {condition:?}"
            );
            service
                .conditions
                .retain(|present| present.kind != condition.kind);
            service.conditions.push(condition.clone());
        }
        for pod in &writes.readiness_gates {
            let endpoints = service.endpoints.iter_mut().flat_map(|set| &mut set.endpoints);
            for endpoint in endpoints.filter(|endpoint| endpoint.pod.as_ref() == Some(pod)) {
                assert!(endpoint.awaits_readiness_gate, "set though it was so: {pod:?}");
                endpoint.awaits_readiness_gate = false;
            }
        }
        match writes.finalizer {
            FinalizerAction::Keep => {}
            FinalizerAction::Present => service.finalizer = true,
            FinalizerAction::Absent => service.finalizer = false,
        }
        self.events.extend(writes.events.iter().cloned());
    }

    /// The only CLB.
    #[track_caller]
    pub(crate) fn clb(&self) -> &LoadBalancer {
        assert_eq!(
            self.cloud.load_balancers.len(),
            1,
            "{:?}",
            self.cloud.load_balancers.keys()
        );
        self.cloud.load_balancers.values().next().unwrap()
    }

    /// The only CLB, to be changed by hand.
    #[track_caller]
    pub(crate) fn clb_mut(&mut self) -> &mut LoadBalancer {
        assert_eq!(self.cloud.load_balancers.len(), 1);
        self.cloud.load_balancers.values_mut().next().unwrap()
    }

    /// A user's CLB, added to the cloud.
    pub(crate) fn with_users_clb(mut self, id: &str) -> Self {
        let mut clb = users_clb(id);
        clb.version.number = 7;
        self.cloud
            .load_balancers
            .insert(LoadBalancerId::new(id).unwrap(), clb);
        self
    }

    /// The reasons of all operations so far, in order.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.batches
            .iter()
            .flat_map(|batch| &batch.operations)
            .map(|operation| operation.reason.as_str())
            .collect()
    }

    /// All events so far as `reason: message`.
    pub(crate) fn said(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|event| format!("{}: {}", event.reason, event.message))
            .collect()
    }

    /// How often an event of that reason was sent.
    pub(crate) fn count(&self, reason: &str) -> usize {
        self.events.iter().filter(|event| event.reason == reason).count()
    }

    /// The condition of that type as `status reason`.
    pub(crate) fn condition(&self, kind: &str) -> Option<String> {
        crate::conditions::find(&self.lab.service, kind)
            .map(|condition| format!("{:?} {}", condition.status, condition.reason))
    }
}

/// A CLB as the examples expect it of a user: a TCP listener 9000 and a group with a backend.
pub(crate) fn users_clb(id: &str) -> LoadBalancer {
    let number = id.rsplit('-').next().unwrap_or_default();
    let json = serde_json::json!({
        "id": id, "version": {"term": 1, "number": 1}, "name": format!("users-{number}"), "address": "47.1.1.1",
        "address_type": "internet", "ip_version": "ipv4", "status": "active", "spec": "slb.s2.small",
        "instance_charge_type": "PayBySpec", "internet_charge_type": "paybytraffic", "bandwidth": 5120,
        "delete_protection": false, "modification_protection": false, "resource_group_id": "rg-default",
        "vpc_id": "", "vswitch_id": "", "master_zone_id": "cn-hangzhou-h", "slave_zone_id": "cn-hangzhou-j",
        "tags": {"team": "web"}, "eip_address": null,
        "listeners": {"tcp:9000": {
            "version": {"term": 1, "number": 1}, "running": true, "vgroup": format!("rsp-user-{number}"),
            "attributes": {"Description": "users-listener", "Scheduler": "wrr"}, "domain_extensions": {},
        }},
        "vgroups": {format!("rsp-user-{number}"): {
            "version": {"term": 1, "number": 1}, "name": format!("users-{number}"),
            "backends": [{"target": {"Instance": "i-mine"}, "port": 9999, "weight": 50, "description": "mine"}],
        }},
    });
    let mut clb: LoadBalancer = serde_json::from_value(json).unwrap();
    for (key, listener) in &mut clb.listeners {
        let named = std::mem::replace(&mut listener.attributes, cloud_defaults(key.protocol));
        listener.attributes.merge(&named);
    }
    clb
}
