//! Many Services at once: time, calls and memory; then what follows on top of them.

use clap::Args;
use clb_processes::Installation;
use kube_sim::resources::SERVICES;
use serde_json::Value;
use tokio::time::Instant;

use crate::print::{actions, memory, say};
use crate::{Binaries, cloud, latency, objects, planner};

/// Writes that a Service with one port cannot do without: CLB, vServer group with its backends, listener, start of the listener.
const LEAST_WRITES: f64 = 4.0;

/// What `converge` is given.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many Services.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    services: usize,
    /// How many nodes are there from the beginning.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=127))]
    nodes: u8,
    /// How many nodes join when half of the Services have converged; each costs the groups that are there already one more write.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=127))]
    late_nodes: u8,
    /// How many changes of endpoints.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=50_000))]
    changes: u16,
}

/// Runs the command.
pub(crate) async fn run(binaries: &Binaries, options: Options) -> anyhow::Result<()> {
    let Options {
        services,
        nodes,
        late_nodes,
        changes,
    } = options;
    let (installation, _folder) = binaries.start().await?;
    let account = cloud::account(&installation);
    let cluster = installation.kube.cluster();
    objects::add_nodes(&cluster, &account, 1..=nodes)?;

    let begun = Instant::now();
    for number in 0..services {
        cluster.create(&objects::service(&format!("s{number}")))?;
    }
    if late_nodes > 0 {
        planner::converged(&installation.services, services / 2).await?;
        objects::add_nodes(&cluster, &account, nodes + 1..=nodes + late_nodes)?;
        planner::knows_nodes(&installation.services, usize::from(nodes + late_nodes)).await?;
    }
    planner::converged(&installation.services, services).await?;
    let short = cloud::filled(&installation, usize::from(nodes + late_nodes)).await;
    let took = begun.elapsed().as_secs_f64();
    let counters = installation.cloud.cloud().counters();
    let each = counters.writes as f64 / services.max(1) as f64;
    say(&format!(
        "{services} Services converged in {took:.1} s, {:.1} ms for each",
        took * 1e3 / services.max(1) as f64
    ));
    say(&format!(
        "{} writes ({each:.2} for each, {:.2} × the floor), {} reads of the cloud's API:",
        counters.writes,
        each / LEAST_WRITES,
        counters.reads
    ));
    actions(&counters.by_action);
    say(&format!(
        "  vServer groups with fewer than {} backends: {} (floor 0)",
        nodes + late_nodes,
        short
    ));
    memory(&installation.services)?;

    latency::measure(&installation, services, changes).await?;
    restart(installation, services + 1).await
}

/// A start against a cluster and a cloud that agree already.
async fn restart(installation: Installation, services: usize) -> anyhow::Result<()> {
    let (reads, last) = (
        installation.cloud.cloud().counters().reads,
        cloud::last_call(&installation),
    );
    let versions = versions(&installation);
    let begun = Instant::now();
    let installation = installation.restart().await?;
    planner::converged(&installation.services, services).await?;
    let took = begun.elapsed().as_secs_f64();
    let writes = cloud::writes_since(&installation, last);
    let changed = self::versions(&installation)
        .iter()
        .zip(&versions)
        .filter(|(now, then)| now != then)
        .count();
    say(&format!(
        "restart with everything right: {took:.1} s, {} writes of the cloud (floor 0), {} reads, {changed} Services written (floor 0)",
        writes.len(),
        installation.cloud.cloud().counters().reads - reads
    ));
    actions(&cloud::by_action(&installation.cloud.cloud().calls_since(last)));
    memory(&installation.services)?;
    installation.end().await
}

/// The resource version of each Service, by name.
fn versions(installation: &Installation) -> Vec<Value> {
    let services = installation.kube.cluster().list(&SERVICES, "");
    services
        .into_iter()
        .map(|service| service["metadata"]["resourceVersion"].clone())
        .collect()
}
