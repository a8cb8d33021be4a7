//! The planner is away for the watcher, the actuator for the planner.

use clb_e2e::{
    Api, Logs, Sketch, Stage, assert_check, assert_settled, listener, load_balancer_of, our_load_balancers,
    service_api, uid_of,
};
use clb_sandbox::world::Component;
use kube::api::DeleteParams;

/// Three Services that are there before the outage; during it one changes, one goes, one comes.
struct Changes {
    kept: String,
    changed: String,
}

impl Changes {
    async fn before(stage: &Stage) -> anyhow::Result<Self> {
        let client = &stage.world.clusters[0].client;
        let mut uids = Vec::new();
        for name in ["kept", "changed", "going"] {
            uids.push(uid_of(&Sketch::new(name).tcp(80).apply(client).await?));
        }
        stage.converged(3).await?;
        let [kept, changed, _] = <[String; 3]>::try_from(uids).unwrap_or_default();
        Ok(Self { kept, changed })
    }

    async fn during(stage: &Stage) -> anyhow::Result<()> {
        let client = &stage.world.clusters[0].client;
        Sketch::new("changed")
            .tcp(80)
            .annotated("scheduler", "wrr")
            .apply(client)
            .await?;
        service_api(stage)
            .delete("going", &DeleteParams::default())
            .await?;
        Sketch::new("coming").tcp(80).apply(client).await?;
        Ok(())
    }

    async fn after(self, stage: &mut Stage) -> anyhow::Result<()> {
        stage
            .until("what changed meanwhile is done", async || {
                let changed = load_balancer_of(stage, &self.changed);
                Ok(
                    listener(&changed, "tcp/80")["Scheduler"] == "wrr"
                        && our_load_balancers(stage).len() == 3,
                )
            })
            .await?;
        stage.converged(3).await?;
        assert_eq!(
            listener(&load_balancer_of(stage, &self.kept), "tcp/80")["Scheduler"],
            "rr"
        );
        assert_settled(stage).await
    }
}

async fn fails(stage: &Stage, component: &Component, check: &str) -> anyhow::Result<()> {
    let line = format!("[-]{check} failed: ");
    stage
        .until(&format!("{} shows {line}", component.name), async || {
            let report = component.health.report();
            Ok(report.contains(&line) && !report.contains(&format!("{line}no result yet")))
        })
        .await?;
    assert_check(component, check, false);
    assert!(component.health.is_ready(), "{}", component.health.report());
    Ok(())
}

async fn planner_away(api: Api) -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let changes = Changes::before(&stage).await?;
    if let Some(planner) = stage.world.services.planner.take() {
        planner.stop().await;
    }
    Changes::during(&stage).await?;
    if let Some(watcher) = &stage.world.services.watchers[0] {
        fails(&stage, watcher, "planner").await?;
        // It keeps trying.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    assert_eq!(logs.check("watcher", "planner"), (1, 0), "said once");

    stage.world.services.start_planner().await?;
    stage
        .until("the planner knows the Services", async || {
            Ok(stage.world.view.services().await?.len() == 3)
        })
        .await?;
    if let Some(watcher) = &stage.world.services.watchers[0] {
        assert_check(watcher, "planner", true);
    }
    assert_eq!(
        logs.check("watcher", "planner"),
        (1, 1),
        "and once when it was over"
    );
    assert_eq!(logs.repeated_warnings(), [].into());
    changes.after(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn planner_away_on_kube_sim() -> anyhow::Result<()> {
    planner_away(Api::Simulated).await
}

#[tokio::test]
async fn planner_away_on_a_real_api() -> anyhow::Result<()> {
    planner_away(Api::Real).await
}

async fn actuator_away(api: Api) -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let changes = Changes::before(&stage).await?;
    if let Some(actuator) = stage.world.services.actuator.take() {
        actuator.stop().await;
    }
    Changes::during(&stage).await?;
    if let Some(planner) = &stage.world.services.planner {
        fails(&stage, planner, "actuator").await?;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
    assert_eq!(logs.check("planner", "actuator"), (1, 0), "said once");

    stage.world.services.start_actuator().await?;
    stage
        .until("the planner has found the actuator", async || {
            Ok(logs.check("planner", "actuator") == (1, 1))
        })
        .await?;
    if let Some(planner) = &stage.world.services.planner {
        assert_check(planner, "actuator", true);
    }
    assert_eq!(logs.repeated_warnings(), [].into());
    changes.after(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn actuator_away_on_kube_sim() -> anyhow::Result<()> {
    actuator_away(Api::Simulated).await
}

#[tokio::test]
async fn actuator_away_on_a_real_api() -> anyhow::Result<()> {
    actuator_away(Api::Real).await
}
