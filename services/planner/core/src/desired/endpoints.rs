//! Which endpoints get a port's traffic: those that are ready or, when none is, those that still serve while
//! terminating (KEP-1669). An address that several EndpointSlices hold counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clb_model::cluster::{Endpoint, EndpointSet, IpFamily, PodRef, Service, ServicePort};

/// An endpoint that gets traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usable<'a> {
    /// The pod's address.
    pub(super) address: IpAddr,
    /// The port to which that pod listens.
    pub(super) port: u16,
    /// Its Node, where one is named.
    pub(super) node: Option<&'a str>,
    /// The pod, where it waits for our readiness gate.
    pub(super) waiting: Option<&'a PodRef>,
}

/// The endpoints of a port that get traffic, ordered by address and port.
pub(super) fn usable<'a>(service: &'a Service, port: &ServicePort, family: IpFamily) -> Vec<Usable<'a>> {
    let mut ready = BTreeMap::new();
    let mut lingering = BTreeMap::new();
    for set in &service.endpoints {
        let Some(number) = port_number(set, port) else {
            continue;
        };
        for endpoint in set
            .endpoints
            .iter()
            .filter(|endpoint| is_of(endpoint.address, family))
        {
            let usable = Usable {
                address: endpoint.address,
                port: number,
                node: endpoint.node_name.as_deref(),
                waiting: endpoint.pod.as_ref().filter(|_| endpoint.awaits_readiness_gate),
            };
            let key = (endpoint.address, number);
            if is_ready(service, endpoint) {
                insert(&mut ready, key, usable);
            } else if endpoint.serving && endpoint.terminating {
                insert(&mut lingering, key, usable);
            }
        }
    }
    let chosen = if ready.is_empty() { lingering } else { ready };
    chosen.into_values().collect()
}

/// How many endpoints are ready where no slice has the port at all: a port was renamed, and the slices are behind. Which of the pods listen
/// is not known then.
pub(super) fn ready_without_port(service: &Service, port: &ServicePort, family: IpFamily) -> usize {
    if service
        .endpoints
        .iter()
        .any(|set| port_number(set, port).is_some())
    {
        return 0;
    }
    let endpoints = service.endpoints.iter().flat_map(|set| &set.endpoints);
    let ready: BTreeSet<IpAddr> = endpoints
        .filter(|endpoint| is_of(endpoint.address, family) && is_ready(service, endpoint))
        .map(|endpoint| endpoint.address)
        .collect();
    ready.len()
}

/// How many endpoints of a port are ready and have host names in the place of addresses.
pub(super) fn host_names(service: &Service, port: &ServicePort) -> usize {
    let sets = service
        .endpoints
        .iter()
        .filter(|set| port_number(set, port).is_some());
    sets.map(|set| usize::try_from(set.host_names).unwrap_or(usize::MAX))
        .fold(0, usize::saturating_add)
}

/// Of two slices that hold one address the one that names a Node tells more; between two that do, the lesser
/// name, whatever the order of the slices.
fn insert<'a>(chosen: &mut BTreeMap<(IpAddr, u16), Usable<'a>>, key: (IpAddr, u16), usable: Usable<'a>) {
    chosen
        .entry(key)
        .and_modify(|known| {
            known.node = match (known.node, usable.node) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            known.waiting = known.waiting.or(usable.waiting);
        })
        .or_insert(usable);
}

/// The number of a Service's port in a slice: pods may resolve a named target port differently.
fn port_number(set: &EndpointSet, port: &ServicePort) -> Option<u16> {
    set.ports
        .iter()
        .find(|candidate| candidate.name == port.name && candidate.transport == port.transport)
        .map(|found| found.port)
}

/// With `publishNotReadyAddresses` readiness does not count; what terminates and does not serve any more
/// still goes.
fn is_ready(service: &Service, endpoint: &Endpoint) -> bool {
    endpoint.ready || (service.publish_not_ready && (!endpoint.terminating || endpoint.serving))
}

fn is_of(address: IpAddr, family: IpFamily) -> bool {
    match family {
        IpFamily::V4 => address.is_ipv4(),
        IpFamily::V6 => address.is_ipv6(),
    }
}
