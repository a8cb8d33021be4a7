//! Annotations that change after the CLB was made.

use clb_e2e::{Api, Sketch, Stage, assert_settled, listener, load_balancer_of, uid_of};
use serde_json::{Value, json};

/// Waits until the CLB of a Service is as `wanted` says, whose texts are JSON pointers and values.
async fn shows(stage: &Stage, uid: &str, wanted: &[(&str, Value)]) -> anyhow::Result<()> {
    stage
        .until(&format!("the CLB shows {wanted:?}"), async || {
            let load_balancer = load_balancer_of(stage, uid);
            Ok(wanted
                .iter()
                .all(|(pointer, value)| load_balancer.pointer(pointer) == Some(value)))
        })
        .await
}

/// Name, protections and tags of the instance, and the scheduler of its listener: each is changed when its annotation changes, and stays
/// when the annotation goes.
async fn annotations_follow(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let bare = Sketch::new("web").tcp(80);
    let uid = uid_of(&bare.apply(&client).await?);
    stage.converged(1).await?;
    let first = load_balancer_of(&stage, &uid);
    assert_eq!(first["DeleteProtection"], "on");
    assert_eq!(first["ModificationProtectionStatus"], "ConsoleProtection");

    bare.clone()
        .annotated("name", "front-door")
        .annotated("delete-protection", "off")
        .annotated("modification-protection", "NonProtection")
        .annotated("additional-resource-tags", "team=shop,stage=test")
        .annotated("scheduler", "wrr")
        .apply(&client)
        .await?;
    let changed = [
        ("/LoadBalancerName", json!("front-door")),
        ("/DeleteProtection", json!("off")),
        ("/ModificationProtectionStatus", json!("NonProtection")),
        ("/tags/team", json!("shop")),
        ("/tags/stage", json!("test")),
        ("/listeners/tcp~180/Scheduler", json!("wrr")),
    ];
    shows(&stage, &uid, &changed).await?;
    assert_settled(&mut stage).await?;

    bare.clone()
        .annotated("additional-resource-tags", "team=shop")
        .apply(&client)
        .await?;
    shows(&stage, &uid, &changed[..4]).await?;
    stage
        .until("the tag that is no longer named is gone", async || {
            Ok(load_balancer_of(&stage, &uid)["tags"]["stage"].is_null())
        })
        .await?;

    // Without annotations everything stays as it was.
    bare.apply(&client).await?;
    assert_settled(&mut stage).await?;
    let last = load_balancer_of(&stage, &uid);
    assert_eq!(last["LoadBalancerName"], "front-door");
    assert_eq!(last["tags"]["team"], "shop");
    assert_eq!(listener(&last, "tcp/80")["Scheduler"], "wrr");
    assert_eq!(last["Address"], first["Address"]);
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_follow_on_kube_sim() -> anyhow::Result<()> {
    annotations_follow(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_follow_on_a_real_api() -> anyhow::Result<()> {
    annotations_follow(Api::Real).await
}

/// Specification and bandwidth of a CLB that is paid by them.
async fn sizes_follow(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let bare = Sketch::new("web")
        .tcp(80)
        .annotated("charge-type", "paybybandwidth");
    let small = bare
        .clone()
        .annotated("bandwidth", "20")
        .annotated("spec", "slb.s1.small");
    let uid = uid_of(&small.apply(&client).await?);
    stage.converged(1).await?;
    shows(
        &stage,
        &uid,
        &[
            ("/Bandwidth", json!(20)),
            ("/LoadBalancerSpec", json!("slb.s1.small")),
        ],
    )
    .await?;

    bare.annotated("bandwidth", "50")
        .annotated("spec", "slb.s2.small")
        .apply(&client)
        .await?;
    shows(
        &stage,
        &uid,
        &[
            ("/Bandwidth", json!(50)),
            ("/LoadBalancerSpec", json!("slb.s2.small")),
        ],
    )
    .await?;
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_follow_on_kube_sim() -> anyhow::Result<()> {
    sizes_follow(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_follow_on_a_real_api() -> anyhow::Result<()> {
    sizes_follow(Api::Real).await
}
