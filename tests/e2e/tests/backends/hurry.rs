//! Changes that come faster than the cloud can follow.

use std::time::Duration;

use clb_e2e::Api;
use serde_json::json;
use tokio::time::sleep;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, pods};
use crate::troubles::{Trouble, never_empty};

on_both_apis!(
    modes_change_faster_than_the_cloud,
    pods_come_and_go_faster_than_the_cloud,
);

fn slow(lab: &Lab) {
    lab.stage
        .world
        .cloud
        .cloud()
        .change_circumstances(|circumstances| circumstances.write_time = Duration::from_millis(150));
}

/// The mode changes while the change before is under way, at another moment each time, and the planner starts anew in between: there is a
/// backend at every moment, and in the end only what the last mode asks for.
async fn modes_change_faster_than_the_cloud(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let all = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
    lab.slice("web", &all).await?;
    let cluster = by_hand("web").tcp(80);
    let local = cluster.clone().spec("externalTrafficPolicy", json!("Local"));
    let modes = [eni("web").tcp(80), local, cluster.clone()];
    let uid = lab.apply(&cluster).await?;
    let nodes = ["i-n1=100", "i-n2=100", "i-n3=100"];
    lab.backends_are(&uid, &nodes).await?;
    let since = lab.now();
    slow(&lab);
    for round in 0..15_u32 {
        lab.apply(&modes[round as usize % modes.len()]).await?;
        sleep(Duration::from_millis(u64::from(500 + 130 * (round % 7)))).await;
        if round % 4 == 3 {
            Trouble::PlannerRestarts.strike(&mut lab).await?;
        }
    }
    lab.backends_are(&uid, &nodes).await?;
    lab.stage
        .until("one group is left", async || {
            let load_balancer = clb_e2e::load_balancer_of(&lab.stage, &uid);
            Ok(clb_e2e::vgroup_names(&load_balancer).len() == 1)
        })
        .await?;
    lab.backends_are(&uid, &nodes).await?;
    never_empty(&lab, &uid, since, Trouble::SlowCloud);
    lab.stage.end().await;
    Ok(())
}

/// Pods come, go and come back while calls are under way. One pod stays: it is a backend at every moment.
async fn pods_come_and_go_faster_than_the_cloud(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..3)).await?;
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &pods(0..3), 8080).await?;
    let since = lab.now();
    slow(&lab);
    for count in [100, 3, 60, 1, 100, 2, 45, 5] {
        lab.slice("web", &pods(0..count)).await?;
        sleep(Duration::from_millis(u64::from(200 + count * 3))).await;
    }
    lab.pods_are(&uid, &pods(0..5), 8080).await?;
    lab.stage.converged(1).await?;
    lab.pods_are(&uid, &pods(0..5), 8080).await?;
    let stays = pod(0).address.to_string();
    let load_balancer = clb_e2e::load_balancer_of(&lab.stage, &uid);
    let id = clb_e2e::text(&load_balancer, "LoadBalancerId");
    let calls = lab.stage.world.cloud.cloud().calls();
    assert_eq!(
        crate::moments::fewest(&calls, id, since, |server, _| server == stays),
        1
    );
    lab.stage.end().await;
    Ok(())
}
