//! Backends of one port in all modes: which, on which port, with which weight.

use clb_model::cluster::{
    Endpoint, EndpointPort, EndpointSet, IpFamily, Node, NodeReady, TargetPort, TrafficPolicy, Transport,
};

use super::lab::{self, Lab, NOW_MS, pod, written};
use super::manifest::service_port;
use crate::problem::reason;

const ALL_NODES: [&str; 5] = [
    "i-n1:30080=100",
    "i-n2:30080=100",
    "i-n3:30080=100",
    "i-n4:30080=100",
    "10.0.9.1:80=100",
];

fn local() -> Lab {
    let mut lab = Lab::tcp().annotated("scheduler", "wrr");
    lab.service.traffic_policy = TrafficPolicy::Local;
    lab
}

fn eni() -> Lab {
    Lab::tcp().annotated("backend-type", "eni")
}

/// Replaces the endpoints by ones on these addresses, in one slice.
fn with_endpoints(mut lab: Lab, endpoints: Vec<Endpoint>) -> Lab {
    lab.service.endpoints[0].endpoints = endpoints;
    lab
}

#[test]
fn each_mode_has_its_backends_and_virtual_nodes_pods_are_in_all() {
    assert_eq!(Lab::tcp().backends(), ALL_NODES);
    assert_eq!(
        local().backends(),
        ["i-n1:30080=2", "i-n2:30080=1", "i-n4:30080=1", "10.0.9.1:80=1"]
    );
    let pods = [
        "10.0.1.1:80=100",
        "10.0.1.2:80=100",
        "10.0.2.1:80=100",
        "10.0.4.1:80=100",
        "10.0.9.1:80=100",
    ];
    assert_eq!(eni().backends(), pods);
    let mut local_eni = eni();
    local_eni.service.traffic_policy = TrafficPolicy::Local;
    assert_eq!(local_eni.backends(), pods);
    let mut by_default = Lab::tcp();
    by_default.cluster.default_backend_type = crate::settings::BackendType::Eni;
    assert_eq!(by_default.backends(), pods);
    assert_eq!(by_default.annotated("backend-type", "ecs").backends(), ALL_NODES);
}

#[test]
fn nodes_that_may_not_be_backends_are_none() {
    let others: [fn(&mut Node); 4] = [
        |node| node.provider_id = "ack-hybrid://n2".to_owned(),
        |node| node.taints.push("ToBeDeletedByClusterAutoscaler".to_owned()),
        |node| node.deleting = true,
        |node| node.provider_id = "n2".to_owned(),
    ];
    let labels = [
        "node-role.kubernetes.io/master",
        "node.kubernetes.io/exclude-from-external-load-balancers",
        "alpha.service-controller.kubernetes.io/exclude-balancer",
        "service.alibabacloud.com/exclude-node",
        "service.beta.kubernetes.io/exclude-node",
    ];
    let node = lab::node("n2", "cn-hangzhou-j");
    let labelled = labels.map(|label| {
        let mut node = node.clone();
        node.labels.insert(label.to_owned(), String::new());
        node
    });
    let changed = others.map(|change| {
        let mut node = node.clone();
        change(&mut node);
        node
    });
    for node in labelled.into_iter().chain(changed) {
        for mut lab in [Lab::tcp(), local()] {
            lab.nodes.insert(node.name.clone(), node.clone());
            assert!(
                !lab.backends().iter().any(|backend| backend.starts_with("i-n2:")),
                "{node:?}"
            );
        }
    }
}

#[test]
fn a_node_with_another_form_of_provider_id_is_a_backend() {
    let mut lab = Lab::tcp();
    lab.nodes.get_mut("n2").unwrap().provider_id = "alicloud://cn-hangzhou.i-n2".to_owned();
    assert_eq!(lab.backends(), ALL_NODES);
}

#[test]
fn a_node_without_an_instance_is_named_and_holds_up_no_other() {
    let mut lab = Lab::tcp();
    lab.nodes.get_mut("n2").unwrap().provider_id = "kind://n2".to_owned();
    assert_eq!(lab.backends().len(), 4);
    let notices = lab.desired().notices;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].warning && notices[0].reason == reason::BACKEND_LEFT_OUT);
    assert!(notices[0].message.contains("Node n2"), "{notices:?}");
}

