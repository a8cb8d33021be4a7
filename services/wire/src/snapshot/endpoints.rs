//! `EndpointSet` and what it holds.

use clb_model::cluster::{Endpoint, EndpointPort, EndpointSet, PodRef};
use clb_proto::snapshot::v1;

use super::service::transport_from_name;
use crate::WireError;
use crate::field::{Reader, non_empty};

const ENDPOINT_PORT: Reader = Reader("EndpointPort");
const ENDPOINT: Reader = Reader("Endpoint");

/// A set of endpoints.
#[must_use]
pub fn endpoint_set_to_proto(set: &EndpointSet) -> v1::EndpointSet {
    v1::EndpointSet {
        ports: set
            .ports
            .iter()
            .map(|port| v1::EndpointPort {
                name: port.name.clone(),
                protocol: port.transport.as_str().to_owned(),
                port: port.port.into(),
            })
            .collect(),
        endpoints: set.endpoints.iter().map(endpoint_to_proto).collect(),
        host_names: set.host_names,
    }
}

/// A set of endpoints.
///
/// # Errors
/// An address or a port that is none.
pub fn endpoint_set_from_proto(message: v1::EndpointSet) -> Result<EndpointSet, WireError> {
    Ok(EndpointSet {
        ports: message
            .ports
            .into_iter()
            .map(|port| {
                Ok(EndpointPort {
                    name: port.name,
                    transport: transport_from_name(ENDPOINT_PORT, &port.protocol)?,
                    port: ENDPOINT_PORT.port("port", port.port)?,
                })
            })
            .collect::<Result<_, WireError>>()?,
        endpoints: message
            .endpoints
            .into_iter()
            .map(endpoint_from_proto)
            .collect::<Result<_, _>>()?,
        host_names: message.host_names,
    })
}

fn endpoint_to_proto(endpoint: &Endpoint) -> v1::Endpoint {
    let (pod_name, pod_uid) = match &endpoint.pod {
        Some(pod) => (pod.name.clone(), pod.uid.clone()),
        None => (String::new(), String::new()),
    };
    v1::Endpoint {
        address: endpoint.address.to_string(),
        node_name: endpoint.node_name.clone().unwrap_or_default(),
        ready: endpoint.ready,
        serving: endpoint.serving,
        terminating: endpoint.terminating,
        pod_name,
        pod_uid,
        awaits_readiness_gate: endpoint.awaits_readiness_gate,
    }
}

fn endpoint_from_proto(message: v1::Endpoint) -> Result<Endpoint, WireError> {
    Ok(Endpoint {
        address: ENDPOINT.address("address", &message.address)?,
        node_name: non_empty(message.node_name),
        ready: message.ready,
        serving: message.serving,
        terminating: message.terminating,
        pod: non_empty(message.pod_name).map(|name| PodRef {
            name,
            uid: message.pod_uid,
        }),
        awaits_readiness_gate: message.awaits_readiness_gate,
    })
}
