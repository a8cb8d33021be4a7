//! Examples of the table in place of which stand some that would work on the Service at hand. [`super::checks`] puts them into its
//! mistakes.

use clb_model::cloud::{ListenerProtocol, ZonePair};
use clb_model::cluster::Transport;

use super::context::Context;
use super::{load_balancer, vswitches};
use crate::annotations::backend::VGROUP_PORT;
use crate::annotations::instance::{ADDRESS, MASTER_ZONE, SLAVE_ZONE, VSWITCH_ID};
use crate::annotations::listener::{CERT_ID, FORWARD_PORT, PROTOCOL_PORT};
use crate::annotations::value::Scheduler;
use crate::annotations::{Row, table};
use crate::problem::Problem;

/// Pairs of an example list.
const PAIRS: usize = 3;
/// Ports that browsers expect to speak HTTPS.
const HTTPS_PORTS: [u16; 2] = [443, 8443];

/// Replaces the table's example where another is known to be right.
pub(super) fn fit(context: &Context<'_>, problem: &mut Problem) {
    let row = table().find(|row| row.example == problem.example && row.names().contains(&problem.place));
    if let Some(example) = row.and_then(|row| of_row(context, row)) {
        problem.example = example;
    }
}

fn of_row(context: &Context<'_>, row: &Row) -> Option<String> {
    let is = |other: &Row| row.suffix == other.suffix;
    if is(&ADDRESS) {
        vswitches::example_address(context)
    } else if is(&VSWITCH_ID) {
        let configured = context.inputs.cluster.vswitches.first();
        configured.map(|vswitch| vswitch.id.clone())
    } else if is(&MASTER_ZONE) {
        zone(context, false)
    } else if is(&SLAVE_ZONE) {
        zone(context, true)
    } else if is(&PROTOCOL_PORT) {
        protocol_port(context)
    } else if is(&FORWARD_PORT) {
        forward_port(context)
    } else if is(&VGROUP_PORT) {
        let port = context.ports.ports.first()?.spec;
        let (group, _) = row.example.split_once(':')?;
        Some(format!("{group}:{}", port.port))
    } else {
        None
    }
}

/// A protocol for each of the first ports that can have one.
fn protocol_port(context: &Context<'_>) -> Option<String> {
    let listener = &context.annotations().listener;
    let scheduler = listener.scheduler.as_ref().map(|written| written.value);
    let hashes = matches!(scheduler, Some(Scheduler::Sch | Scheduler::Tch));
    let pairs: Vec<String> = context
        .ports
        .ports
        .iter()
        .map(|port| port.spec)
        .filter_map(|port| {
            let for_https = HTTPS_PORTS.contains(&port.port);
            let protocol = match port.transport {
                Transport::Udp => ListenerProtocol::Udp,
                Transport::Sctp => return None,
                Transport::Tcp if hashes => ListenerProtocol::Tcp,
                Transport::Tcp if for_https && listener.cert_id.is_some() => ListenerProtocol::Https,
                Transport::Tcp if for_https => ListenerProtocol::Tcp,
                Transport::Tcp => ListenerProtocol::Http,
            };
            Some(format!("{protocol}:{}", port.port))
        })
        .take(PAIRS)
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// From an HTTP listener to an HTTPS listener that are there.
fn forward_port(context: &Context<'_>) -> Option<String> {
    let port_of = |protocol| {
        let mut ports = context.managed_ports().iter();
        ports
            .find(|port| port.protocol == protocol)
            .map(|port| port.spec.port)
    };
    let (from, to) = (
        port_of(ListenerProtocol::Http)?,
        port_of(ListenerProtocol::Https)?,
    );
    Some(format!("{from}:{to}"))
}

/// What a redirect from one port to another needs, in the form in which it is written.
pub(super) fn for_redirect(context: &Context<'_>, from: u16, to: u16) -> String {
    let service = context.inputs.service;
    let has = |number: u16| {
        let mut ports = service.ports.iter();
        ports.any(|port| port.port == number && port.transport == Transport::Tcp)
    };
    let mut ports = context.managed_ports().iter();
    let https = ports.find(|port| port.protocol == ListenerProtocol::Https);
    let from_is_http = context
        .managed_ports()
        .iter()
        .any(|port| port.spec.port == from && port.protocol == ListenerProtocol::Http);
    if let (false, true, Some(https)) = (has(to), from_is_http, https) {
        return format!("{from}:{}", https.spec.port);
    }
    let listener = &context.annotations().listener;
    let mut pairs = vec![format!("https:{to}"), format!("http:{from}")];
    let written = listener.protocol_port.as_ref();
    let others = written.into_iter().flat_map(|written| written.value.iter());
    pairs.extend(
        others
            .filter(|(number, protocol)| ![from, to].contains(number) || *protocol == ListenerProtocol::Udp)
            .map(|(number, protocol)| format!("{protocol}:{number}")),
    );
    let name = written.map_or_else(|| PROTOCOL_PORT.name(), |written| written.place.clone());
    let mut remedy = format!("{name}: \"{}\"", pairs.join(","));
    if !has(to) {
        remedy = format!("a port {to} in spec.ports and {remedy}");
    }
    if listener.cert_id.is_none() {
        remedy = format!("{remedy} and {}", CERT_ID.name());
    }
    remedy
}

/// A zone that goes with the other one that is named, or that is not named.
fn zone(context: &Context<'_>, secondary: bool) -> Option<String> {
    let instance = &context.annotations().instance;
    let other = if secondary {
        &instance.master_zone
    } else {
        &instance.slave_zone
    };
    let (address_type, ip_version) = (
        load_balancer::address_type(instance),
        load_balancer::ip_version(context),
    );
    let zones = |pair: &ZonePair| {
        let (primary, backup) = (pair.master.clone(), pair.slave.clone());
        if secondary {
            (backup, primary)
        } else {
            (primary, backup)
        }
    };
    let pairs = context.inputs.facts.zone_pairs.iter().flatten();
    pairs
        .filter(|pair| pair.address_type == address_type && pair.ip_version == ip_version)
        .map(zones)
        .find(|(_, with)| other.as_ref().is_none_or(|other| other.text == *with))
        .map(|(zone, _)| zone)
}
