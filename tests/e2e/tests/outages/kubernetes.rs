//! The Kubernetes API is away. Only kube-sim can be told to be.

use clb_e2e::{Api, Logs, Sketch, Stage, assert_check, assert_settled, load_balancer_of, text};
use serde_json::Value;

const CHECK: &str = "kubernetes";

/// Makes a Service without the API's help.
fn create(stage: &Stage, name: &str) -> anyhow::Result<String> {
    let Some(sim) = &stage.world.clusters[0].sim else {
        anyhow::bail!("the cluster is simulated");
    };
    let object = sim.cluster().create(Sketch::new(name).tcp(80).object())?;
    Ok(text(&object["metadata"], "uid").to_owned())
}

fn set_unreachable(stage: &Stage, unreachable: bool) {
    if let Some(sim) = &stage.world.clusters[0].sim {
        sim.faults().set_unreachable(unreachable);
    }
}

async fn shows(stage: &Stage, mark: &str) -> anyhow::Result<()> {
    stage
        .until(&format!("the watcher shows {mark}"), async || {
            let watcher = stage.world.services.watchers[0].as_ref();
            Ok(watcher.is_some_and(|watcher| watcher.health.report().contains(mark)))
        })
        .await
}

#[tokio::test]
async fn a_running_watcher_loses_the_api() -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let Some(mut stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    create(&stage, "before")?;
    stage.converged(1).await?;

    set_unreachable(&stage, true);
    shows(&stage, "[-]kubernetes failed").await?;
    if let Some(watcher) = &stage.world.services.watchers[0] {
        assert_check(watcher, CHECK, false);
        assert!(watcher.health.is_ready());
    }
    let uid = create(&stage, "meanwhile")?;
    let writes = stage.writes();
    set_unreachable(&stage, false);
    stage.converged(2).await?;
    assert_eq!(
        load_balancer_of(&stage, &uid)["LoadBalancerStatus"],
        Value::from("active")
    );
    assert!(stage.writes() > writes);
    shows(&stage, "[+]kubernetes ok").await?;
    if let Some(watcher) = &stage.world.services.watchers[0] {
        assert_check(watcher, CHECK, true);
    }
    assert_eq!(
        logs.check("watcher", CHECK),
        (1, 1),
        "said once, and once when it was over"
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn a_watcher_starts_before_its_api() -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let Some(mut stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    create(&stage, "web")?;
    stage.converged(1).await?;
    if let Some(watcher) = stage.world.services.watchers[0].take() {
        watcher.stop().await;
    }
    set_unreachable(&stage, true);
    stage.world.services.start_watcher(0).await?;
    shows(&stage, "[-]kubernetes failed: ").await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    set_unreachable(&stage, false);
    stage.converged(1).await?;
    shows(&stage, "[+]kubernetes ok").await?;
    assert_eq!(
        logs.check("watcher", CHECK),
        (1, 1),
        "said once, and once when it was over"
    );
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}