#[test]
fn a_node_that_is_not_ready_stays_where_it_is_for_its_grace_time() {
    let since_ms = NOW_MS - 10_000;
    let mut lab = Lab::tcp();
    lab.nodes.get_mut("n2").unwrap().ready = Some(NodeReady {
        ready: false,
        since_ms,
    });
    let group = |lab: &Lab| {
        let group = lab.desired().vgroups.remove(0);
        (written(&group.backends).len(), written(&group.if_present))
    };
    assert_eq!(group(&lab), (4, vec!["i-n2:30080=100".to_owned()]));
    assert_eq!(
        lab.desired().wake_at_ms,
        Some(since_ms + lab.cluster.node_grace_ms)
    );
    // Nothing else keeps traffic from the Node where the listener does not check it.
    assert_eq!(
        group(&lab.clone().annotated("health-check-switch", "off")),
        (4, Vec::new())
    );
    assert_eq!(
        group(&lab.clone().annotated("protocol-port", "http:80")),
        (4, Vec::new())
    );
    lab.cluster.node_grace_ms = 10_000;
    assert_eq!(group(&lab), (4, Vec::new()));
    assert_eq!(lab.desired().wake_at_ms, None);
    lab.nodes.get_mut("n2").unwrap().ready = None;
    assert_eq!(group(&lab), (4, Vec::new()));
}

#[test]
fn local_policy_follows_the_endpoints_not_the_nodes_readiness() {
    let mut lab = local();
    lab.nodes.get_mut("n1").unwrap().ready = Some(NodeReady {
        ready: false,
        since_ms: 0,
    });
    assert_eq!(lab.backends()[0], "i-n1:30080=2");
}

#[test]
fn a_node_that_is_about_to_go_is_removed_or_drained_as_configured() {
    let leave: [fn(&mut Node); 2] = [
        |node| node.taints.push("ToBeDeletedByClusterAutoscaler".to_owned()),
        |node| node.deleting = true,
    ];
    for leave in leave {
        for mut lab in [Lab::tcp(), local()] {
            leave(lab.nodes.get_mut("n2").unwrap());
            let group = |lab: &Lab| lab.desired().vgroups.remove(0);
            assert_eq!(group(&lab).if_present, Vec::new());
            lab.cluster.drain_leaving_nodes = true;
            assert_eq!(written(&group(&lab).if_present), ["i-n2:30080=0"]);
            assert!(
                !written(&group(&lab).backends)
                    .iter()
                    .any(|backend| backend.starts_with("i-n2:"))
            );
            let lab = lab.annotated("backend-label", "none=such");
            assert_eq!(group(&lab).if_present, Vec::new());
        }
    }
}

#[test]
fn the_users_annotations_choose_nodes_and_may_leave_none() {
    assert_eq!(
        Lab::tcp()
            .annotated("remove-unscheduled-backend", "on")
            .backends(),
        [
            "i-n1:30080=100",
            "i-n2:30080=100",
            "i-n3:30080=100",
            "10.0.9.1:80=100"
        ]
    );
    let zone = "failure-domain.beta.kubernetes.io/zone";
    let mut lab = Lab::tcp().annotated("backend-label", &format!("{zone}=cn-hangzhou-j"));
    assert_eq!(lab.backends(), ["i-n2:30080=100", "10.0.9.1:80=100"]);
    lab = lab.annotated("backend-label", &format!("{zone}=cn-hangzhou-j,disk=ssd"));
    assert_eq!(lab.backends(), ["10.0.9.1:80=100"]);
    assert!(!lab.desired().vgroups[0].may_become_empty);
    lab.nodes.remove("vk");
    let group = lab.desired().vgroups.remove(0);
    assert!(group.backends.is_empty() && group.may_become_empty && group.ready_endpoints == 5);
    let mut no_nodes = Lab::tcp();
    no_nodes.nodes.clear();
    let group = no_nodes.desired().vgroups.remove(0);
    assert!(group.backends.is_empty() && !group.may_become_empty && group.ready_endpoints == 5);
}

#[test]
fn weights_are_as_annotated() {
    assert_eq!(
        Lab::tcp().annotated("default-weight", "7").backends(),
        [
            "i-n1:30080=7",
            "i-n2:30080=7",
            "i-n3:30080=7",
            "i-n4:30080=7",
            "10.0.9.1:80=7"
        ]
    );
    assert_eq!(
        eni().annotated("default-weight", "0").backends()[0],
        "10.0.1.1:80=0"
    );
    assert_eq!(
        local().annotated("default-weight", "7").backends()[0],
        "i-n1:30080=2"
    );
    assert!(
        Lab::tcp()
            .annotated("ignore-weight-update", "on")
            .desired()
            .vgroups[0]
            .ignore_weight
    );
}

