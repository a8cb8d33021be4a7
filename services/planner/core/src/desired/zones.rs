//! The zones of a CLB that is to be created: both must be of the region, differ, and have CLBs of the wanted kind.

use std::collections::BTreeSet;

use clb_model::cloud::ZonePair;

use super::context::Context;
use super::load_balancer;
use crate::annotations::instance::{MASTER_ZONE, SLAVE_ZONE};
use crate::facts::Question;
use crate::problem::Problem;

/// Zones that a message lists before it only says that there are more.
const LISTED: usize = 12;

/// What has to be known.
pub(super) fn question(context: &Context<'_>) -> Option<Question> {
    let instance = &context.annotations().instance;
    let named = instance.master_zone.is_some() || instance.slave_zone.is_some();
    (named && context.owns_load_balancer()).then_some(Question::ZonePairs)
}

/// What is wrong with the zones.
pub(super) fn problem(context: &Context<'_>) -> Option<Problem> {
    question(context)?;
    let instance = &context.annotations().instance;
    let (master, slave) = (instance.master_zone.as_ref(), instance.slave_zone.as_ref());
    if let (Some(master), Some(slave)) = (master, slave)
        && master.text == slave.text
    {
        let allowed = format!(
            "another zone than {}, which is the primary one",
            MASTER_ZONE.suffix
        );
        return Some(slave.problem(allowed, SLAVE_ZONE.example));
    }
    let address_type = load_balancer::address_type(instance);
    let ip_version = load_balancer::ip_version(context);
    let pairs: Vec<&ZonePair> = context
        .inputs
        .facts
        .zone_pairs
        .iter()
        .flatten()
        .filter(|pair| pair.address_type == address_type && pair.ip_version == ip_version)
        .collect();
    if context.inputs.facts.zone_pairs.as_ref()?.is_empty() {
        return None;
    }
    let region = &context.inputs.cluster.region;
    let clb = format!("an {address_type} CLB of {ip_version} in {region}");
    let masters: BTreeSet<&str> = pairs.iter().map(|pair| pair.master.as_str()).collect();
    if let Some(master) = master
        && !masters.contains(master.text.as_str())
    {
        let allowed = format!("a primary zone for {clb}: {}", list(&masters));
        return Some(master.problem(allowed, first(&masters)));
    }
    let slave = slave?;
    let beside = pairs
        .iter()
        .filter(|pair| master.is_none_or(|master| master.text == pair.master));
    let slaves: BTreeSet<&str> = beside.map(|pair| pair.slave.as_str()).collect();
    if slaves.contains(slave.text.as_str()) {
        return None;
    }
    let allowed = match master {
        Some(master) => format!("a secondary zone to {} for {clb}: {}", master.text, list(&slaves)),
        None => format!("a secondary zone for {clb}: {}", list(&slaves)),
    };
    Some(slave.problem(allowed, first(&slaves)))
}

fn list(zones: &BTreeSet<&str>) -> String {
    if zones.is_empty() {
        return "there is none".to_owned();
    }
    let more = if zones.len() > LISTED { " and others" } else { "" };
    let listed: Vec<&str> = zones.iter().take(LISTED).copied().collect();
    format!("{}{more}", listed.join(", "))
}

fn first(zones: &BTreeSet<&str>) -> String {
    zones.first().copied().unwrap_or_default().to_owned()
}
