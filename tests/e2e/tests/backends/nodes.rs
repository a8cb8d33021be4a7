//! Nodes that flap, leave and are deleted: KEP-3458.

use std::time::Duration;

use clb_e2e::{Api, add_node, remove_node};
use k8s_openapi::api::core::v1::Node;
use kube::api::DeleteParams;
use serde_json::json;

use crate::lab::{Lab, by_hand, on_both_apis, pod};

on_both_apis!(
    a_short_flap_changes_nothing,
    a_node_that_stays_not_ready_goes_after_its_grace,
    a_node_that_is_about_to_go_is_removed,
    a_node_that_is_about_to_go_is_drained_where_configured,
    a_flap_where_nothing_checks_the_nodes,
    a_node_that_is_being_deleted,
    the_last_nodes_that_serve_are_not_drained,
    ten_nodes_that_join_together_cost_one_call,
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

/// Nothing but the node's readiness keeps traffic from it where the listener has no health check: it goes at once and comes back with it,
/// whatever the grace time is; a Service whose listener checks is not touched. All nodes at once do not go: the group would be empty.
async fn a_flap_where_nothing_checks_the_nodes(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start_with(api, |options| {
        options.cluster_settings = "node_grace: 1h".to_owned()
    })
    .await?
    else {
        return Ok(());
    };
    let unchecked = by_hand("unchecked")
        .tcp(80)
        .annotated("health-check-switch", "off");
    let (unchecked, checked) = (unchecked, by_hand("checked").tcp(80));
    for service in ["unchecked", "checked"] {
        lab.slice(service, &[pod(0)]).await?;
    }
    let (unchecked, checked) = (lab.apply(&unchecked).await?, lab.apply(&checked).await?);
    for uid in [&unchecked, &checked] {
        lab.backends_are(uid, &ALL).await?;
    }
    lab.stage.converged(2).await?;
    let before = lab.now();
    lab.node_is_ready("n2", false).await?;
    lab.backends_are(&unchecked, &["i-n1=100", "i-n3=100"]).await?;
    lab.node_is_ready("n2", true).await?;
    lab.backends_are(&unchecked, &ALL).await?;

    for node in ["n1", "n2", "n3"] {
        lab.node_is_ready(node, false).await?;
    }
    lab.says("unchecked", "so that it does not become empty").await?;
    let left = lab.backends(&unchecked).unwrap_or_default();
    assert!(!left.is_empty());
    for node in ["n1", "n2", "n3"] {
        lab.node_is_ready(node, true).await?;
    }
    lab.backends_are(&unchecked, &ALL).await?;
    assert_eq!(lab.writes_on(&checked, before), Vec::<String>::new());
    crate::troubles::never_empty(&lab, &unchecked, before, crate::troubles::Trouble::Nothing);
    lab.stage.end().await;
    Ok(())
}

/// A node whose deletion waits for a finalizer is drained or removed as configured, under both policies.
async fn a_node_that_is_being_deleted(api: Api) -> anyhow::Result<()> {
    for drains in [false, true] {
        let settings = format!("drain_leaving_nodes: {drains}");
        let Some(lab) = Lab::start_with(api, |options| options.cluster_settings = settings).await? else {
            return Ok(());
        };
        let local = by_hand("local")
            .tcp(80)
            .spec("externalTrafficPolicy", json!("Local"));
        for service in ["web", "local"] {
            lab.slice(service, &[pod(0).on("n1"), pod(1).on("n2")]).await?;
        }
        let (uid, local) = (
            lab.apply(&by_hand("web").tcp(80)).await?,
            lab.apply(&local).await?,
        );
        lab.backends_are(&uid, &ALL).await?;
        lab.backends_are(&local, &["i-n1=1", "i-n2=1"]).await?;
        lab.node("n2", &json!({"metadata": {"finalizers": ["example.com/hold"]}}))
            .await?;
        let nodes: kube::Api<Node> = kube::Api::all(lab.client.clone());
        nodes.delete("n2", &DeleteParams::default()).await?;
        let (gone, gone_local) = (["i-n1=100", "i-n3=100"], ["i-n1=1"]);
        if drains {
            lab.backends_are(&uid, &["i-n1=100", "i-n2=0", "i-n3=100"])
                .await?;
            lab.backends_are(&local, &["i-n1=1", "i-n2=0"]).await?;
        } else {
            lab.backends_are(&uid, &gone).await?;
            lab.backends_are(&local, &gone_local).await?;
        }
        lab.node("n2", &json!({"metadata": {"finalizers": null}})).await?;
        lab.backends_are(&uid, &gone).await?;
        lab.slice("local", &[pod(0).on("n1")]).await?;
        lab.backends_are(&local, &gone_local).await?;
        lab.stage.end().await;
    }
    Ok(())
}

/// Every node is about to go: weight 0 on all of them would cut off endpoints that are ready. Once another node has joined they are drained.
async fn the_last_nodes_that_serve_are_not_drained(api: Api) -> anyhow::Result<()> {
    let drained = |options: &mut clb_sandbox::world::Options| {
        options.cluster_settings = "drain_leaving_nodes: true".to_owned();
    };
    let Some(lab) = Lab::start_with(api, drained).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0)]).await?;
    let uid = lab.apply(&by_hand("web").tcp(80)).await?;
    lab.backends_are(&uid, &ALL).await?;
    let before = lab.now();
    lab.node("n1", &leaving("NoSchedule")).await?;
    lab.backends_are(&uid, &["i-n1=0", "i-n2=100", "i-n3=100"])
        .await?;
    for node in ["n2", "n3"] {
        lab.node(node, &leaving("NoSchedule")).await?;
    }
    lab.says("web", "so that it does not become empty").await?;
    add_node(&lab.stage, 4).await?;
    lab.backends_are(&uid, &["i-n1=0", "i-n2=0", "i-n3=0", "i-n4=100"])
        .await?;
    crate::troubles::never_empty(&lab, &uid, before, crate::troubles::Trouble::Nothing);
    lab.stage.end().await;
    Ok(())
}

/// Ten nodes at once: one call for each group.
async fn ten_nodes_that_join_together_cost_one_call(api: Api) -> anyhow::Result<()> {
    let Some(mut lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let mut uids = Vec::new();
    for name in ["web", "shop", "mail"] {
        lab.slice(name, &[pod(0)]).await?;
        uids.push(lab.apply(&by_hand(name).tcp(80)).await?);
    }
    for uid in &uids {
        lab.backends_are(uid, &ALL).await?;
    }
    lab.stage.converged(3).await?;
    // Longer than a busy machine stalls between two of them: a pause would be taken for the last.
    let services = &mut lab.stage.world.services;
    services.change_watcher(0, |settings| {
        settings.debounce.nodes_joining_quiet = Duration::from_secs(8);
        settings.debounce.nodes_joining_max = Duration::from_secs(60);
    });
    services.restart().await?;
    lab.stage.converged(3).await?;
    let before = lab.now();
    for number in 4..14 {
        add_node(&lab.stage, number).await?;
    }
    for uid in &uids {
        lab.has_backends(uid, 13).await?;
        assert_eq!(lab.writes_on(uid, before), ["AddVServerGroupBackendServers"]);
    }
    lab.stage.end().await;
    Ok(())
}
