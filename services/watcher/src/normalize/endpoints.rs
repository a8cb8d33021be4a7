//! EndpointSlices: each for itself ([`slice`]), then those of a Service together ([`merge`]).

use std::collections::BTreeMap;
use std::net::IpAddr;

use clb_model::ServiceKey;
use clb_model::cluster::{Endpoint, EndpointPort, EndpointSet, PodRef};

use super::{Unusable, port, transport};
use crate::slim;

/// What a store keeps of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The Service that it belongs to.
    pub(crate) service: ServiceKey,
    /// Its ports, ordered.
    pub(crate) ports: Vec<EndpointPort>,
    /// Its endpoints, one per address.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// None for a slice that is no Service's, or that holds names instead of addresses.
///
/// # Errors
/// A value that the API server should not have accepted.
pub(crate) fn slice(slice: &slim::EndpointSlice) -> Result<Option<Slice>, Unusable> {
    let metadata = &slice.metadata;
    let name = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(slim::SERVICE_NAME_LABEL));
    let (Some(name), Some(namespace)) = (name, &metadata.namespace) else {
        return Ok(None);
    };
    if slice.address_type == "FQDN" {
        return Ok(None);
    }
    let mut ports = Vec::new();
    for entry in slice.ports.iter().flatten() {
        ports.extend(slice_port(entry)?);
    }
    ports.sort_unstable();
    let mut endpoints = Vec::new();
    for entry in slice.endpoints.iter().flatten() {
        for address in &entry.addresses {
            let address = address
                .parse()
                .map_err(|_| Unusable::new("endpoints[].addresses", address, "an IPv4 or IPv6 address"))?;
            endpoints.push(endpoint(address, entry));
        }
    }
    Ok(Some(Slice {
        service: ServiceKey::new(namespace.as_str(), name.as_str()),
        ports,
        endpoints,
    }))
}

/// A port without a number means "all ports", which no listener can have as its target.
fn slice_port(entry: &slim::SlicePort) -> Result<Option<EndpointPort>, Unusable> {
    let Some(number) = entry.port else {
        return Ok(None);
    };
    Ok(Some(EndpointPort {
        name: entry.name.clone().unwrap_or_default(),
        transport: transport("ports[].protocol", entry.protocol.as_deref())?,
        port: port("ports[].port", number)?,
    }))
}

fn endpoint(address: IpAddr, entry: &slim::SliceEndpoint) -> Endpoint {
    let conditions = entry.conditions.unwrap_or_default();
    // The API's rules: unset ready counts as ready, unset serving as ready's value.
    let ready = conditions.ready.unwrap_or(true);
    let pod = entry
        .target_ref
        .as_ref()
        .filter(|target| target.kind.as_deref() == Some("Pod"))
        .and_then(|target| {
            Some(PodRef {
                name: target.name.clone()?,
                uid: target.uid.clone().unwrap_or_default(),
            })
        });
    Endpoint {
        address,
        node_name: entry.node_name.clone().filter(|name| !name.is_empty()),
        ready,
        serving: conditions.serving.unwrap_or(ready),
        terminating: conditions.terminating.unwrap_or(false),
        pod,
        awaits_readiness_gate: false,
    }
}

/// Puts the slices of one Service together: those with equal ports become one set, sets are ordered by ports and endpoints by
/// address. While endpoints move between slices an address may be in two of them; then the one counts that serves best, as
/// kube-proxy has it.
pub(crate) fn merge<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> Vec<EndpointSet> {
    let mut sets: BTreeMap<&[EndpointPort], BTreeMap<IpAddr, &Endpoint>> = BTreeMap::new();
    for slice in slices {
        let endpoints = sets.entry(&slice.ports).or_default();
        for endpoint in &slice.endpoints {
            endpoints
                .entry(endpoint.address)
                .and_modify(|known| {
                    if preference(endpoint) > preference(known) {
                        *known = endpoint;
                    }
                })
                .or_insert(endpoint);
        }
    }
    sets.into_iter()
        .filter(|(_, endpoints)| !endpoints.is_empty())
        .map(|(ports, endpoints)| EndpointSet {
            ports: ports.to_vec(),
            endpoints: endpoints.into_values().cloned().collect(),
        })
        .collect()
}

/// Greater is better; the last parts only make the choice the same each time.
fn preference(endpoint: &Endpoint) -> impl PartialOrd + use<'_> {
    (
        endpoint.ready,
        endpoint.serving,
        !endpoint.terminating,
        endpoint.pod.as_ref().map(|pod| (&pod.uid, &pod.name)),
        &endpoint.node_name,
    )
}
