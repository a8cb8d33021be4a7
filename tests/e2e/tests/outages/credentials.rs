//! The actuator's key is not known to the cloud.

use clb_e2e::{Api, Logs, Sketch, Stage, assert_check, events_of, our_load_balancers};
use clb_sandbox::world::Keys;
use cloud_sim::{AccessKey, DEFAULT_ACCOUNT, Outcome};

const CHECK: &str = "cloud/cn-hangzhou";

async fn wrong_credentials(api: Api) -> anyhow::Result<()> {
    let logs = Logs::of_this_thread();
    let keys = Keys {
        id: "LTAI-not-known-yet".to_owned(),
        secret: "not-known-yet".to_owned(),
    };
    let Some(stage) = Stage::start_with(api, |options| options.keys = keys.clone()).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    Sketch::new("web").tcp(80).apply(&client).await?;
    let Some(actuator) = &stage.world.services.actuator else {
        anyhow::bail!("the actuator runs");
    };
    stage
        .until("the actuator shows it and has tried some times", async || {
            let refused = stage
                .world
                .cloud
                .cloud()
                .calls()
                .iter()
                .filter(|call| matches!(call.outcome, Outcome::Error { .. }))
                .count();
            Ok(refused >= 8 && actuator.health.report().contains("InvalidAccessKeyId"))
        })
        .await?;
    assert_check(actuator, CHECK, false);
    assert!(actuator.health.is_ready(), "the planner may go on asking");
    let shown = actuator.health.report() + &actuator.metrics.render()?;
    assert!(
        !shown.contains(&keys.id) && !shown.contains(&keys.secret),
        "{shown}"
    );

    stage
        .world
        .cloud
        .cloud()
        .add_access_key(AccessKey::new(&keys.id, &keys.secret, DEFAULT_ACCOUNT));
    stage.converged(1).await?;
    assert_check(actuator, CHECK, true);
    assert_eq!(
        logs.check("actuator", CHECK),
        (1, 1),
        "said once, and once when it was over"
    );
    assert_eq!(logs.repeated_warnings(), [].into());
    assert_eq!(our_load_balancers(&stage).len(), 1);
    let events = events_of(&stage, "web").await?;
    let warnings = events.iter().filter(|(severity, _, _)| severity == "Warning");
    assert!(warnings.count() <= 1, "{events:#?}");
    stage.end().await;
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_on_kube_sim() -> anyhow::Result<()> {
    wrong_credentials(Api::Simulated).await
}

#[tokio::test]
async fn wrong_credentials_on_a_real_api() -> anyhow::Result<()> {
    wrong_credentials(Api::Real).await
}
