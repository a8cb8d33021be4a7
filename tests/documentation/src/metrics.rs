//! `docs/metrics.md`: every metric of the three services, as they register them when they start.

use std::fmt::Write as _;

use clb_actuator::Actuator;
use clb_cloud_client::FixedCredentials;
use clb_planner::Planner;
use clb_settings::from_yaml;
use clb_telemetry::{DeclaredMetric, Health, Metrics};
use clb_tls::Security;
use clb_watcher::{Environment, run};
use tokio_util::sync::CancellationToken;

const HEADER: &str = "# Metrics\n\n\
    What `/metrics` on each service's admin port shows, for Prometheus. This page is made from what the services register when they \
    start; do not edit it. [deploy/alerts](../deploy/alerts) has rules on them.\n\n\
    A metric with labels appears with its first value. A histogram has `_bucket`, `_sum` and `_count`.\n";

/// The metrics of one service.
#[derive(Debug)]
pub struct ServiceMetrics {
    /// Its name, as `clb-planner`.
    pub service: &'static str,
    /// Ordered by name.
    pub metrics: Vec<DeclaredMetric>,
}

/// Starts each service far enough to have all its metrics, and stops it.
///
/// # Errors
/// What keeps a service from starting.
pub async fn declared() -> anyhow::Result<Vec<ServiceMetrics>> {
    clb_tls::install_provider();
    Ok(vec![
        ServiceMetrics {
            service: "clb-watcher",
            metrics: watcher().await?,
        },
        ServiceMetrics {
            service: clb_planner::NAME,
            metrics: planner().await?,
        },
        ServiceMetrics {
            service: clb_actuator::NAME,
            metrics: actuator().await?,
        },
    ])
}

/// The page.
#[must_use]
pub fn page(services: &[ServiceMetrics]) -> String {
    let mut page = HEADER.to_owned();
    for service in services {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "\n## {}\n\n| metric | type | labels | meaning |\n|---|---|---|---|",
            service.service
        );
        for metric in &service.metrics {
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                metric.name,
                metric.kind.as_str(),
                labels.join(", "),
                metric.help
            );
        }
    }
    page
}

/// Metrics and checks, as each service's `main` makes them.
fn telemetry(service: &str) -> anyhow::Result<(Metrics, Health)> {
    let metrics = Metrics::new(service);
    let health = Health::new(&metrics)?;
    Ok((metrics, health))
}

async fn watcher() -> anyhow::Result<Vec<DeclaredMetric>> {
    let (metrics, health) = telemetry("watcher")?;
    let environment = Environment {
        // Nothing listens there, and nothing is called: the watcher is told to stop before it begins.
        kubernetes: kube::Config::new("http://127.0.0.1:9".parse()?),
        security: Security::Insecure,
        metrics: metrics.clone(),
        health,
    };
    let settings = from_yaml("{cluster_id: c-1, planner: '127.0.0.1:7443', insecure: true}")?;
    let stop = CancellationToken::new();
    stop.cancel();
    run(&settings, environment, stop).await?;
    Ok(metrics.declared())
}

async fn planner() -> anyhow::Result<Vec<DeclaredMetric>> {
    let (metrics, health) = telemetry("planner")?;
    let settings = from_yaml(
        "{listen: '127.0.0.1:0', admin: {listen: '127.0.0.1:0'}, insecure: true, clusters: [{id: c-1, region: r, vpc_id: vpc-1}]}",
    )?;
    Planner::bind(settings, Security::Insecure, metrics.clone(), health).await?;
    Ok(metrics.declared())
}

async fn actuator() -> anyhow::Result<Vec<DeclaredMetric>> {
    let (metrics, health) = telemetry("actuator")?;
    let settings = from_yaml(
        "{listen: '127.0.0.1:0', admin: {listen: '127.0.0.1:0'}, insecure: true, clusters: [{id: c-1, region: r, vpc_ids: [vpc-1]}]}",
    )?;
    let credentials = std::sync::Arc::new(FixedCredentials::new("none", "none"));
    Actuator::bind(settings, credentials, Security::Insecure, metrics.clone(), health).await?;
    Ok(metrics.declared())
}
