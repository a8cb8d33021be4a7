//! Changes of how a Service's backends are chosen, one after the other.

use clb_e2e::{Api, Sketch};
use serde_json::json;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, pods};

on_both_apis!(
    cluster_local_eni_cluster,
    cordon_with_and_without_the_annotation,
    scaling,
    target_port_number_name_number,
);

/// Cluster → Local → ENI → Cluster: the listener always has a group with backends, and nothing of a mode is left after it.
async fn cluster_local_eni_cluster(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let all = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
    lab.slice("web", &all).await?;
    let cluster = by_hand("web").tcp(80);
    let uid = lab.apply(&cluster).await?;
    let nodes = ["i-n1=100", "i-n2=100", "i-n3=100"];
    lab.backends_are(&uid, &nodes).await?;

    lab.apply(&cluster.clone().spec("externalTrafficPolicy", json!("Local")))
        .await?;
    lab.backends_are(&uid, &["i-n1=2", "i-n2=1"]).await?;

    lab.apply(&eni("web").tcp(80)).await?;
    lab.pods_are(&uid, &all, 8080).await?;
    only_one_group_is_left(&lab, &uid).await?;

    lab.apply(&cluster).await?;
    lab.backends_are(&uid, &nodes).await?;
    only_one_group_is_left(&lab, &uid).await?;
    lab.stage.end().await;
    Ok(())
}

async fn only_one_group_is_left(lab: &Lab, uid: &str) -> anyhow::Result<()> {
    lab.stage
        .until("the group of the mode before is gone", async || {
            let load_balancer = clb_e2e::load_balancer_of(&lab.stage, uid);
            Ok(clb_e2e::vgroup_names(&load_balancer).len() == 1)
        })
        .await
}

/// A cordoned node stays a backend, unless the annotation says otherwise.
async fn cordon_with_and_without_the_annotation(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    lab.slice("web", &pods(0..3)).await?;
    let plain = by_hand("web").tcp(80);
    let uid = lab.apply(&plain).await?;
    let all = ["i-n1=100", "i-n2=100", "i-n3=100"];
    lab.backends_are(&uid, &all).await?;
    lab.stage.converged(1).await?;
    let before = lab.now();
    lab.node("n2", &json!({"spec": {"unschedulable": true}})).await?;
    // A Service that is made after it has seen the cordon.
    let removing = by_hand("other")
        .tcp(80)
        .annotated("remove-unscheduled-backend", "on");
    let other = lab.apply(&removing).await?;
    lab.backends_are(&other, &["i-n1=100", "i-n3=100"]).await?;
    lab.backends_are(&uid, &all).await?;
    let id = clb_e2e::load_balancer_of(&lab.stage, &uid)["LoadBalancerId"].clone();
    let touched = lab.calls(before, "").into_iter().filter(|call| {
        call.write && call.parameters.get("LoadBalancerId").map(String::as_str) == id.as_str()
    });
    assert_eq!(
        touched.count(),
        0,
        "nothing is written for a Service without the annotation"
    );

    lab.apply(&plain.clone().annotated("remove-unscheduled-backend", "on"))
        .await?;
    lab.backends_are(&uid, &["i-n1=100", "i-n3=100"]).await?;
    lab.node("n2", &json!({"spec": {"unschedulable": null}})).await?;
    lab.backends_are(&uid, &all).await?;
    lab.backends_are(&other, &all).await?;
    lab.stage.end().await;
    Ok(())
}

/// 1 → 100 → 3 → 0 → 5 pods.
async fn scaling(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let uid = lab.apply(&eni("web").tcp(80)).await?;
    for count in [1, 100, 3, 0, 5] {
        let before = lab.now();
        let present = lab.backends(&uid).map_or(0, |backends| backends.len());
        lab.slice("web", &pods(0..count)).await?;
        lab.pods_are(&uid, &pods(0..count), 8080).await?;
        let count = usize::from(count);
        if present > 0 {
            let added = count.saturating_sub(present).div_ceil(20);
            let removed = present.saturating_sub(count).div_ceil(20);
            assert_eq!(lab.calls(before, "AddVServerGroup").len(), added);
            assert_eq!(lab.calls(before, "RemoveVServerGroup").len(), removed);
        }
    }
    lab.stage.end().await;
    Ok(())
}

/// The target port is a number, a name that pods resolve differently, and a number again.
async fn target_port_number_name_number(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let to = |target: serde_json::Value| -> Sketch {
        let port = json!({"name": "tcp-80", "protocol": "TCP", "port": 80, "targetPort": target});
        eni("web").spec("ports", json!([port]))
    };
    let (old, new) = (pods(0..2), pods(2..4));
    lab.slice_to("web", "1", 8080, &old).await?;
    let uid = lab.apply(&to(json!(8080))).await?;
    lab.pods_are(&uid, &old, 8080).await?;

    lab.slice_to("web", "2", 9090, &new).await?;
    lab.apply(&to(json!("http"))).await?;
    let mut both: Vec<String> = old.iter().map(|pod| pod.backend(8080)).collect();
    both.extend(new.iter().map(|pod| pod.backend(9090)));
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    lab.backends_are(&uid, &both).await?;
    only_one_group_is_left(&lab, &uid).await?;
    let names = clb_e2e::load_balancer_of(&lab.stage, &uid);
    assert_eq!(clb_e2e::vgroup_names(&names), ["k8s/http/web/default/sandbox-1"]);

    lab.slice_to("web", "1", 9090, &old).await?;
    lab.apply(&to(json!(9090))).await?;
    lab.pods_are(&uid, &pods(0..4), 9090).await?;
    only_one_group_is_left(&lab, &uid).await?;
    lab.stage.end().await;
    Ok(())
}
