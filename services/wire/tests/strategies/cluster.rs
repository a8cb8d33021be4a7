//! Services, Nodes and directives.

use clb_model::cluster::*;
use clb_model::directive::*;
use clb_model::version::Tenure;
use clb_model::{ServiceKey, ServiceUid};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::{name, non_empty_text, port, text, texts_by_name};

pub(crate) fn service_uid() -> impl Strategy<Value = ServiceUid> {
    "[0-9a-f]{8}-[0-9a-f]{4}".prop_map(|uid| ServiceUid::new(uid).unwrap())
}

pub(crate) fn service_key() -> impl Strategy<Value = ServiceKey> {
    (name(), name()).prop_map(|(namespace, name)| ServiceKey::new(namespace, name))
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Tcp), Just(Transport::Udp), Just(Transport::Sctp)]
}

fn service_port() -> impl Strategy<Value = ServicePort> {
    let target = prop_oneof![
        port().prop_map(TargetPort::Number),
        name().prop_map(TargetPort::Name)
    ];
    (text(), transport(), port(), target, option::of(port())).prop_map(
        |(name, transport, port, target, node_port)| ServicePort {
            name,
            transport,
            port,
            target,
            node_port,
        },
    )
}

pub(crate) fn ingress() -> impl Strategy<Value = Ingress> {
    let status =
        (port(), transport(), option::of(non_empty_text())).prop_map(|(port, transport, error)| PortStatus {
            port,
            transport,
            error,
        });
    (
        option::of(non_empty_text()),
        option::of(non_empty_text()),
        option::of(prop_oneof![Just(IpMode::Vip), Just(IpMode::Proxy)]),
        vec(status, 0..3),
    )
        .prop_map(|(ip, hostname, ip_mode, ports)| Ingress {
            ip,
            hostname,
            ip_mode,
            ports,
        })
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    let status = prop_oneof![
        Just(ConditionStatus::True),
        Just(ConditionStatus::False),
        Just(ConditionStatus::Unknown)
    ];
    (text(), status, text(), text()).prop_map(|(kind, status, reason, message)| Condition {
        kind,
        status,
        reason,
        message,
    })
}

fn endpoint_set() -> impl Strategy<Value = EndpointSet> {
    let endpoint_port = (text(), transport(), port()).prop_map(|(name, transport, port)| EndpointPort {
        name,
        transport,
        port,
    });
    let endpoint = (
        any::<std::net::IpAddr>(),
        option::of(non_empty_text()),
        any::<[bool; 4]>(),
        option::of((non_empty_text(), text()).prop_map(|(name, uid)| PodRef { name, uid })),
    )
        .prop_map(|(address, node_name, flags, pod)| Endpoint {
            address,
            node_name,
            ready: flags[0],
            serving: flags[1],
            terminating: flags[2],
            pod,
            awaits_readiness_gate: flags[3],
        });
    (vec(endpoint_port, 0..3), vec(endpoint, 0..5), any::<u32>()).prop_map(
        |(ports, endpoints, host_names)| EndpointSet {
            ports,
            endpoints,
            host_names,
        },
    )
}

pub(crate) fn service() -> impl Strategy<Value = Service> {
    let service_type = prop_oneof![
        Just(ServiceType::ClusterIp),
        Just(ServiceType::NodePort),
        Just(ServiceType::LoadBalancer),
        Just(ServiceType::ExternalName)
    ];
    let family = prop_oneof![Just(IpFamily::V4), Just(IpFamily::V6)];
    let identity = (
        service_key(),
        service_uid(),
        text(),
        texts_by_name(),
        texts_by_name(),
    );
    let spec = (
        service_type,
        option::of(non_empty_text()),
        vec(service_port(), 0..4),
        option::of(any::<u32>()),
        vec(text(), 0..3),
        option::of(port()),
        vec(family, 0..3),
    );
    let rest = (
        any::<[bool; 7]>(),
        vec(ingress(), 0..3),
        vec(condition(), 0..3),
        vec(endpoint_set(), 0..3),
    );
    (identity, spec, rest).prop_map(
        |(identity, spec, (flags, ingress, conditions, endpoints))| Service {
            key: identity.0,
            uid: identity.1,
            resource_version: identity.2,
            annotations: identity.3,
            labels: identity.4,
            service_type: spec.0,
            load_balancer_class: spec.1,
            deleting: flags[0],
            finalizer: flags[1],
            ports: spec.2,
            traffic_policy: if flags[2] {
                TrafficPolicy::Local
            } else {
                TrafficPolicy::Cluster
            },
            client_ip_affinity_seconds: spec.3,
            source_ranges: spec.4,
            health_check_node_port: spec.5,
            ip_families: spec.6,
            dual_stack: flags[3],
            node_ports: flags[4],
            publish_not_ready: flags[5],
            selector: flags[6],
            load_balancer_ip: flags[4].then(|| "10.0.0.9".to_owned()),
            ingress,
            conditions,
            endpoints,
        },
    )
}

pub(crate) fn node() -> impl Strategy<Value = Node> {
    let ready = (any::<bool>(), 0_u64..10_000_000_000_000)
        .prop_map(|(ready, since_ms)| NodeReady { ready, since_ms });
    (
        name(),
        text(),
        text(),
        texts_by_name(),
        vec(text(), 0..3),
        any::<[bool; 2]>(),
        option::of(ready),
    )
        .prop_map(|(name, uid, provider_id, labels, taints, flags, ready)| Node {
            name,
            uid,
            provider_id,
            labels,
            taints,
            unschedulable: flags[0],
            ready,
            deleting: flags[1],
        })
}

pub(crate) fn tenure() -> impl Strategy<Value = Tenure> {
    any::<(u64, u64)>().prop_map(|(lease_created_ms, acquisitions)| Tenure {
        lease_created_ms,
        acquisitions,
    })
}

pub(crate) fn directive() -> impl Strategy<Value = Directive> {
    let finalizer = prop_oneof![
        Just(FinalizerAction::Keep),
        Just(FinalizerAction::Present),
        Just(FinalizerAction::Absent)
    ];
    let event = (any::<bool>(), text(), text()).prop_map(|(warning, reason, message)| Event {
        severity: if warning {
            Severity::Warning
        } else {
            Severity::Normal
        },
        reason: reason.into(),
        message,
    });
    let pod = (non_empty_text(), non_empty_text()).prop_map(|(name, uid)| PodRef { name, uid });
    let writes = (
        finalizer,
        option::of(vec(ingress(), 0..3)),
        btree_map(name(), option::of(non_empty_text()), 0..3),
        vec(condition(), 0..3),
        vec(pod, 0..3),
        vec(event, 0..3),
    )
        .prop_map(
            |(finalizer, ingress, labels, conditions, readiness_gates, events)| Writes {
                finalizer,
                ingress,
                labels,
                conditions,
                readiness_gates,
                events,
            },
        );
    (any::<u64>(), service_key(), service_uid(), tenure(), writes).prop_map(
        |(id, service, uid, fencing, writes)| Directive {
            id,
            service,
            uid,
            fencing,
            writes,
        },
    )
}

pub(crate) fn directive_result() -> impl Strategy<Value = DirectiveResult> {
    let outcome = prop_oneof![
        Just(DirectiveOutcome::Done),
        Just(DirectiveOutcome::Gone),
        text().prop_map(|reason| DirectiveOutcome::Failed { reason }),
        Just(DirectiveOutcome::Fenced),
    ];
    (any::<u64>(), service_uid(), outcome).prop_map(|(id, uid, outcome)| DirectiveResult { id, uid, outcome })
}
