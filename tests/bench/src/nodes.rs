//! Nodes that join one after the other: how often each group's backends are written.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep_until};

use crate::print::{actions, memory, say};
use crate::{Binaries, cloud, objects, planner};

/// Backends that one call takes.
const BACKENDS_PER_CALL: usize = 20;

/// What `nodes` is given.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many Services, of one port each.
    #[arg(long, default_value_t = 100, value_name = "N")]
    services: usize,
    /// How many nodes are there from the beginning.
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=200))]
    nodes: u8,
    /// How many nodes join.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=50))]
    joining: u8,
    /// How long after one node the next one joins, in milliseconds.
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    every: u64,
}

/// Runs the command.
pub(crate) async fn run(binaries: &Binaries, options: Options) -> anyhow::Result<()> {
    let Options {
        services,
        nodes,
        joining,
        every,
    } = options;
    let (installation, _folder) = binaries.start().await?;
    let account = cloud::account(&installation);
    let cluster = installation.kube.cluster();
    objects::add_nodes(&cluster, &account, 1..=nodes)?;
    planner::knows_nodes(&installation.services, usize::from(nodes)).await?;

    let begun = Instant::now();
    for number in 0..services {
        cluster.create(&objects::service(&format!("s{number}")))?;
    }
    planner::converged(&installation.services, services).await?;
    say(&format!(
        "{services} Services × {nodes} nodes converged in {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    let counters = installation.cloud.cloud().counters();
    actions(&counters.by_action);
    memory(&installation.services)?;

    let last = cloud::last_call(&installation);
    let begun = Instant::now();
    for number in 1..=joining {
        objects::add_nodes(&cluster, &account, [nodes + number])?;
        sleep_until(begun + Duration::from_millis(every) * u32::from(number)).await;
    }
    let all = usize::from(nodes + joining);
    planner::knows_nodes(&installation.services, all).await?;
    let short = cloud::filled(&installation, all).await;
    let took = begun.elapsed().as_secs_f64();
    let writes = cloud::writes_since(&installation, last);
    let mut by_group: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &writes {
        if let Some(group) = call.parameters.get("VServerGroupId") {
            *by_group.entry(group).or_default() += 1;
        }
    }
    let floor = usize::from(joining).div_ceil(BACKENDS_PER_CALL);
    let average = writes.len() as f64 / services.max(1) as f64;
    say(&format!(
        "{joining} nodes joined, one each {every} ms; all groups written after {took:.1} s, in {} writes of {} groups:",
        writes.len(),
        by_group.len()
    ));
    actions(&cloud::by_action(&writes));
    say(&format!(
        "  {average:.2} writes for each group, {} at most (floor {floor}): {:.2} × the floor",
        by_group.values().max().copied().unwrap_or_default(),
        average / floor as f64
    ));
    say(&format!(
        "  vServer groups with fewer than {all} backends: {} (floor 0)",
        short
    ));
    memory(&installation.services)?;
    installation.end().await
}
