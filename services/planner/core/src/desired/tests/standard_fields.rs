//! Fields of the Service that Alibaba's controller ignores.

use clb_model::attribute::{AttributeValue, ListenerAttribute as Attribute};
use clb_model::cluster::{Condition, ConditionStatus, Ingress, TrafficPolicy};

use super::lab::{Lab, tcp_port, udp_port};
use crate::conditions::{ACCEPTED, ADOPTED};
use crate::problem::reason;

fn persistence(lab: &Lab) -> Option<AttributeValue> {
    lab.desired().listeners[0]
        .named
        .get(Attribute::PersistenceTimeout)
        .cloned()
}

fn with_affinity(seconds: u32) -> Lab {
    let mut lab = Lab::tcp();
    lab.service.client_ip_affinity_seconds = Some(seconds);
    lab
}

fn condition(kind: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: ConditionStatus::True,
        reason: "Test".to_owned(),
        message: String::new(),
    }
}

#[test]
fn client_ip_affinity_is_a_persistence_timeout_of_an_hour_at_most() {
    assert_eq!(persistence(&Lab::tcp()), None);
    assert_eq!(
        persistence(&with_affinity(600)),
        Some(AttributeValue::Number(600))
    );
    assert!(with_affinity(600).remarks().is_empty());
    let default = with_affinity(10_800);
    assert_eq!(persistence(&default), Some(AttributeValue::Number(3600)));
    let notices = default.desired().notices;
    assert_eq!(notices.len(), 1);
    assert!(
        !notices[0].warning && notices[0].message.contains("10800"),
        "{notices:?}"
    );
    let annotated = default.annotated("persistence-timeout", "0");
    assert_eq!(persistence(&annotated), Some(AttributeValue::Number(0)));
    assert!(annotated.remarks().is_empty());
}

#[test]
fn affinity_of_listeners_that_have_none_is_said() {
    let mut lab = Lab::with_ports(vec![udp_port(53)]);
    lab.service.client_ip_affinity_seconds = Some(600);
    assert!(
        lab.remarks()[0].contains("sessionAffinity has no effect"),
        "{:?}",
        lab.remarks()
    );
    assert_eq!(persistence(&lab), None);
}

#[test]
fn on_an_adopted_clb_they_start_only_where_configured() {
    let mut lab = with_affinity(600);
    lab.service.source_ranges = vec!["10.0.0.0/8".to_owned()];
    lab.service.ingress = vec![Ingress {
        ip: Some("1.2.3.4".to_owned()),
        ..Ingress::default()
    }];
    assert_eq!(persistence(&lab), None);
    assert!(lab.desired().source_ranges.is_empty());
    let remarks = lab.remarks();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks.iter().all(|remark| remark.contains("is not in force")));

    let mut configured = lab.clone();
    configured.cluster.standard_fields_on_adopted = true;
    assert_eq!(persistence(&configured), Some(AttributeValue::Number(600)));
    assert_eq!(configured.desired().source_ranges.len(), 1);

    // An address that we gave is no sign of adoption; one that we found is remembered as such.
    lab.service.conditions = vec![condition(ACCEPTED)];
    assert_eq!(persistence(&lab), Some(AttributeValue::Number(600)));
    lab.service.conditions.push(condition(ADOPTED));
    assert_eq!(persistence(&lab), None);
}

#[test]
fn source_ranges_are_ordered_and_exclude_access_control_lists() {
    let mut lab = Lab::tcp();
    lab.service.source_ranges = ["192.168.0.0/16", " 10.1.2.3/8", "192.168.0.0/16"]
        .map(str::to_owned)
        .into();
    let ranges: Vec<String> = lab
        .desired()
        .source_ranges
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(ranges, ["10.0.0.0/8", "192.168.0.0/16"]);
    let problems = lab.clone().annotated("acl-status", "off").problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].place, "spec.loadBalancerSourceRanges");
    lab.service.source_ranges.push("everywhere".to_owned());
    let problems = lab.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].place, "spec.loadBalancerSourceRanges[3]");
}

