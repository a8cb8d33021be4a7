//! What holds a Service up at a user's CLB is put right in the console: the Service goes on soon, long before the next audit.

use std::time::Duration;

use clb_e2e::{Api, Stage, events_of};
use clb_sandbox::apply::apply;
use serde_json::{Value, json};

use crate::lab::{self, account, service, told};

const USERS: &str = "lb-reuse-05";
/// As long as a look at a CLB counts, and a little more.
const NO_LONGER_RECENT: Duration = Duration::from_millis(3500);

/// Makes a listener in the console that carries another Service's mark.
fn make_foreign_listener(stage: &Stage, port: &str) -> anyhow::Result<()> {
    let parameters = [
        ("LoadBalancerId", USERS),
        ("ListenerPort", port),
        ("Bandwidth", "-1"),
        ("VServerGroupId", "rsp-user-05"),
        ("Description", "k8s/85/other/ns/elsewhere"),
    ];
    account(stage)
        .call("CreateLoadBalancerTCPListener", &parameters)
        .map(drop)
        .map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn delete_listener(stage: &Stage, port: &str) -> anyhow::Result<()> {
    let parameters = [("LoadBalancerId", USERS), ("ListenerPort", port)];
    account(stage)
        .call("DeleteLoadBalancerListener", &parameters)
        .map(drop)
        .map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn wanting(name: &str, port: &str) -> clb_sandbox::manifests::Manifest {
    service(
        name,
        &[port],
        &[("id", USERS), ("force-override-listeners", "true")],
    )
}

async fn a_listener_that_is_deleted_in_the_console(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    make_foreign_listener(&stage, "85")?;
    make_foreign_listener(&stage, "86")?;
    apply(&client, &wanting("web", "85/TCP")).await?;
    told(
        &stage,
        "web",
        &["tcp:85", "Service ns/other of cluster elsewhere"],
    )
    .await?;
    delete_listener(&stage, "85")?;
    let mark = |name: &str, port: &str| json!(format!("k8s/{port}/{name}/default/sandbox-1"));
    lab::shows(
        &stage,
        USERS,
        &[("/listeners/tcp~185/Description", mark("web", "85"))],
    )
    .await?;

    // One that went before the Service came, though the mirror still shows it: nobody is told of it.
    tokio::time::sleep(NO_LONGER_RECENT).await;
    delete_listener(&stage, "86")?;
    apply(&client, &wanting("later", "86/TCP")).await?;
    lab::shows(
        &stage,
        USERS,
        &[("/listeners/tcp~186/Description", mark("later", "86"))],
    )
    .await?;
    stage.converged(2).await?;
    let events = events_of(&stage, "later").await?;
    assert!(
        events
            .iter()
            .all(|(_, _, message)| !message.contains("belongs to")),
        "{events:?}"
    );
    stage.end().await;
    Ok(())
}

async fn a_clb_that_is_made_after_the_service_names_it(api: Api) -> anyhow::Result<()> {
    let Some(stage) = lab::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let mut made = account(&stage).load_balancer(USERS).unwrap_or(Value::Null);
    for part in ["listeners", "vgroups"] {
        made[part] = json!({});
    }
    made["Address"] = json!("47.110.0.99");
    apply(&client, &service("web", &["80/TCP"], &[("id", "lb-later")])).await?;
    told(&stage, "web", &["lb-later"]).await?;
    let document = json!({ "load_balancers": { "lb-later": made } });
    account(&stage).load_state(&document, &[])?;
    stage.converged(1).await?;
    let used = account(&stage).load_balancer("lb-later").unwrap_or_default();
    assert_eq!(used["tags"]["kubernetes.reused.by.user"], "true", "{used:#}");
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_deleted_in_the_console_on_kube_sim() -> anyhow::Result<()> {
    a_listener_that_is_deleted_in_the_console(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_deleted_in_the_console_on_a_real_api() -> anyhow::Result<()> {
    a_listener_that_is_deleted_in_the_console(Api::Real).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_made_after_the_service_names_it_on_kube_sim() -> anyhow::Result<()> {
    a_clb_that_is_made_after_the_service_names_it(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clb_that_is_made_after_the_service_names_it_on_a_real_api() -> anyhow::Result<()> {
    a_clb_that_is_made_after_the_service_names_it(Api::Real).await
}
