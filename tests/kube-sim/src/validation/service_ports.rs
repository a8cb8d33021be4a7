//! Rules for a Service's ports, one by one and against each other.

use serde_json::Value;

use super::{FieldError, each_invalid, formats, one_of};
use crate::service_view::{self as view, ServiceType, text};

/// Protocols of a port.
pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// Each port by itself, and its name among the names.
pub(super) fn each(service: &Value) -> Vec<FieldError> {
    let ports = view::ports(service);
    let mut names: Vec<&str> = Vec::new();
    let mut errors = Vec::new();
    for (position, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{position}]");
        let name = text(&port["name"]);
        let name_field = format!("{path}.name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(FieldError::required(&name_field, ""));
            }
        } else {
            errors.extend(each_invalid(&name_field, &port["name"], formats::dns_label(name)));
            if names.contains(&name) {
                errors.push(FieldError::duplicate(&name_field, name));
            } else {
                names.push(name);
            }
        }
        let number = port["port"].as_i64().unwrap_or(0);
        errors.extend(each_invalid(
            &format!("{path}.port"),
            &number.into(),
            formats::port_number(number),
        ));
        errors.extend(one_of(&format!("{path}.protocol"), &port["protocol"], &PROTOCOLS));
        errors.extend(target(&format!("{path}.targetPort"), &port["targetPort"]));
        if let Some(protocol) = port.get("appProtocol") {
            let texts = formats::qualified_name(text(protocol));
            errors.extend(each_invalid(&format!("{path}.appProtocol"), protocol, texts));
        }
    }
    errors
}

fn target(field: &str, target: &Value) -> Vec<FieldError> {
    let texts = match target {
        Value::String(name) => formats::port_name(name),
        number => formats::port_number(number.as_i64().unwrap_or(0)),
    };
    each_invalid(field, target, texts)
}

/// Node ports where none may be, and ports that stand twice.
pub(super) fn together(service: &Value, service_type: ServiceType) -> Vec<FieldError> {
    let ports = view::ports(service);
    let mut errors = Vec::new();
    if service_type == ServiceType::ClusterIp {
        for (position, _) in ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0) {
            let field = format!("spec.ports[{position}].nodePort");
            errors.push(FieldError::forbidden(
                &field,
                "may not be used when `type` is 'ClusterIP'",
            ));
        }
    }
    let mut node_ports: Vec<(&str, i64)> = Vec::new();
    for (position, port) in ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0) {
        let key = (text(&port["protocol"]), node_port(port));
        if node_ports.contains(&key) {
            errors.push(FieldError::duplicate(
                &format!("spec.ports[{position}].nodePort"),
                key.1,
            ));
        }
        node_ports.push(key);
    }
    let mut numbers: Vec<(&str, i64)> = Vec::new();
    for (position, port) in ports.iter().enumerate() {
        let key = (text(&port["protocol"]), port["port"].as_i64().unwrap_or(0));
        if numbers.contains(&key) {
            errors.push(FieldError::duplicate(
                &format!("spec.ports[{position}]"),
                GoServicePort::new(key).0,
            ));
        }
        numbers.push(key);
    }
    errors
}

fn node_port(port: &Value) -> i64 {
    port["nodePort"].as_i64().unwrap_or(0)
}

/// How Go prints the key of a duplicate port: a ServicePort with everything else zero, members in declared order.
struct GoServicePort(Value);

impl GoServicePort {
    fn new((protocol, port): (&str, i64)) -> Self {
        let text = format!(
            "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{port},\"TargetPort\":0,\"NodePort\":0}}"
        );
        Self(super::field::verbatim(&text))
    }
}
