//! A Service gets its CLB.

use clb_model::cluster::{Ingress, IpFamily, IpMode};
use clb_model::directive::FinalizerAction;
use clb_model::marks;
use clb_model::operation::{
    ACTUATOR_CONFIGURATION, Change, CloudError, ErrorClass, OperationResult, Outcome, Priority,
};

use super::world::World;
use crate::conditions::{ACCEPTED, PROGRAMMED};
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};
use crate::plan::Attachments;
use crate::step::{Memory, Observation, State, StepInputs, step};

#[test]
fn the_finalizer_comes_before_the_first_operation() {
    let mut world = World::new(Lab::tcp());
    let first = world.pass();
    assert_eq!(first.writes.finalizer, FinalizerAction::Present);
    assert!(first.batch.is_none());
    assert_eq!(first.state, State::Observing);
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False Progressing"));
    let second = world.pass();
    assert!(second.batch.is_some(), "{second:?}");
}

#[test]
fn a_value_that_only_the_cloud_refuses_is_told_with_its_annotation() {
    let legacy = "service.beta.kubernetes.io/alicloud-loadbalancer-ip";
    let mut lab = Lab::tcp()
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-k");
    lab.service
        .annotations
        .insert(legacy.to_owned(), "10.0.240.1".to_owned());
    let mut world = World::new(lab.with_free("10.0.240.1"));
    world.pass();
    let step = world.look();
    let operations = step.batch.unwrap().operations;
    let refused = OperationResult {
        operation: operations[0].id,
        outcome: Outcome::Rejected(CloudError {
            class: ErrorClass::Invalid,
            code: "InvalidParameter".to_owned(),
            message: "The vpc Ip is exist.".to_owned(),
            request_id: "request-1".to_owned(),
        }),
        left_out: Vec::new(),
    };
    world.memory = step.memory.after_batch(&operations, &[refused]);
    let told = world.pass().message;
    assert!(
        told.starts_with(&format!(
            "annotation {legacy}: \"10.0.240.1\" was refused: an address of the vSwitch that nothing else has, for example "
        )) && told.ends_with("; creating the CLB: InvalidParameter: The vpc Ip is exist."),
        "{told}"
    );
    assert!(
        world.said().iter().any(|said| said.contains(&told)),
        "{:?}",
        world.said()
    );
}

#[test]
fn what_the_actuators_configuration_refuses_is_told_with_its_annotation() {
    let lab = Lab::tcp()
        .annotated("resource-group-id", "rg-other")
        .annotated("address-type", "intranet")
        .annotated("vswitch-id", "vsw-j");
    let place = |end: &str| format!("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-{end}");
    for (allowed, told_first) in [
        (
            "cluster c-lab may use the resource groups rg-a, not rg-other; see clusters in the actuator's configuration",
            format!(
                "annotation {}: \"rg-other\" was refused",
                place("resource-group-id")
            ),
        ),
        (
            "cluster c-lab may use the vSwitches vsw-k, not vsw-j; see clusters in the actuator's configuration",
            format!("annotation {}: \"vsw-j\" was refused", place("vswitch-id")),
        ),
    ] {
        let mut world = World::new(lab.clone());
        world.pass();
        let step = world.look();
        let operations = step.batch.unwrap().operations;
        let refused = OperationResult {
            operation: operations[0].id,
            outcome: Outcome::Rejected(CloudError {
                class: ErrorClass::Denied,
                code: ACTUATOR_CONFIGURATION.to_owned(),
                message: allowed.to_owned(),
                request_id: String::new(),
            }),
            left_out: Vec::new(),
        };
        world.memory = step.memory.after_batch(&operations, &[refused]);
        let told = world.pass().message;
        assert!(
            told.starts_with(&told_first)
                && told.contains(", for example ")
                && told.ends_with(&format!("; creating the CLB: {allowed}")),
            "{told}"
        );
        assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False NotAllowed"));
    }
}

#[test]
fn the_address_does_not_wait_for_backends_that_change_all_the_time() {
    let mut world = World::new(Lab::tcp());
    world.pass();
    world.pass();
    assert!(!world.clb().listeners.is_empty() && world.lab.service.ingress.is_empty());
    world.lab.nodes.remove("n3");
    let step = world.pass();
    assert_eq!(step.state, State::Converging);
    assert!(step.batch.is_some());
    assert!(!world.lab.service.ingress.is_empty());
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("False Progressing"));
}

#[test]
fn the_address_waits_for_listeners() {
    let mut world = World::new(Lab::with_ports(vec![tcp_port(80), udp_port(53)]));
    world.pass();
    world.pass();
    let key = world.clb().listeners.keys().next().copied().unwrap();
    world.clb_mut().listeners.get_mut(&key).unwrap().running = false;
    assert!(world.pass().batch.is_some());
    assert!(world.lab.service.ingress.is_empty());
    world.settle();
    assert!(!world.lab.service.ingress.is_empty());
}

#[test]
fn one_batch_creates_everything_after_the_clb() {
    let mut world = World::new(Lab::with_ports(vec![tcp_port(80), udp_port(53)]));
    world.settle();
    assert_eq!(world.batches.len(), 1);
    let batch = &world.batches[0];
    assert_eq!(
        (batch.load_balancer.as_ref(), batch.priority),
        (None, Priority::Normal)
    );
    insta::assert_yaml_snapshot!(batch.operations);
    let clb = world.clb();
    assert_eq!(clb.listeners.len(), 2);
    assert_eq!(
        clb.vgroups
            .values()
            .map(|group| group.backends.len())
            .collect::<Vec<_>>(),
        [5, 5]
    );
}