#[test]
fn source_ranges_are_of_the_clbs_family() {
    let mut lab = Lab::tcp();
    lab.service.source_ranges = vec!["10.0.0.0/8".to_owned(), "fd00::/8".to_owned()];
    assert_eq!(lab.desired().source_ranges.len(), 1);
    assert!(lab.remarks()[0].contains("fd00::/8"), "{:?}", lab.remarks());
    lab.service.source_ranges.remove(0);
    let problems = lab.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].allowed.contains("ipv4"), "{problems:?}");
    assert_eq!(
        lab.annotated("ip-version", "ipv6").desired().source_ranges.len(),
        1
    );
}

#[test]
fn source_ranges_need_listeners_of_ours() {
    let mut lab = Lab::tcp().annotated("id", "lb-reuse-04");
    lab.service.source_ranges = vec!["10.0.0.0/8".to_owned()];
    assert!(lab.desired().source_ranges.is_empty());
    assert!(lab.remarks()[0].contains("not managed"), "{:?}", lab.remarks());
}

#[test]
fn an_address_that_the_service_asks_for_and_does_not_have_is_spoken_of() {
    let mut lab = Lab::tcp();
    lab.service.load_balancer_ip = Some("1.2.3.4".to_owned());
    let notices = lab.desired().notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].reason == "FieldWithoutEffect"
            && notices[0].message.contains("spec.loadBalancerIP: 1.2.3.4")
            && notices[0]
                .message
                .contains("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-ip that"),
        "{notices:?}"
    );
    lab.service.ingress = vec![Ingress {
        ip: Some("1.2.3.4".to_owned()),
        hostname: None,
        ip_mode: None,
        ports: Vec::new(),
    }];
    assert_eq!(lab.desired().notices, []);
}

#[test]
fn both_families_are_too_many() {
    let mut lab = Lab::tcp();
    lab.service.dual_stack = true;
    let notices = lab.desired().notices;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].warning && notices[0].reason == reason::FIELD_WITHOUT_EFFECT);
}

#[test]
fn the_health_check_node_port_is_asked_where_configured_and_only_nodes_are_backends() {
    let mut lab = Lab::with_ports(vec![tcp_port(80)]).annotated("scheduler", "wrr");
    lab.service.traffic_policy = TrafficPolicy::Local;
    lab.service.health_check_node_port = Some(32_100);
    lab.nodes.remove("vk");
    let check = |lab: &Lab| {
        let named = &lab.desired().listeners[0].named;
        let text = |attribute| named.text(attribute).map(str::to_owned);
        (
            text(Attribute::HealthCheckType),
            text(Attribute::HealthCheckUri),
            named.get(Attribute::HealthCheckConnectPort).cloned(),
        )
    };
    let none = (None, None, None);
    assert_eq!(check(&lab), none);
    lab.cluster.use_health_check_node_port = true;
    let expected = (
        Some("http".to_owned()),
        Some("/healthz".to_owned()),
        Some(AttributeValue::Number(32_100)),
    );
    assert_eq!(check(&lab), expected);
    assert_eq!(check(&lab.clone().annotated("health-check-switch", "off")), none);
    assert_eq!(check(&lab.clone().annotated("backend-type", "eni")), none);
    assert_eq!(check(&lab.clone().annotated("health-check-type", "tcp")).1, None);
    // An HTTP listener checks by HTTP anyway, once it checks at all.
    let http = lab.clone().annotated("protocol-port", "http:80");
    assert_eq!(check(&http), none);
    let (_, uri, port) = expected;
    assert_eq!(
        check(&http.annotated("health-check-flag", "on")),
        (None, uri, port)
    );
    let mut with_virtual_node = lab.clone();
    with_virtual_node.nodes = Lab::tcp().nodes;
    assert_eq!(check(&with_virtual_node), none);
    lab.service.traffic_policy = TrafficPolicy::Cluster;
    assert_eq!(check(&lab), none);
}
