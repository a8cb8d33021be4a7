//! What Kubernetes itself defines for a Service: address families, `ipMode`, errors of single ports; session affinity and the health check
//! of Nodes, which go from the listeners as they came.

use clb_model::attribute::{AttributeValue, ListenerAttribute as A};
use clb_model::cloud::DomainExtension;
use clb_model::cluster::{IpMode, PortStatus, ServiceType, TrafficPolicy, Transport};
use clb_model::operation::Change;

use super::world::World;
use crate::conditions::{ADOPTED, HEALTH_CHECK_NODE_PORT, IP_FAMILIES, SESSION_AFFINITY, SOURCE_RANGES};
use crate::desired::tests::lab::{Lab, tcp_port, udp_port};

/// The value of an attribute of the first listener; empty where it has none.
fn attribute(world: &World, attribute: A) -> String {
    let listener = world.clb().listeners.values().next().unwrap();
    let value = listener.attributes.get(attribute);
    value.map(AttributeValue::to_string).unwrap_or_default()
}

/// Local policy where the health check asks the Nodes.
fn asking_nodes() -> Lab {
    let mut lab = Lab::with_ports(vec![tcp_port(80)]).annotated("scheduler", "wrr");
    lab.service.traffic_policy = TrafficPolicy::Local;
    lab.service.health_check_node_port = Some(32_100);
    lab.cluster.use_health_check_node_port = true;
    lab.nodes.remove("vk");
    lab
}

/// How the first listener checks: type, path and port.
fn check(world: &World) -> [String; 3] {
    [A::HealthCheckType, A::HealthCheckUri, A::HealthCheckConnectPort].map(|of| attribute(world, of))
}

/// Whether a listener was made anew.
fn recreates(world: &World) -> bool {
    let mut operations = world.batches.iter().flat_map(|batch| &batch.operations);
    operations.any(|operation| matches!(operation.change, Change::RecreateListener { .. }))
}

#[test]
fn without_session_affinity_clients_are_no_longer_kept() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), udp_port(90)]);
    lab.service.client_ip_affinity_seconds = Some(600);
    let mut world = World::settled(lab);
    assert_eq!(attribute(&world, A::PersistenceTimeout), "600");
    assert_eq!(
        world.condition(SESSION_AFFINITY).as_deref(),
        Some("True ClientIP")
    );
    world.lab.service.client_ip_affinity_seconds = None;
    // The annotation goes before what the field said and says.
    let mut annotated = world.clone();
    annotated.lab = annotated.lab.annotated("persistence-timeout", "60");
    annotated.settle();
    assert_eq!(attribute(&annotated, A::PersistenceTimeout), "60");

    world.settle();
    assert_eq!(attribute(&world, A::PersistenceTimeout), "0");
    assert_eq!(
        world.condition(SESSION_AFFINITY).as_deref(),
        Some("False NoAffinity")
    );
    // From then on the value is whose hand sets it.
    let listener = world.clb_mut().listeners.values_mut().next().unwrap();
    listener.attributes.set(A::PersistenceTimeout, 30);
    world.settle();
    assert_eq!(attribute(&world, A::PersistenceTimeout), "30");
}

#[test]
fn a_timeout_set_by_hand_stays_where_no_affinity_was_ever_asked_for() {
    let mut world = World::settled(Lab::tcp());
    let listener = world.clb_mut().listeners.values_mut().next().unwrap();
    listener.attributes.set(A::PersistenceTimeout, 30);
    world.settle();
    assert_eq!(attribute(&world, A::PersistenceTimeout), "30");
    assert_eq!(world.condition(SESSION_AFFINITY), None);
}

#[test]
fn where_kube_proxy_no_longer_answers_it_is_no_longer_asked() {
    let asked = ["http", "/healthz", "32100"].map(str::to_owned);
    let world = World::settled(asking_nodes());
    assert_eq!(check(&world), asked);
    assert_eq!(
        world.condition(HEALTH_CHECK_NODE_PORT).as_deref(),
        Some("True KubeProxyAsked")
    );
    type Change = (&'static str, fn(&mut Lab));
    let changes: [Change; 4] = [
        ("Cluster policy", |lab| {
            lab.service.traffic_policy = TrafficPolicy::Cluster;
            lab.service.health_check_node_port = None;
        }),
        ("pods as backends", |lab| {
            *lab = lab.clone().annotated("backend-type", "eni")
        }),
        ("a pod on a virtual node", |lab| {
            lab.nodes = Lab::tcp().nodes;
        }),
        ("the setting", |lab| {
            lab.cluster.use_health_check_node_port = false
        }),
    ];
    for (what, change) in changes {
        let mut world = world.clone();
        world.forget();
        change(&mut world.lab);
        world.settle();
        assert_eq!(check(&world), ["tcp", "/", ""].map(str::to_owned), "{what}");
        assert!(recreates(&world), "{what}");
        assert_eq!(
            world.condition(HEALTH_CHECK_NODE_PORT).as_deref(),
            Some("False NotAsked"),
            "{what}"
        );
        let said = world.said().join("\n");
        assert!(said.contains("interrupts its traffic"), "{what}: {said}");
        // And back.
        world.lab = asking_nodes();
        world.settle();
        assert_eq!(check(&world), asked, "{what}");
    }
}

/// The target of a redirect is made anew: the redirect goes before it and comes after it, and what was there stays.
#[test]
fn a_target_that_is_made_anew_takes_its_redirect_along() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a")
        .annotated("forward-port", "80:443")
        .annotated("health-check-flag", "on")
        .annotated("idle-timeout", "33");
    let asking = asking_nodes();
    lab.nodes = asking.nodes;
    lab.cluster = asking.cluster;
    lab.service.traffic_policy = TrafficPolicy::Local;
    lab.service.health_check_node_port = Some(32_100);
    let mut world = World::settled(lab);
    let target = world.clb_mut().listeners.values_mut().next_back().unwrap();
    assert_eq!(target.attributes.text(A::HealthCheckUri), Some("/healthz"));
    let by_hand = DomainExtension {
        id: "de-9".to_owned(),
        certificate_id: "cert-b".to_owned(),
    };
    target
        .domain_extensions
        .insert("a.example.com".to_owned(), by_hand);
    world.lab.service.traffic_policy = TrafficPolicy::Cluster;
    world.lab.service.health_check_node_port = None;
    world
        .lab
        .service
        .annotations
        .retain(|name, _| !name.ends_with("idle-timeout"));
    world.settle();
    let listeners = world.batches.iter().flat_map(|batch| &batch.operations);
    let done: Vec<String> = listeners
        .filter_map(|operation| match &operation.change {
            Change::DeleteListener { listener } => Some(format!("delete {listener}")),
            Change::RecreateListener { new, .. } => Some(format!("replace {}", new.key)),
            Change::CreateListener(new) => Some(format!("create {}", new.key)),
            _ => None,
        })
        .collect();
    assert_eq!(done, ["delete http:80", "replace https:443", "create http:80"]);
    let target = &world.clb().listeners[&"https:443".parse().unwrap()];
    assert_eq!(target.attributes.get(A::IdleTimeout), Some(&33.into()));
    assert_eq!(target.domain_extensions["a.example.com"].certificate_id, "cert-b");
    let interrupted = world
        .said()
        .iter()
        .filter(|text| text.contains("interrupts its traffic"))
        .count();
    assert_eq!(interrupted, 2, "{:?}", world.said());
}

