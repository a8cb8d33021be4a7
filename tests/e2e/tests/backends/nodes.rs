//! Nodes that flap, leave and are deleted: KEP-3458.

use clb_e2e::{Api, remove_node};
use serde_json::json;

use crate::lab::{Lab, by_hand, on_both_apis, pod};

on_both_apis!(
    a_short_flap_changes_nothing,
    a_node_that_stays_not_ready_goes_after_its_grace,
    a_node_that_is_about_to_go_is_removed,
    a_node_that_is_about_to_go_is_drained_where_configured,
);

const ALL: [&str; 3] = ["i-n1=100", "i-n2=100", "i-n3=100"];

fn leaving(effect: &str) -> serde_json::Value {
    json!({"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": effect}]}})
}

/// A node is not Ready for less than its grace time: nothing is written. Another Service, made meanwhile, does not get it.
async fn a_short_flap_changes_nothing(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &ALL).await?;
    lab.stage.converged(1).await?;
    let before = lab.now();
    lab.node_is_ready("n2", false).await?;
    // It goes through once a Service that comes later, and whose listener checks, is made without the node.
    lab.stage
        .until("the planner knows that n2 is not Ready", async || {
            let name = format!("probe-{}", lab.now());
            let probe = lab.apply(&by_hand(&name).tcp(80)).await?;
            lab.stage
                .until("the probe has backends", async || {
                    Ok(lab.backends(&probe).is_some_and(|backends| !backends.is_empty()))
                })
                .await?;
            Ok(lab
                .backends(&probe)
                .is_some_and(|backends| backends == ["i-n1=100", "i-n3=100"]))
        })
        .await?;
    lab.node_is_ready("n2", true).await?;
    let after = lab.apply(&by_hand("after").tcp(80)).await?;
    lab.backends_are(&after, &ALL).await?;
    let touched = lab.writes_on(&uid, before);
    assert_eq!(
        touched,
        Vec::<String>::new(),
        "nothing is written for the Service that was there"
    );
    lab.stage.end().await;
    Ok(())
}

/// After its grace time it goes, and comes back when it is Ready again.
async fn a_node_that_stays_not_ready_goes_after_its_grace(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| {
        options.cluster_settings = "node_grace: 2s".to_owned()
    })
    .await?
    else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &ALL).await?;
    lab.node_is_ready("n2", false).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    lab.node_is_ready("n2", true).await?;
    lab.backends_are(&uid, &ALL).await?;
    lab.stage.end().await;
    Ok(())
}

/// The cluster autoscaler's taint takes a node out; its deletion finds nothing left to do.
async fn a_node_that_is_about_to_go_is_removed(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &ALL).await?;
    lab.node("n2", &leaving("NoSchedule")).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    let before = lab.now();
    remove_node(&lab.stage, 2).await?;
    remove_node(&lab.stage, 3).await?;
    lab.backends_are(&uid, &["i-n1=100"]).await?;
    assert_eq!(lab.calls(before, "RemoveVServerGroup").len(), 1);
    lab.stage.end().await;
    Ok(())
}

/// Where the settings ask for it, a node that is about to go gets weight 0 until it is gone.
async fn a_node_that_is_about_to_go_is_drained_where_configured(api: Api) -> anyhow::Result<()> {
    let drained = |options: &mut clb_sandbox::world::Options| {
        options.cluster_settings = "drain_leaving_nodes: true".to_owned();
    };
    let Some(lab) = Lab::start_with(api, drained).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &ALL).await?;
    lab.node("n2", &leaving("NoSchedule")).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n2=0", "i-n3=100"])
        .await?;
    // One that is made now does not get it at all.
    let after = lab.apply(&by_hand("after").tcp(80)).await?;
    lab.backends_are(&after, &["i-n1=100", "i-n3=100"]).await?;
    remove_node(&lab.stage, 2).await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    lab.stage.end().await;
    Ok(())
}