#[test]
fn the_weight_of_a_reused_group_is_spread() {
    let shared = |lab: Lab, weight: &str| {
        lab.annotated("id", "lb-reuse-44")
            .annotated("vgroup-port", "rsp-user-44:80")
            .annotated("weight", weight)
            .backends()
    };
    let weights = |backends: Vec<String>| -> Vec<String> {
        backends
            .iter()
            .map(|backend| backend.split_once('=').unwrap().1.to_owned())
            .collect()
    };
    assert_eq!(weights(shared(Lab::tcp(), "60")), ["12", "12", "12", "12", "12"]);
    assert_eq!(weights(shared(eni(), "3")), ["1", "1", "1", "1", "1"]);
    // Five pods: two on n1, one each on n2, n4 and the virtual node.
    assert_eq!(weights(shared(local(), "50")), ["20", "10", "10", "10"]);
    assert_eq!(weights(shared(local(), "2")), ["1", "1", "1", "1"]);
    for lab in [Lab::tcp(), local(), eni()] {
        assert!(weights(shared(lab, "0")).iter().all(|weight| weight == "0"));
    }
}

#[test]
fn a_node_with_many_pods_weighs_no_more_than_the_cloud_takes() {
    let many = (0..150u8)
        .map(|number| pod(&format!("10.0.7.{number}"), "n1"))
        .collect();
    assert_eq!(with_endpoints(local(), many).backends(), ["i-n1:30080=100"]);
}

#[test]
fn endpoints_that_end_serve_only_while_none_is_ready() {
    let ending = Endpoint {
        ready: false,
        terminating: true,
        ..pod("10.0.2.2", "n2")
    };
    let ended = Endpoint {
        serving: false,
        ..Endpoint {
            address: "10.0.2.3".parse().unwrap(),
            ..ending.clone()
        }
    };
    let lab = with_endpoints(eni(), vec![pod("10.0.1.1", "n1"), ending.clone(), ended.clone()]);
    assert_eq!(lab.backends(), ["10.0.1.1:80=100"]);
    let lab = with_endpoints(eni(), vec![ending.clone(), ended.clone()]);
    assert_eq!(lab.backends(), ["10.0.2.2:80=100"]);
    assert_eq!(
        with_endpoints(local(), vec![ending, ended.clone()]).backends(),
        ["i-n2:30080=1"]
    );
    let group = with_endpoints(eni(), vec![ended]).desired().vgroups.remove(0);
    assert_eq!((group.backends.len(), group.ready_endpoints), (0, 0));
}

#[test]
fn publish_not_ready_addresses_counts_all_that_are_not_over() {
    let unready = Endpoint {
        ready: false,
        serving: false,
        ..pod("10.0.3.1", "n3")
    };
    let ended = Endpoint {
        terminating: true,
        ..Endpoint {
            address: "10.0.3.2".parse().unwrap(),
            ..unready.clone()
        }
    };
    let mut lab = with_endpoints(eni(), vec![pod("10.0.1.1", "n1"), unready, ended]);
    assert_eq!(lab.backends().len(), 1);
    lab.service.publish_not_ready = true;
    assert_eq!(lab.backends(), ["10.0.1.1:80=100", "10.0.3.1:80=100"]);
}

#[test]
fn an_address_in_two_slices_counts_once() {
    for mut lab in [eni(), local()] {
        let before = lab.backends();
        let mut twice = lab.service.endpoints[0].clone();
        twice
            .endpoints
            .iter_mut()
            .for_each(|endpoint| endpoint.node_name = None);
        lab.service.endpoints.insert(0, twice);
        assert_eq!(lab.backends(), before);
    }
}

/// An EndpointSlice of addressType FQDN: a backend is an address.
#[test]
fn endpoints_that_are_host_names_are_told() {
    let mut lab = Lab::tcp().annotated("backend-type", "eni");
    assert_eq!(lab.remarks(), Vec::<String>::new());
    let set = &mut lab.service.endpoints[0];
    let pods = std::mem::take(&mut set.endpoints);
    set.host_names = 2;
    let desired = lab.desired();
    assert_eq!(desired.vgroups[0].backends, []);
    assert!(desired.vgroups[0].unusable);
    assert_eq!(desired.vgroups[0].ready_endpoints, 2);
    let told =
        "left out of the backends: endpoints that are host names (an EndpointSlice of addressType FQDN)";
    assert!(lab.remarks()[0].starts_with(told), "{:?}", lab.remarks());
    lab.service.endpoints[0].endpoints = pods;
    assert_eq!(lab.backends().len(), 5);
    assert_eq!(lab.remarks().len(), 1);
}

