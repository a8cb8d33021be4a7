//! What a peer may not send, and what a newer one may.

use std::time::Duration;

use clb_model::operation::{OperationId, OperationResult, Outcome};
use clb_proto::actuator::v1 as actuator;
use clb_proto::snapshot::v1 as snapshot;
use clb_wire::WireError;
use clb_wire::actuator::{
    inspect_query_from_proto, load_balancer_from_proto, operation_from_proto, operation_result_from_proto,
    operation_result_to_proto,
};
use clb_wire::records::{decode, service_record};
use clb_wire::snapshot::{directive_from_proto, service_from_proto};

fn service() -> snapshot::Service {
    snapshot::Service {
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        uid: "uid-1".to_owned(),
        r#type: "LoadBalancer".to_owned(),
        ..snapshot::Service::default()
    }
}

fn listener(attributes: &[(&str, &str)]) -> actuator::Listener {
    actuator::Listener {
        version: Some(actuator::Version::default()),
        protocol: "tcp".to_owned(),
        port: 80,
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..actuator::Listener::default()
    }
}

fn load_balancer(listeners: Vec<actuator::Listener>) -> actuator::LoadBalancer {
    actuator::LoadBalancer {
        id: "lb-1".to_owned(),
        version: Some(actuator::Version::default()),
        address_type: "internet".to_owned(),
        ip_version: "ipv4".to_owned(),
        instance_charge_type: "PayByCLCU".to_owned(),
        internet_charge_type: "paybytraffic".to_owned(),
        listeners,
        ..actuator::LoadBalancer::default()
    }
}

#[test]
fn an_error_names_message_field_value_and_what_is_allowed() {
    let mut message = service();
    message.ip_families = vec!["IPv5".to_owned()];
    assert_eq!(
        service_from_proto(message).unwrap_err().to_string(),
        "Service.ip_families: \"IPv5\" is not valid, allowed is IPv4 or IPv6"
    );
}

#[test]
fn ports_end_at_65535() {
    let mut message = service();
    message.health_check_node_port = 65536;
    assert!(matches!(
        service_from_proto(message),
        Err(WireError::Invalid {
            field: "health_check_node_port",
            ..
        })
    ));
}

#[test]
fn an_address_to_look_for_is_of_ipv4() {
    for address in ["", "10.0.0", "2001:db8::1"] {
        let asked = actuator::StaticAddress {
            address: address.to_owned(),
            ..actuator::StaticAddress::default()
        };
        let message = actuator::InspectRequest {
            cluster_id: "c-lab".to_owned(),
            static_addresses: vec![asked],
            ..actuator::InspectRequest::default()
        };
        assert_eq!(
            inspect_query_from_proto(message).unwrap_err().to_string(),
            format!("StaticAddress.address: {address:?} is not valid, allowed is an IPv4 address")
        );
    }
}

/// Durations are added to points in time, which the largest that a message can hold would overflow.
#[test]
fn durations_end_after_a_day() {
    let waiting = |seconds| actuator::OperationResult {
        operation_id: 1,
        outcome: actuator::Outcome::Throttled.into(),
        retry_after: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..actuator::OperationResult::default()
    };
    assert_eq!(
        operation_result_from_proto(waiting(i64::MAX))
            .unwrap_err()
            .to_string(),
        "OperationResult.retry_after: \"9223372036854775807 s\" is not valid, allowed is 0 s to a day"
    );
    assert!(operation_result_from_proto(waiting(-1)).is_err());
    let asked = |retry_after| OperationResult {
        operation: OperationId(1),
        outcome: Outcome::Throttled { retry_after },
        left_out: Vec::new(),
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let message = operation_result_to_proto(&asked(Duration::MAX));
    assert_eq!(operation_result_from_proto(message), Ok(asked(day)));
}

#[test]
fn observed_attributes_of_a_newer_actuator_are_left_out() {
    let message = load_balancer(vec![listener(&[("Scheduler", "rr"), ("QuantumTunnel", "on")])]);
    let load_balancer = load_balancer_from_proto(message).unwrap();
    let listener = load_balancer.listeners.values().next().unwrap();
    assert_eq!(listener.attributes.iter().count(), 1);
}

#[test]
fn ordered_attributes_that_nobody_knows_are_refused() {
    let attributes = listener(&[("QuantumTunnel", "on")]).attributes;
    let message = actuator::Operation {
        change: Some(actuator::operation::Change::CreateListener(
            actuator::CreateListener {
                protocol: "tcp".to_owned(),
                port: 80,
                vgroup: None,
                attributes,
            },
        )),
        ..actuator::Operation::default()
    };
    assert_eq!(
        operation_from_proto(message).unwrap_err().to_string(),
        "CreateListener.attributes: \"QuantumTunnel\" is not valid, allowed is the names of ListenerAttribute"
    );
}

#[test]
fn a_change_that_nobody_knows_is_refused() {
    assert_eq!(
        operation_from_proto(actuator::Operation::default())
            .unwrap_err()
            .to_string(),
        "Operation.change is not set, it must be a change that this actuator knows"
    );
}

#[test]
fn two_listeners_of_one_key_are_refused() {
    let error = load_balancer_from_proto(load_balancer(vec![listener(&[]), listener(&[])])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "LoadBalancer.listeners: \"tcp:80\" is not valid, allowed is one listener per port and protocol"
    );
}

#[test]
fn a_directive_with_an_action_of_a_newer_planner_is_refused() {
    let message = snapshot::Directive {
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        uid: "uid-1".to_owned(),
        finalizer: 9,
        ..snapshot::Directive::default()
    };
    assert!(matches!(
        directive_from_proto(message),
        Err(WireError::Invalid {
            field: "finalizer",
            ..
        })
    ));
}

#[test]
fn a_pod_without_a_uid_is_refused() {
    let message = snapshot::Directive {
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        uid: "uid-1".to_owned(),
        readiness_gates: vec![snapshot::PodReference {
            name: "web-0".to_owned(),
            uid: String::new(),
        }],
        ..snapshot::Directive::default()
    };
    assert!(matches!(
        directive_from_proto(message),
        Err(WireError::Invalid { field: "uid", .. })
    ));
}

#[test]
fn a_record_holds_what_its_key_says() {
    let mut record = service_record(&service_from_proto(service()).unwrap());
    assert!(decode(&record).is_ok());
    record.key = "default/other".to_owned();
    assert!(matches!(
        decode(&record),
        Err(WireError::Invalid { field: "key", .. })
    ));
    record.key = "web".to_owned();
    assert!(matches!(
        decode(&record),
        Err(WireError::Invalid { field: "key", .. })
    ));
    record.key = "default/web".to_owned();
    record.payload = vec![0xff];
    assert!(matches!(
        decode(&record),
        Err(WireError::Undecodable {
            message: "Service",
            ..
        })
    ));
    record.kind = 99;
    assert!(matches!(
        decode(&record),
        Err(WireError::Invalid { field: "kind", .. })
    ));
}