#[test]
fn a_redirect_stays_while_its_target_waits_for_its_new_group() {
    let mut lab = Lab::with_ports(vec![tcp_port(80), tcp_port(443)])
        .annotated("protocol-port", "http:80,https:443")
        .annotated("cert-id", "cert-a")
        .annotated("forward-port", "80:443")
        .annotated("health-check-flag", "on");
    let asking = asking_nodes();
    lab.nodes = asking.nodes;
    lab.cluster = asking.cluster;
    lab.service.traffic_policy = TrafficPolicy::Local;
    lab.service.health_check_node_port = Some(32_100);
    let mut world = World::settled(lab);
    // The cloud can use no pod yet.
    let pods = world.lab.service.endpoints[0].endpoints.iter();
    world.cloud.unusable = pods.map(|pod| pod.address.to_string()).collect();
    world.lab = world.lab.clone().annotated("backend-type", "eni");
    world.settle();
    let redirect = "http:80".parse().unwrap();
    assert!(world.clb().listeners.contains_key(&redirect) && !recreates(&world));
    world.cloud.unusable.clear();
    world.now_ms += 900_000;
    world.settle();
    assert!(world.clb().listeners.contains_key(&redirect) && recreates(&world));
}

#[test]
fn an_annotation_that_names_the_port_needs_no_new_listener() {
    let mut world = World::settled(asking_nodes());
    world.forget();
    world.lab = world.lab.annotated("health-check-connect-port", "8080");
    world.settle();
    assert!(!recreates(&world));
    let [kind, _, port] = check(&world);
    assert_eq!((kind.as_str(), port.as_str()), ("tcp", "8080"));
}

#[test]
fn a_check_that_is_off_is_put_right_when_it_is_on_again() {
    let mut world = World::settled(asking_nodes());
    world.lab.service.traffic_policy = TrafficPolicy::Cluster;
    world.lab.service.health_check_node_port = None;
    let lab = world.lab.clone();
    world.lab = world.lab.annotated("health-check-switch", "off");
    world.settle();
    assert_eq!(attribute(&world, A::HealthCheckConnectPort), "32100");
    world.lab = lab.annotated("health-check-switch", "on");
    world.settle();
    assert_eq!(check(&world), ["tcp", "/", ""].map(str::to_owned));
}

#[test]
fn an_http_listener_goes_back_to_the_path_that_it_had_from_the_start() {
    let lab = asking_nodes().annotated("protocol-port", "http:80");
    let mut world = World::settled(lab.annotated("health-check-flag", "on"));
    assert_eq!(check(&world)[1..], ["/healthz", "32100"]);
    world.lab.service.traffic_policy = TrafficPolicy::Cluster;
    world.lab.service.health_check_node_port = None;
    world.settle();
    assert_eq!(check(&world)[1..], ["/", ""]);
}

#[test]
fn a_clb_that_we_make_after_an_adopted_one_is_not_adopted() {
    let mut world = World::settled(Lab::tcp());
    world.lab.service.conditions.clear();
    world.memory = Default::default();
    world.lab.service.dual_stack = true;
    world.settle();
    assert_eq!(
        world.condition(ADOPTED).as_deref(),
        Some("True MadeByAnotherController")
    );
    world.lab.service.service_type = ServiceType::ClusterIp;
    world.settle();
    assert!(world.cloud.load_balancers.is_empty());

    world.lab.service.service_type = ServiceType::LoadBalancer;
    world.lab.service.source_ranges = vec!["10.0.0.0/8".to_owned()];
    world.lab.service.client_ip_affinity_seconds = Some(60);
    world.forget();
    world.settle();
    assert_eq!(world.condition(ADOPTED).as_deref(), Some("False MadeHere"));
    assert_eq!(attribute(&world, A::AclStatus), "on");
    assert_eq!(attribute(&world, A::PersistenceTimeout), "60");
    let said = world.said().join("\n");
    assert!(!said.contains("not in force"), "{said}");
    assert_eq!(world.batches.len(), 1, "restricted from the start");
}

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
