//! Many Services, many nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use clb_e2e::{Api, add_node};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::lab::{Lab, by_hand, on_both_apis};

on_both_apis!(ten_nodes_that_join_a_hundred_services);

const SERVICES: usize = 100;
const NODES: u8 = 200;
const JOINING: u8 = 10;

/// How long nodes that join wait for others here. It is longer than a busy machine stalls: with the default a pause would be taken for the
/// last of them.
const QUIET: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(60);

/// 100 Services × 200 nodes; ten nodes join, one a second: one AddVServerGroupBackendServers for each group, and nothing else.
async fn ten_nodes_that_join_a_hundred_services(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start_with(api, |options| options.nodes = usize::from(NODES)).await? else {
        return Ok(());
    };
    let mut uids = Vec::new();
    for number in 0..SERVICES {
        uids.push(lab.apply(&by_hand(&format!("web-{number}")).tcp(80)).await?);
    }
    for uid in &uids {
        lab.has_backends(uid, usize::from(NODES)).await?;
    }
    lab.stage.converged(SERVICES).await?;
    let services = &mut lab.stage.world.services;
    services.change_watcher(0, |settings| {
        settings.debounce.nodes_joining_quiet = QUIET;
        settings.debounce.nodes_joining_max = MOST;
    });
    services.restart().await?;
    lab.stage.converged(SERVICES).await?;
    let before = lab.now();
    let begun = Instant::now();
    for number in 1..=JOINING {
        add_node(&lab.stage, NODES + number).await?;
        sleep_until(begun + Duration::from_secs(number.into())).await;
    }
    for uid in &uids {
        lab.has_backends(uid, usize::from(NODES + JOINING)).await?;
    }
    lab.stage.converged(SERVICES).await?;
    let mut by_group: BTreeMap<String, usize> = BTreeMap::new();
    for call in lab.calls(before, "") {
        assert_eq!(call.action, "AddVServerGroupBackendServers", "{call:?}");
        let servers = call.parameters.get("BackendServers").cloned().unwrap_or_default();
        let servers: Vec<Value> = serde_json::from_str(&servers)?;
        assert_eq!(servers.len(), usize::from(JOINING));
        let group = call.parameters.get("VServerGroupId").cloned().unwrap_or_default();
        *by_group.entry(group).or_default() += 1;
    }
    assert_eq!(by_group.len(), SERVICES);
    assert!(by_group.values().all(|calls| *calls == 1), "{by_group:?}");
    lab.stage.end().await;
    Ok(())
}
