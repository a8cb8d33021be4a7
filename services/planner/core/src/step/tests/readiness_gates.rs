//! Readiness gates: set when the pod is registered, not before, in every mode.

use clb_model::cluster::{Endpoint, PodRef, TargetPort, TrafficPolicy, Transport};
use clb_model::operation::{BackendChange, Change};

use super::world::World;
use crate::desired::tests::lab::{Lab, pod, tcp_port};
use crate::desired::tests::manifest::service_port;
use crate::step::Step;

/// A pod whose containers are ready and that waits for its gate.
fn waiting(address: &str, node: &str) -> Endpoint {
    Endpoint {
        pod: Some(reference(address)),
        awaits_readiness_gate: true,
        ..pod(address, node)
    }
}

fn reference(address: &str) -> PodRef {
    PodRef {
        name: format!("pod-{address}"),
        uid: format!("uid-{address}"),
    }
}

fn with(mut lab: Lab, endpoints: Vec<Endpoint>) -> Lab {
    lab.service.endpoints[0].endpoints = endpoints;
    lab
}

fn eni() -> Lab {
    Lab::tcp().annotated("backend-type", "eni")
}

/// The names of the pods whose gate a pass sets.
fn gates(step: &Step) -> Vec<&str> {
    let pods = step.writes.readiness_gates.iter();
    pods.map(|pod| pod.name.as_str()).collect()
}

/// Gates that each pass of a Service sets until it has settled; the state of the cloud at that pass says whether they may.
#[track_caller]
fn settle(world: &mut World) -> Vec<String> {
    let mut set = Vec::new();
    for _ in 0..8 {
        let step = world.look();
        for pod in &step.writes.readiness_gates {
            assert!(!world.cloud.load_balancers.is_empty());
            set.push(pod.name.clone());
        }
        if step.batch.is_none() && step.writes.is_empty() {
            return set;
        }
        world.pass();
    }
    panic!("does not settle");
}

#[test]
fn a_new_services_pods_are_set_once_they_are_registered() {
    let virtual_pod = || waiting("10.0.9.1", "vk");
    let local = || {
        let mut lab = Lab::tcp();
        lab.service.traffic_policy = TrafficPolicy::Local;
        lab
    };
    for (mode, lab) in [("cluster", Lab::tcp()), ("local", local()), ("eni", eni())] {
        let lab = with(lab, vec![waiting("10.0.1.1", "n1"), virtual_pod()]);
        let mut world = World::new(lab);
        assert_eq!(settle(&mut world), ["pod-10.0.1.1", "pod-10.0.9.1"], "{mode}");
        let stays = world.look();
        assert!(gates(&stays).is_empty(), "{mode}");
    }
}

#[test]
fn a_pod_is_registered_before_its_gate_is_set() {
    let mut world = World::settled(with(eni(), vec![pod("10.0.1.1", "n1")]));
    world.lab.service.endpoints[0]
        .endpoints
        .push(waiting("10.0.2.1", "n2"));
    let first = world.look();
    assert!(gates(&first).is_empty(), "it is not in the group yet");
    let batch = first.batch.expect("it is added");
    assert!(matches!(
        batch.operations[0].change,
        Change::ChangeBackends {
            change: BackendChange::Add,
            ..
        }
    ));
    assert_eq!(settle(&mut world), ["pod-10.0.2.1"]);
}

#[test]
fn under_cluster_policy_the_group_is_enough() {
    let mut world = World::settled(with(Lab::tcp(), vec![pod("10.0.1.1", "n1")]));
    world.lab.service.endpoints[0]
        .endpoints
        .push(waiting("10.0.2.1", "n2"));
    let step = world.look();
    assert_eq!(gates(&step), ["pod-10.0.2.1"]);
    assert!(step.batch.is_none());
}

