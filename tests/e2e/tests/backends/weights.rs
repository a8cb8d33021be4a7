//! What backends weigh in a group of the user's, and where weights are to stay as they are.

use clb_e2e::{Api, Sketch};
use serde_json::json;

use crate::lab::{Lab, by_hand, eni, on_both_apis, pod, written};

on_both_apis!(
    one_weight_is_shared_out_in_each_mode,
    no_weight_of_a_backend_that_is_there_is_changed,
);

const USERS: &str = "i-mine=50";

/// Waits until the user's group holds these besides the user's own backend.
async fn shares_are(lab: &Lab, wanted: &[&str]) -> anyhow::Result<()> {
    let mut wanted = [wanted, &[USERS]].concat();
    wanted.sort_unstable();
    let held = || {
        let load_balancer = lab.account.load_balancer("lb-reuse-04").unwrap_or_default();
        written(&load_balancer["vgroups"]["users-04"])
    };
    let what = format!("the group holds {wanted:?}");
    let reached = lab.stage.until(&what, async || Ok(held() == wanted)).await;
    reached.map_err(|error| error.context(format!("it holds {:?}", held())))
}

/// Cluster and ENI: an equal part each, at least 1. Local: a part by pods, at least 1. 0 is 0 everywhere.
async fn one_weight_is_shared_out_in_each_mode(api: Api) -> anyhow::Result<()> {
    let Some(lab) = Lab::start(api).await? else {
        return Ok(());
    };
    let all = [pod(0).on("n1"), pod(1).on("n1"), pod(2).on("n2")];
    lab.slice("web", &all).await?;
    let weighing = |sketch: Sketch, weight: &str| {
        sketch
            .tcp(80)
            .annotated("id", "lb-reuse-04")
            .annotated("vgroup-port", "rsp-user-04:80")
            .annotated("weight", weight)
    };
    let local = by_hand("web").spec("externalTrafficPolicy", json!("Local"));
    let pod_at = |number: u16, weight: u8| format!("{}:8080={weight}", pod(number).address);
    for (sketch, of_50, of_2, of_0) in [
        (
            by_hand("web"),
            ["i-n1=16", "i-n2=16", "i-n3=16"].map(str::to_owned).to_vec(),
            ["i-n1=1", "i-n2=1", "i-n3=1"].map(str::to_owned).to_vec(),
            ["i-n1=0", "i-n2=0", "i-n3=0"].map(str::to_owned).to_vec(),
        ),
        (
            local,
            ["i-n1=33", "i-n2=16"].map(str::to_owned).to_vec(),
            ["i-n1=1", "i-n2=1"].map(str::to_owned).to_vec(),
            ["i-n1=0", "i-n2=0"].map(str::to_owned).to_vec(),
        ),
        (
            eni("web"),
            [0, 1, 2].map(|number| pod_at(number, 16)).to_vec(),
            [0, 1, 2].map(|number| pod_at(number, 1)).to_vec(),
            [0, 1, 2].map(|number| pod_at(number, 0)).to_vec(),
        ),
    ] {
        for (weight, wanted) in [("50", of_50), ("2", of_2), ("0", of_0)] {
            lab.apply(&weighing(sketch.clone(), weight)).await?;
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            shares_are(&lab, &wanted).await?;
        }
    }
    lab.stage.end().await;
    Ok(())
}

/// `ignore-weight-update`: pods that move change no weight, a node that comes gets the weight that it should have, and one that is about to
/// go is not drained.
async fn no_weight_of_a_backend_that_is_there_is_changed(api: Api) -> anyhow::Result<()> {
    let drained = |options: &mut clb_sandbox::world::Options| {
        options.cluster_settings = "drain_leaving_nodes: true".to_owned();
    };
    let Some(lab) = Lab::start_with(api, drained).await? else {
        return Ok(());
    };
    lab.slice("web", &[pod(0).on("n1"), pod(1).on("n2")]).await?;
    let web = by_hand("web")
        .tcp(80)
        .spec("externalTrafficPolicy", json!("Local"))
        .annotated("ignore-weight-update", "on");
    let uid = lab.apply(&web).await?;
    lab.backends_are(&uid, &["i-n1=1", "i-n2=1"]).await?;
    let before = lab.now();
    let pods = [1, 1, 1, 2, 3, 3].map(|node: u16| format!("n{node}"));
    let pods: Vec<_> = (0..)
        .zip(pods)
        .map(|(number, node)| pod(number).on(&node))
        .collect();
    lab.slice("web", &pods).await?;
    lab.backends_are(&uid, &["i-n1=1", "i-n2=1", "i-n3=2"]).await?;

    let plain = lab.apply(&by_hand("plain").tcp(80)).await?;
    lab.backends_are(&plain, &["i-n1=100", "i-n2=100", "i-n3=100"])
        .await?;
    let leaving =
        json!({"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}});
    lab.node("n2", &leaving).await?;
    // It goes through once the Service that minds its weights is drained.
    lab.backends_are(&plain, &["i-n1=100", "i-n2=0", "i-n3=100"])
        .await?;
    lab.stage.converged(2).await?;
    lab.backends_are(&uid, &["i-n1=1", "i-n2=1", "i-n3=2"]).await?;
    let group = clb_e2e::load_balancer_of(&lab.stage, &uid)["vgroups"].to_string();
    let weighed = lab
        .calls(before, "SetVServerGroupAttribute")
        .into_iter()
        .filter(|call| {
            let id = call.parameters.get("VServerGroupId");
            id.is_some_and(|id| group.contains(id.as_str()))
        });
    assert_eq!(weighed.count(), 0);
    lab.stage.end().await;
    Ok(())
}
