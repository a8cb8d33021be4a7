//! What Kubernetes itself defines for a Service's status: address families, `ipMode`, errors of single ports.

use clb_model::cluster::{IpMode, PortStatus, Transport};

use super::world::World;
use crate::conditions::{IP_FAMILIES, SOURCE_RANGES};
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};

#[test]
fn a_condition_says_that_a_second_family_cannot_be_had() {
    let mut world = World::settled(Lab::tcp());
    assert_eq!(world.condition(IP_FAMILIES), None);
    world.lab.service.dual_stack = true;
    world.settle();
    assert_eq!(
        world.condition(IP_FAMILIES).as_deref(),
        Some("False SingleFamily")
    );
    assert_eq!(world.count("FieldWithoutEffect"), 1);
    assert!(world.batches.is_empty(), "nothing is written to the cloud");
    world.lab.service.dual_stack = false;
    world.settle();
    assert_eq!(world.condition(IP_FAMILIES).as_deref(), Some("True AllFamilies"));
    assert_eq!(world.condition(SOURCE_RANGES), None);
}

#[test]
fn the_mode_of_the_address_is_as_configured() {
    let mut lab = Lab::tcp();
    lab.cluster.ip_mode_proxy = true;
    let mut world = World::settled(lab);
    assert_eq!(world.lab.service.ingress[0].ip_mode, Some(IpMode::Proxy));
    world.lab.cluster.ip_mode_proxy = false;
    world.settle();
    assert_eq!(world.lab.service.ingress[0].ip_mode, Some(IpMode::Vip));
}

#[test]
fn a_port_that_does_not_work_is_named_in_the_status_and_the_others_are_well() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(81), udp_port(53)]);
    lab.cluster.quotas.listeners_per_load_balancer = 2;
    let mut world = World::settled(lab);
    let port = |port, transport, error: Option<&str>| PortStatus {
        port,
        transport,
        error: error.map(str::to_owned),
    };
    assert_eq!(
        world.lab.service.ingress[0].ports,
        [
            port(80, Transport::Tcp, None),
            port(81, Transport::Tcp, Some("service.k8s.alibaba/QuotaExceeded")),
            port(53, Transport::Udp, None),
        ]
    );
    world.lab.cluster.quotas.listeners_per_load_balancer = 3;
    world.settle();
    assert_eq!(world.lab.service.ingress[0].ports, []);
    assert_eq!(world.clb().listeners.len(), 3);
}
