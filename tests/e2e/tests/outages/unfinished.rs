//! The planner is restarted while the actuator still has its batches, and Services go meanwhile: none leaves a CLB behind.

use std::time::Duration;

use clb_e2e::{Api, Sketch, Stage, assert_settled, our_load_balancers, service_api};
use cloud_sim::{Fault, FaultKind};
use kube::api::DeleteParams;

/// Longer than it takes to restart the planner.
const WINDOW: Duration = Duration::from_secs(20);

/// The Service is deleted while there is no planner, and gone once there is one again.
async fn delete_without_planner(stage: &mut Stage, name: &str) -> anyhow::Result<()> {
    if let Some(planner) = stage.world.services.planner.take() {
        planner.stop().await;
    }
    let services = service_api(stage);
    services.delete(name, &DeleteParams::default()).await?;
    stage.world.services.start_planner().await?;
    stage
        .until(&format!("Service {name} is gone"), async || {
            Ok(services.get_opt(name).await?.is_none())
        })
        .await?;
    stage
        .until("the planner knows that it is gone", async || {
            let known = stage.world.view.services().await?;
            Ok(known.keys().all(|service| service.name != name))
        })
        .await
}

/// One creation in any window.
async fn limit_creations(stage: &mut Stage) -> anyhow::Result<()> {
    stage.world.services.change_actuator(|settings| {
        if let Some(mut limit) = settings.limits.first().cloned() {
            limit.action = "CreateLoadBalancer".to_owned();
            limit.calls = 1;
            limit.window = WINDOW;
            settings.limits.push(limit);
        }
    });
    if let Some(actuator) = stage.world.services.actuator.take() {
        actuator.stop().await;
    }
    stage.world.services.start_actuator().await
}

#[tokio::test]
async fn a_creation_that_waits_for_a_limit_is_not_sent_after_its_service_has_gone() -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    limit_creations(&mut stage).await?;
    let client = stage.world.clusters[0].client.clone();
    Sketch::new("first").tcp(80).apply(&client).await?;
    stage.converged(1).await?;
    Sketch::new("waiting").tcp(80).apply(&client).await?;
    stage
        .until("its creation is under way", async || {
            Ok(stage.service("waiting").await?.message == "making the CLB")
        })
        .await?;
    delete_without_planner(&mut stage, "waiting").await?;

    // By the time that this one has its turn, those that waited before have had theirs.
    Sketch::new("next").tcp(80).apply(&client).await?;
    stage.converged(2).await?;
    assert_eq!(our_load_balancers(&stage).len(), 2);
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn a_creation_that_is_never_answered_is_cleaned_up_with_its_service() -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(Api::Simulated).await? else {
        return Ok(());
    };
    let reset = Fault::next(FaultKind::ResetAfter)
        .of("CreateLoadBalancer")
        .always();
    stage.world.cloud.cloud().order_fault(reset);
    Sketch::new("web")
        .tcp(80)
        .apply(&stage.world.clusters[0].client)
        .await?;
    stage
        .until("the cloud has made it", async || {
            Ok(our_load_balancers(&stage).len() == 1)
        })
        .await?;
    delete_without_planner(&mut stage, "web").await?;
    stage.world.cloud.cloud().clear_faults();
    assert_eq!(our_load_balancers(&stage), Vec::<String>::new());
    assert_settled(&mut stage).await?;
    assert_eq!(our_load_balancers(&stage), Vec::<String>::new());
    stage.end().await;
    Ok(())
}
