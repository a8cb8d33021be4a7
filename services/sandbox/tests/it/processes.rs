//! The three binaries, each a process with its configuration file, between a simulated cluster and a simulated cloud.

use std::path::Path;
use std::time::Duration;

use clb_processes::Installation;
use cloud_sim::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_ACCOUNT};
use kube_sim::resources::SERVICES;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(installation: &Installation, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "not so: {what}\n{}",
            installation.services.written()
        );
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Our CLBs: those that are not the lab user's own.
fn load_balancers(installation: &Installation) -> usize {
    let account = installation.cloud.cloud().account(DEFAULT_ACCOUNT);
    account
        .load_balancer_ids()
        .iter()
        .filter(|id| !id.starts_with("lb-reuse-"))
        .count()
}

fn web() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_comes_and_goes_through_three_processes() -> anyhow::Result<()> {
    clb_tls::install_provider();
    let folder = tempfile::tempdir()?;
    let installation =
        Installation::start(Path::new(env!("CARGO_BIN_EXE_clb-sandbox")), folder.path()).await?;
    let cluster = installation.kube.cluster();
    let service = || cluster.get(&SERVICES, "default", "web");
    cluster.create(&web())?;
    let address = || service().and_then(|web| web.pointer("/status/loadBalancer/ingress/0/ip").cloned());
    until(&installation, "the Service has an address", || {
        address().is_some()
    })
    .await?;
    assert_eq!(load_balancers(&installation), 1);

    let installation = installation.restart().await?;
    cluster.delete(&SERVICES, "default", "web")?;
    until(&installation, "the Service is gone", || service().is_none()).await?;
    assert_eq!(load_balancers(&installation), 0);

    let written = installation.services.written();
    for secret in [DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET] {
        assert!(!written.contains(secret), "{written}");
    }
    installation.end().await
}
