//! The memory of each service, by the number of Services.

use clap::Args;
use clb_processes::Services;

use crate::print::{mebibytes, say};
use crate::{Binaries, cloud, objects, planner};

/// What `memory` is given.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many Services, one installation after the other.
    #[arg(
        long,
        value_name = "N,N…",
        value_delimiter = ',',
        default_value = "0,250,500,1000,2000"
    )]
    services: Vec<usize>,
    /// How many nodes.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=250))]
    nodes: u8,
}

/// Runs the command.
pub(crate) async fn run(binaries: &Binaries, options: Options) -> anyhow::Result<()> {
    say(
        "the most memory that each has had, in MiB (VmHWM); in brackets, KiB for each Service above the first line",
    );
    say("Services          clb-watcher          clb-planner         clb-actuator");
    let mut first = None;
    for services in options.services {
        let (installation, _folder) = binaries.start().await?;
        let cluster = installation.kube.cluster();
        objects::add_nodes(&cluster, &cloud::account(&installation), 1..=options.nodes)?;
        planner::knows_nodes(&installation.services, usize::from(options.nodes)).await?;
        for number in 0..services {
            cluster.create(&objects::service(&format!("s{number}")))?;
        }
        planner::converged(&installation.services, services).await?;
        let now = each(&installation.services)?;
        let (least, before) = *first.get_or_insert((services, now));
        let cells = now.iter().zip(before).map(|(now, before)| {
            let above = services.saturating_sub(least);
            let slope = if above == 0 {
                String::new()
            } else {
                format!("({:.1})", (now - before) * 1024.0 / above as f64)
            };
            format!("{now:>11.1} {slope:>9}")
        });
        say(&format!("{services:>8}{}", cells.collect::<Vec<_>>().concat()));
        installation.end().await?;
    }
    Ok(())
}

fn each(services: &Services) -> anyhow::Result<[f64; 3]> {
    Ok([
        mebibytes(&services.watcher)?,
        mebibytes(&services.planner)?,
        mebibytes(&services.actuator)?,
    ])
}
