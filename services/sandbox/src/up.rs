//! `clb-sandbox up`: starts a [`World`], applies manifests, shows what happens.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clb_settings::from_yaml;
use clb_telemetry::{Component, LogSettings, OtlpSettings, Signals, SpanRecorder, Telemetry};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::apply::apply;
use crate::cli::Up;
use crate::manifests::{self, Contents, Manifest};
use crate::page::{self, Sources};
use crate::report::{Progress, table};
use crate::view::{PlannerView, converged};
use crate::world::{Options, World};

/// How often the planner is asked how far the Services are.
const POLL: Duration = Duration::from_millis(100);
/// How many manifests are applied at once.
const APPLY_CONCURRENCY: usize = 16;
/// Traces kept for the state page.
const TRACES: usize = 2_000;

/// Runs the command.
///
/// # Errors
/// What could not be read or started.
pub async fn run(options: Up) -> anyhow::Result<ExitCode> {
    let Up {
        manifests,
        once,
        wait,
        clusters,
        nodes,
        limits,
        quotas,
        empty,
        otlp,
        page,
        folder,
        log,
    } = options;
    // Before anything starts: a mistake in the last manifest must not leave the first ones applied.
    let Contents {
        manifests,
        passed_over,
    } = if empty {
        Contents::default()
    } else {
        manifests::read_all(&manifests)?
    };
    for note in passed_over {
        say(&note);
    }
    let recorder = SpanRecorder::new(TRACES);
    let log: LogSettings = from_yaml(&format!("{{format: pretty, level: {log:?}}}"))?;
    let otlp: OtlpSettings = match otlp {
        Some(url) => from_yaml(&format!("{{endpoint: {url:?}}}"))?,
        None => from_yaml("{}")?,
    };
    let version = env!("CARGO_PKG_VERSION");
    let telemetry = Telemetry::new(&log, &otlp, Component::new("clb-sandbox", version, "sandbox"))
        .with_component(Component::new("clb-watcher", version, "sandbox"))
        .with_component(Component::new("clb-planner", version, "sandbox").with_crate("clb_planner_core"))
        .with_component(Component::new("clb-actuator", version, "sandbox").with_crate("clb_cloud_client"))
        .with_recorder(recorder.clone())
        .install()?;

    let (folder, temporary) = match folder {
        Some(folder) => (folder, None),
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("clb-sandbox-")
                .tempdir()
                .context("making a folder")?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let world = World::start(Options {
        nodes: usize::from(nodes),
        limits,
        quotas: quotas || limits,
        ..Options::simulated(usize::from(clusters), folder)
    })
    .await?;
    let stop = CancellationToken::new();
    let sources = Sources {
        view: world.view.clone(),
        cloud: world.cloud.cloud().clone(),
        recorder,
    };
    let address = page::serve(page, sources, stop.clone()).await?;
    say(&format!("state page: http://{address}/"));

    let mut signals = Signals::register()?;
    let outcome = tokio::select! {
        outcome = show(&world, &manifests, once, Duration::from_secs(wait)) => outcome,
        _ = signals.received() => Ok(if once { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
    };
    stop.cancel();
    world.shutdown().await;
    telemetry.shutdown().await;
    drop(temporary);
    outcome
}

async fn show(world: &World, manifests: &[Manifest], once: bool, wait: Duration) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    apply_all(world, manifests).await?;
    let wanted = manifests
        .iter()
        .filter(|manifest| wants_load_balancer(manifest))
        .count()
        * world.clusters.len();
    let mut progress = Progress::default();
    let all = follow(&world.view, &mut progress, started, wanted, wait).await?;
    let services = world
        .view
        .services()
        .await
        .context("asking the planner for its Services")?;
    say(&table(&services, &world.calls_by_load_balancer()));
    let counters = world.cloud.cloud().counters();
    let done = services.values().filter(|service| converged(service)).count();
    say(&format!(
        "{done} of {wanted} Services converged in {:.2} s, {} writes and {} reads of the cloud's API",
        started.elapsed().as_secs_f64(),
        counters.writes,
        counters.reads
    ));
    if once {
        return Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    for cluster in &world.clusters {
        say(&format!(
            "kubectl --kubeconfig {} get services -A",
            cluster.kubeconfig.display()
        ));
    }
    say(&world.services.clbctl());
    say("Ctrl-C ends it");
    follow(&world.view, &mut progress, started, usize::MAX, Duration::MAX).await?;
    Ok(ExitCode::SUCCESS)
}

fn wants_load_balancer(manifest: &Manifest) -> bool {
    manifest.kind.kind == "Service"
        && manifest
            .object
            .pointer("/spec/type")
            .and_then(|value| value.as_str())
            == Some("LoadBalancer")
}

async fn apply_all(world: &World, manifests: &[Manifest]) -> anyhow::Result<()> {
    for cluster in &world.clusters {
        // Namespaces and Nodes first: what is in them may follow in any order.
        let (first, then): (Vec<_>, Vec<_>) =
            manifests.iter().partition(|manifest| !manifest.kind.namespaced);
        for group in [first, then] {
            stream::iter(group)
                .map(|manifest| apply(&cluster.client, manifest))
                .buffer_unordered(APPLY_CONCURRENCY)
                .try_collect::<Vec<()>>()
                .await?;
        }
    }
    Ok(())
}

/// Prints what happens until `wanted` Services have converged, or `wait` is over; says whether they have.
async fn follow(
    view: &PlannerView,
    progress: &mut Progress,
    started: Instant,
    wanted: usize,
    wait: Duration,
) -> anyhow::Result<bool> {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    loop {
        ticks.tick().await;
        let services = view
            .services()
            .await
            .context("asking the planner for its Services")?;
        for line in progress.lines(&services, started.elapsed()) {
            say(&line);
        }
        if services.values().filter(|service| converged(service)).count() >= wanted {
            return Ok(true);
        }
        if begun.elapsed() > wait {
            return Ok(false);
        }
    }
}

/// The command's own output, with colours on a terminal only; logs go to stderr.
fn say(line: &str) {
    anstream::println!("{line}");
}