#[test]
fn a_named_target_port_may_differ_from_pod_to_pod() {
    let port = service_port("web", Transport::Tcp, 80, TargetPort::Name("http".to_owned()));
    let mut lab = Lab::with_ports(vec![port]).annotated("backend-type", "eni");
    let set = |number: u16, endpoint: Endpoint| EndpointSet {
        ports: vec![EndpointPort {
            name: "web".to_owned(),
            transport: Transport::Tcp,
            port: number,
        }],
        endpoints: vec![endpoint],
        host_names: 0,
    };
    lab.service.endpoints = vec![set(8080, pod("10.0.1.1", "n1")), set(9090, pod("10.0.2.1", "n2"))];
    assert_eq!(lab.backends(), ["10.0.1.1:8080=100", "10.0.2.1:9090=100"]);
    let group = lab.desired().vgroups.remove(0);
    assert_eq!(group.mark, "k8s/http/web/default/c-lab");
}

#[test]
fn a_pod_that_slices_hold_with_two_ports_is_one_pod_of_its_node() {
    let mut lab = local();
    let before = lab.backends();
    let mut other = lab.service.endpoints[0].clone();
    for port in &mut other.ports {
        port.port += 1000;
    }
    other
        .endpoints
        .retain(|endpoint| endpoint.node_name.as_deref() != Some("vk"));
    lab.service.endpoints.push(other);
    assert_eq!(lab.backends(), before);
}

#[test]
fn pods_outside_the_vpc_are_named_and_hold_up_no_other() {
    let outside: Vec<Endpoint> = (0..12)
        .map(|number| pod(&format!("172.20.0.{number}"), "n1"))
        .collect();
    let mut endpoints = outside;
    endpoints.push(pod("10.0.1.1", "n1"));
    let mut lab = with_endpoints(eni(), endpoints);
    assert_eq!(lab.backends(), ["10.0.1.1:80=100"]);
    let message = lab.remarks().remove(0);
    assert!(
        message.contains("172.20.0.0") && message.contains("and 2 more"),
        "{message}"
    );
    lab.cluster.vpc_cidrs.clear();
    assert_eq!(lab.backends().len(), 13);
}

#[test]
fn endpoints_without_a_node_are_backends_themselves_or_named() {
    let manual = |address: &str| Endpoint {
        node_name: None,
        ..pod(address, "")
    };
    let endpoints = vec![manual("10.0.5.1"), manual("10.0.5.2")];
    let mut lab = with_endpoints(eni(), endpoints.clone());
    lab.service.selector = false;
    assert_eq!(lab.backends(), ["10.0.5.1:80=100", "10.0.5.2:80=100"]);
    let mut lab = with_endpoints(local(), endpoints);
    lab.service.selector = false;
    assert!(lab.backends().is_empty());
    assert!(
        lab.remarks()[0].contains("10.0.5.1 names no Node"),
        "{:?}",
        lab.remarks()
    );
}

#[test]
fn only_addresses_of_the_wanted_family_count() {
    let mut endpoints = lab::pods();
    endpoints.push(pod("fd00::1", "n1"));
    let mut lab = with_endpoints(eni(), endpoints);
    assert_eq!(lab.backends().len(), 5);
    lab = lab.annotated("ip-version", "ipv6");
    // The VPC's ranges are all IPv4: they say nothing of IPv6.
    let v6 = lab.clone().annotated("backend-ip-version", "ipv6");
    assert_eq!(v6.backends(), ["fd00::1:80=100"]);
    for (range, expected) in [("fd00::/8", 1), ("fc00::/8", 0)] {
        let mut v6 = v6.clone();
        v6.cluster.vpc_cidrs.push(range.parse().unwrap());
        assert_eq!(v6.backends().len(), expected, "{range}");
    }
    lab.service.ip_families = vec![IpFamily::V6];
    assert_eq!(lab.backends(), ["fd00::1:80=100"]);
    lab.service.traffic_policy = TrafficPolicy::Local;
    assert_eq!(lab.annotated("backend-type", "ecs").backends(), ["i-n1:30080=1"]);
}

#[test]
fn ports_of_one_target_name_that_means_several_numbers_are_spoken_of() {
    let named = |name: &str, transport| service_port(name, transport, 53, TargetPort::Name("dns".to_owned()));
    let number = |name: &str, transport, port| EndpointPort {
        name: name.to_owned(),
        transport,
        port,
    };
    let mut lab = eni();
    lab.service.ports = vec![named("t", Transport::Tcp), named("u", Transport::Udp)];
    let mut with = |tcp, udp| {
        lab.service.endpoints = vec![EndpointSet {
            ports: vec![number("t", Transport::Tcp, tcp), number("u", Transport::Udp, udp)],
            endpoints: vec![pod("10.0.5.1", "n1")],
            host_names: 0,
        }];
        lab.remarks()
    };
    assert_eq!(with(53, 53), Vec::<String>::new());
    let said = with(5353, 53);
    assert!(
        said.len() == 1 && said[0].contains("spec.ports[].targetPort"),
        "{said:?}"
    );
}
