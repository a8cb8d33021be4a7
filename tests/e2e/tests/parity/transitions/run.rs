//! Runs many changes side by side and compares.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use clb_e2e::{Api, Stage};
use clb_sandbox::manifests::Manifest;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::pair::{Pair, Which};
use super::wanted;
use crate::expected::Table;
use crate::lab::{self, account, apply_all, at_rest, events, last_call, written_since};
use crate::shown;

/// What Kubernetes takes node ports from.
const NODE_PORTS: Range<i32> = 30_000..32_768;

/// Fails where a change does not end as it should.
pub(super) async fn all_end_as_if_made_so(api: Api, pairs: Vec<Pair>) -> anyhow::Result<()> {
    let wrong = differences(api, pairs).await?;
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is wrong after the changes, in words.
pub(super) async fn differences(api: Api, pairs: Vec<Pair>) -> anyhow::Result<Vec<String>> {
    let Some(mut stage) = lab::start(api).await? else {
        return Ok(Vec::new());
    };
    let table = Table::read();
    for pair in &pairs {
        pair.copy_users_clbs(&account(&stage), &table)?;
    }
    let first: Vec<_> = pairs.iter().map(Pair::first).collect();
    apply_all(&stage, &first).await?;
    stage.converged(pairs.len()).await?;
    let before = states(&stage, &pairs, &table, Which::Changed).await?;
    let services_before = lab::services(&stage).await?;

    let second: Vec<_> = pairs.iter().map(Pair::second).collect();
    apply_all(&stage, &second).await?;
    let services = lab::services(&stage).await?;
    let mut free = free_node_ports(&services);
    let mut direct: Vec<(bool, Manifest)> = pairs
        .iter()
        .map(|pair| {
            with_node_ports_of(
                pair.direct(&table),
                &services[&pair.name(Which::Changed)],
                &mut free,
            )
        })
        .collect();
    // Those that name their node ports come before others are given them.
    direct.sort_by_key(|(names, _)| !names);
    let direct: Vec<_> = direct.into_iter().map(|(_, manifest)| manifest).collect();
    apply_all(&stage, &direct).await?;
    stage.converged(2 * pairs.len()).await?;
    at_rest(&stage).await?;

    let after = states(&stage, &pairs, &table, Which::Changed).await?;
    let made = states(&stage, &pairs, &table, Which::Direct).await?;
    let events = events(&stage).await?;
    let mut wrong = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let name = pair.name(Which::Changed);
        let same_group = !node_ports(&services_before[&name]).is_disjoint(&node_ports(&services[&name]));
        let wanted = wanted::state(pair, &table, &before[index], &made[index], same_group);
        let differ = shown::differences(&after[index], &wanted);
        wrong.extend(
            differ
                .into_iter()
                .map(|line| format!("{}{line}", pair.describe())),
        );
        let said = events.get(&name).cloned().unwrap_or_default();
        for annotation in wanted::must_be_said(pair, &table, &before[index]) {
            let told = said
                .iter()
                .any(|said| said.kind == "Warning" && said.message.contains(annotation));
            if !told {
                wrong.push(format!(
                    "{}: nothing said of {annotation}: {said:?}",
                    pair.describe()
                ));
            }
        }
    }

    let last = last_call(&stage);
    let said = lab::events(&stage).await?;
    stage.world.services.restart().await?;
    stage.converged(2 * pairs.len()).await?;
    at_rest(&stage).await?;
    wrong.extend(
        written_since(&stage, last)
            .into_iter()
            .map(|call| format!("written again: {call}")),
    );
    let now = lab::events(&stage).await?;
    for (service, now) in &now {
        if said.get(service) != Some(now) {
            wrong.push(format!("said again of {service}: {now:?}"));
        }
    }
    stage.end().await;
    Ok(wrong)
}

/// The states of one of each pair's CLBs, with stand-ins for what differs between the two.
async fn states(stage: &Stage, pairs: &[Pair], table: &Table, which: Which) -> anyhow::Result<Vec<Value>> {
    let services = lab::services(stage).await?;
    let account = account(stage);
    Ok(pairs
        .iter()
        .map(|pair| {
            let service = &services[&pair.name(which)];
            let id = pair
                .users(table, which)
                .unwrap_or_else(|| shown::id_of(&account, service));
            let state = account.load_balancer(&id).unwrap_or_default();
            let state = shown::with_stand_ins(state, service);
            let mark = format!("/{}/", pair.name(which));
            shown::settled(&state, &[(mark, "/SERVICE/".to_owned())])
        })
        .collect())
}

fn node_ports(service: &Service) -> BTreeSet<i32> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(|port| port.node_port).collect()
}

/// Node ports that no Service has.
fn free_node_ports(services: &BTreeMap<String, Service>) -> impl Iterator<Item = i32> + use<> {
    // The port that is asked for a Node's health under Local policy is one of them.
    let health_checks = services
        .values()
        .filter_map(|service| service.spec.as_ref()?.health_check_node_port);
    let taken: BTreeSet<i32> = services
        .values()
        .flat_map(node_ports)
        .chain(health_checks)
        .collect();
    NODE_PORTS.filter(move |port| !taken.contains(port))
}

/// Where TCP and UDP have one port, Kubernetes gives them one node port when they come together and two when one comes later; with it
/// they have one group or two. The Service to compare with gets as many; and whether it names them.
fn with_node_ports_of(
    mut manifest: Manifest,
    changed: &Service,
    free: &mut impl Iterator<Item = i32>,
) -> (bool, Manifest) {
    let ports = changed.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let mut by_number: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for port in ports {
        by_number.entry(port.port).or_default().extend(port.node_port);
    }
    let apart = by_number
        .values()
        .any(|node_ports| node_ports.len() == 2 && node_ports[0] != node_ports[1]);
    if apart {
        for (index, node_port) in free.take(2).enumerate() {
            manifest.object["spec"]["ports"][index]["nodePort"] = json!(node_port);
        }
    }
    (apart, manifest)
}