#[test]
fn under_local_policy_the_node_must_be_a_backend() {
    let mut lab = with(Lab::tcp(), vec![pod("10.0.1.1", "n1")]);
    lab.service.traffic_policy = TrafficPolicy::Local;
    let mut world = World::settled(lab);
    let endpoints = &mut world.lab.service.endpoints[0].endpoints;
    endpoints.extend([waiting("10.0.1.2", "n1"), waiting("10.0.2.1", "n2")]);
    assert_eq!(gates(&world.look()), ["pod-10.0.1.2"], "n1 has a pod already");
    assert_eq!(settle(&mut world), ["pod-10.0.1.2", "pod-10.0.2.1"]);
}

#[test]
fn a_pod_that_cannot_be_a_backend_waits_and_holds_up_no_other() {
    let mut world = World::new(with(
        eni(),
        vec![waiting("10.0.1.1", "n1"), waiting("172.31.0.1", "n2")],
    ));
    assert_eq!(settle(&mut world), ["pod-10.0.1.1"]);
}

#[test]
fn every_port_must_be_registered() {
    let other = service_port("other", Transport::Tcp, 81, TargetPort::Number(8081));
    let mut lab = Lab::with_ports(vec![tcp_port(80), other]).annotated("backend-type", "eni");
    for set in &mut lab.service.endpoints {
        set.endpoints = vec![pod("10.0.1.1", "n1")];
    }
    let mut world = World::settled(lab);
    for set in &mut world.lab.service.endpoints {
        set.endpoints.push(waiting("10.0.2.1", "n2"));
    }
    world.pass_first(1);
    assert!(gates(&world.look()).is_empty(), "one of two groups has it");
    assert_eq!(settle(&mut world), ["pod-10.0.2.1"]);
}

#[test]
fn a_service_with_mistakes_still_has_its_gates_set() {
    let mut world = World::settled(with(eni(), vec![pod("10.0.1.1", "n1")]));
    world.lab = world.lab.annotated("scheduler", "fastest");
    world.lab.service.endpoints[0]
        .endpoints
        .push(waiting("10.0.2.1", "n2"));
    assert_eq!(settle(&mut world), ["pod-10.0.2.1"]);
}

#[test]
fn a_listener_that_the_quota_leaves_out_holds_back_no_pod() {
    let ports = vec![tcp_port(80), tcp_port(81)];
    let mut lab = with(
        Lab::with_ports(ports).annotated("backend-type", "eni"),
        vec![waiting("10.0.1.1", "n1")],
    );
    lab.service.ports[1].target = TargetPort::Number(8081);
    lab.cluster.quotas.listeners_per_load_balancer = 1;
    let mut world = World::new(lab);
    assert_eq!(settle(&mut world), ["pod-10.0.1.1"]);
    assert_eq!(world.clb().vgroups.len(), 1);
}

#[test]
fn a_pod_that_stays_in_a_users_group_is_registered_there() {
    let lab = eni().annotated("id", "lb-reuse-05");
    let lab = lab.annotated("vgroup-port", "rsp-user-05:80");
    let mut world = World::new(with(lab, vec![pod("10.0.1.2", "n1")])).with_users_clb("lb-reuse-05");
    world.settle();
    let annotations = &mut world.lab.service.annotations;
    annotations.retain(|name, _| !name.ends_with("-vgroup-port"));
    world.settle();
    let endpoints = &mut world.lab.service.endpoints[0].endpoints;
    endpoints.push(waiting("10.0.1.1", "n1"));
    assert_eq!(settle(&mut world), ["pod-10.0.1.1"]);
}

/// Whether the first pass's additions are to be seen in the cloud before they count.
#[test]
fn what_is_added_for_pods_that_wait_is_confirmed() {
    for (waits, mistaken) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut world = World::settled(with(eni(), vec![pod("10.0.1.1", "n1")]));
        if mistaken {
            world.lab = world.lab.annotated("scheduler", "fastest");
            world.settle();
        }
        let new = if waits {
            waiting("10.0.2.1", "n2")
        } else {
            pod("10.0.2.1", "n2")
        };
        world.lab.service.endpoints[0].endpoints.push(new);
        let batch = world.look().batch.unwrap();
        let added = batch.operations.iter().map(|operation| operation.confirm);
        assert_eq!(added.collect::<Vec<_>>(), [waits]);
    }
}