#[test]
fn the_status_shows_the_address_and_the_label_the_id() {
    let mut world = World::new(Lab::tcp());
    let last = world.settle();
    assert_eq!(last.state, State::Converged);
    let service = &world.lab.service;
    let expected = Ingress {
        ip: Some(world.clb().address.clone()),
        ip_mode: Some(IpMode::Vip),
        ..Ingress::default()
    };
    assert_eq!(service.ingress, [expected]);
    assert_eq!(
        service.labels[marks::LOAD_BALANCER_ID_LABEL],
        world.clb().id.as_str()
    );
    assert_eq!(world.condition(ACCEPTED).as_deref(), Some("True Valid"));
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
    assert_eq!(world.count("EnsuredLoadBalancer"), 1, "{:?}", world.said());
}

#[test]
fn a_restarted_planner_says_nothing_again() {
    let mut world = World::settled(Lab::tcp());
    world.memory = Memory::default();
    let step = world.pass();
    assert!(step.writes.is_empty() && step.batch.is_none(), "{step:?}");
}

#[test]
fn nothing_is_concluded_before_the_mirror_has_answered() {
    let mut lab = Lab::tcp();
    lab.service.finalizer = true;
    let step = step(StepInputs {
        cluster: &lab.cluster,
        service: &lab.service,
        nodes: &lab.nodes,
        observed: Observation::Pending,
        facts: &lab.facts,
        attachments: &Attachments::NONE,
        memory: &Memory::default(),
        fresh: true,
        now_ms: 0,
    });
    assert_eq!(
        (step.state, step.batch.is_none(), step.writes.is_empty()),
        (State::Observing, true, true)
    );
}

#[test]
fn a_hostname_is_shown_alone_and_an_eip_instead_of_the_address() {
    let mut world = World::new(Lab::tcp().annotated("hostname", "www.example.com"));
    world.settle();
    assert_eq!(
        world.lab.service.ingress,
        [Ingress {
            hostname: Some("www.example.com".to_owned()),
            ..Ingress::default()
        }]
    );

    let internal = Lab::tcp().annotated("address-type", "intranet");
    let mut world = World::settled(internal.annotated("external-ip-type", "eip"));
    assert_eq!(world.lab.service.ingress, [], "no EIP is bound yet");
    world.clb_mut().eip_address = Some("8.8.8.8".to_owned());
    world.settle();
    assert_eq!(world.lab.service.ingress[0].ip.as_deref(), Some("8.8.8.8"));
}

#[test]
fn an_address_without_a_mode_is_left_as_it_is() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.ingress[0].ip_mode = None;
    let step = world.pass();
    assert!(step.writes.is_empty(), "{:?}", step.writes);
}

#[test]
fn a_clb_that_the_mirror_does_not_show_yet_is_waited_for_and_not_made_twice() {
    let mut world = World::new(Lab::tcp());
    world.pass();
    world.pass();
    let shown = std::mem::take(&mut world.cloud.load_balancers);
    let step = world.pass();
    assert!(step.batch.is_none() && step.wake_at_ms.is_some(), "{step:?}");
    world.cloud.load_balancers = shown;
    world.settle();
    assert_eq!(world.cloud.load_balancers.len(), 1);
}

#[test]
fn a_clb_that_stays_missing_was_deleted_by_somebody_and_is_replaced() {
    let mut world = World::new(Lab::tcp());
    world.pass();
    world.pass();
    let gone = world.clb().id.clone();
    world.cloud.load_balancers.clear();
    world.pass();
    world.now_ms += 120_000;
    let step = world.pass();
    let Some(Change::CreateLoadBalancer(new)) = step.batch.map(|batch| batch.operations[0].change.clone())
    else {
        panic!("not created");
    };
    assert_eq!(new.replaces, Some(gone));
}

#[test]
fn after_an_emptied_status_the_new_clb_replaces_the_one_that_the_label_remembers() {
    let mut world = World::settled(Lab::tcp());
    let gone = world.clb().id.clone();
    world.cloud.load_balancers.clear();
    let step = world.pass();
    assert_eq!(step.state, State::Failed);
    assert!(step.batch.is_none());
    assert!(
        step.message.contains("empty the status") && step.message.contains(gone.as_str()),
        "{}",
        step.message
    );
    assert_eq!(
        world.condition(PROGRAMMED).as_deref(),
        Some("False LoadBalancerGone")
    );
    world.lab.service.ingress.clear();
    world.memory = Memory::default();
    let step = world.pass();
    let Some(Change::CreateLoadBalancer(new)) = step.batch.map(|batch| batch.operations[0].change.clone())
    else {
        panic!("not created");
    };
    assert_eq!(new.replaces, Some(gone));
    world.settle();
    assert_eq!(world.condition(PROGRAMMED).as_deref(), Some("True Programmed"));
}

#[test]
fn a_class_is_remembered() {
    let mut lab = Lab::tcp();
    lab.cluster.load_balancer_class = Some("example.com/clb".to_owned());
    lab.service.load_balancer_class = Some("example.com/clb".to_owned());
    lab.service.ip_families = vec![IpFamily::V4];
    let world = World::settled(lab);
    let remembered = clb_model::ownership::remembered_class(&world.lab.service.conditions);
    assert_eq!(remembered, Some("example.com/clb"));
}
