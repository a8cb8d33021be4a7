//! Rules for EndpointSlices (`pkg/apis/discovery/validation`).

use serde_json::{Value, json};

use super::service_ports::PROTOCOLS;
use super::{FieldError, addresses, each_invalid, formats, metadata, one_of};
use crate::service_view::{is_empty, text};

const MOST_ENDPOINTS: usize = 1_000;
const MOST_ADDRESSES: usize = 100;
const MOST_PORTS: usize = 20_000;
const MOST_HINTS: usize = 8;

/// Rules for a slice; endpoints that were accepted before stay accepted.
pub(super) fn content(slice: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let address_type = &slice["addressType"];
    let mut errors = if is_empty(address_type) {
        vec![FieldError::required("addressType", "")]
    } else {
        one_of("addressType", address_type, &["FQDN", "IPv4", "IPv6"])
    };
    errors.extend(ports(entries(&slice["ports"])));
    if old.is_none_or(|old| old["endpoints"] != slice["endpoints"]) {
        errors.extend(endpoints(entries(&slice["endpoints"]), text(address_type)));
    }
    if let Some(old) = old
        && old["addressType"] != *address_type
    {
        errors.push(FieldError::invalid(
            "addressType",
            address_type.clone(),
            "field is immutable",
        ));
    }
    errors
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn ports(ports: &[Value]) -> Vec<FieldError> {
    if ports.len() > MOST_PORTS {
        return vec![FieldError::too_many("ports", ports.len(), MOST_PORTS)];
    }
    let mut names: Vec<&str> = Vec::new();
    let mut errors = Vec::new();
    for (position, port) in ports.iter().enumerate() {
        let name = text(&port["name"]);
        let field = format!("ports[{position}].name");
        if !name.is_empty() {
            errors.extend(each_invalid(&field, &port["name"], formats::dns_label(name)));
        }
        if names.contains(&name) {
            errors.push(FieldError::duplicate(&field, name));
        } else {
            names.push(name);
        }
        errors.extend(one_of(
            &format!("ports[{position}].protocol"),
            &port["protocol"],
            &PROTOCOLS,
        ));
        if let Some(protocol) = port.get("appProtocol") {
            let texts = formats::qualified_name(text(protocol));
            errors.extend(each_invalid(
                &format!("ports[{position}].appProtocol"),
                protocol,
                texts,
            ));
        }
    }
    errors
}

fn endpoints(endpoints: &[Value], address_type: &str) -> Vec<FieldError> {
    if endpoints.len() > MOST_ENDPOINTS {
        return vec![FieldError::too_many("endpoints", endpoints.len(), MOST_ENDPOINTS)];
    }
    let mut errors = Vec::new();
    for (position, endpoint) in endpoints.iter().enumerate() {
        let path = format!("endpoints[{position}]");
        errors.extend(endpoint_addresses(
            &format!("{path}.addresses"),
            entries(&endpoint["addresses"]),
            address_type,
        ));
        if let Some(node) = endpoint.get("nodeName") {
            errors.extend(each_invalid(
                &format!("{path}.nodeName"),
                node,
                formats::dns_subdomain(text(node)),
            ));
        }
        errors.extend(metadata::labels(
            &format!("{path}.deprecatedTopology"),
            &endpoint["deprecatedTopology"],
        ));
        if let Some(hostname) = endpoint.get("hostname") {
            errors.extend(each_invalid(
                &format!("{path}.hostname"),
                hostname,
                formats::dns_label(text(hostname)),
            ));
        }
        let hints = &endpoint["hints"];
        errors.extend(named_hints(
            &format!("{path}.hints.forZones"),
            &hints["forZones"],
            formats::label_value,
        ));
        errors.extend(named_hints(
            &format!("{path}.hints.forNodes"),
            &hints["forNodes"],
            formats::dns_subdomain,
        ));
    }
    errors
}

fn endpoint_addresses(field: &str, list: &[Value], address_type: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if list.is_empty() {
        errors.push(FieldError::required(field, "must contain at least 1 address"));
    } else if list.len() > MOST_ADDRESSES {
        errors.push(FieldError::too_many(field, list.len(), MOST_ADDRESSES));
    }
    for (position, address) in list.iter().map(text).enumerate() {
        let entry = format!("{field}[{position}]");
        let malformed = match address_type {
            "IPv4" => addresses::address(&entry, address),
            "IPv6" => addresses::canonical_address(&entry, address),
            "FQDN" => each_invalid(&entry, &json!(address), formats::full_domain_name(address)),
            _ => continue,
        };
        if !malformed.is_empty() || address_type == "FQDN" {
            errors.extend(malformed);
            continue;
        }
        if addresses::is_v6(address) != (address_type == "IPv6") {
            errors.push(FieldError::invalid(
                field,
                address,
                format!("must be an {address_type} address"),
            ));
        }
        errors.extend(addresses::endpoint(&entry, address));
    }
    errors
}

fn named_hints(field: &str, hints: &Value, rule: fn(&str) -> Vec<String>) -> Vec<FieldError> {
    let hints = entries(hints);
    if hints.len() > MOST_HINTS {
        return vec![FieldError::too_many(field, hints.len(), MOST_HINTS)];
    }
    let mut names: Vec<&str> = Vec::new();
    let mut errors = Vec::new();
    for (position, hint) in hints.iter().enumerate() {
        let name = text(&hint["name"]);
        let field = format!("{field}[{position}].name");
        if names.contains(&name) {
            errors.push(FieldError::duplicate(&field, name));
        } else {
            names.push(name);
        }
        errors.extend(each_invalid(&field, &json!(name), rule(name)));
    }
    errors
}
