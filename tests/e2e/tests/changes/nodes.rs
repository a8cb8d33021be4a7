//! Nodes and endpoints behind a Service.

use clb_e2e::{
    Api, Sketch, Stage, add_node, assert_settled, backend_instances, load_balancer_of, remove_node, uid_of,
};
use cloud_sim::Call;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Patch, PatchParams};
use serde_json::json;

/// A node that joins becomes a backend of every Service, one that leaves stops being one.
async fn nodes_join_and_leave(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let mut uids = Vec::new();
    for name in ["web", "shop"] {
        uids.push(uid_of(&Sketch::new(name).tcp(80).apply(&client).await?));
    }
    stage.converged(2).await?;
    let backends_are = async |wanted: &[&str]| {
        stage
            .until(&format!("the backends are {wanted:?}"), async || {
                Ok(uids
                    .iter()
                    .all(|uid| backend_instances(&load_balancer_of(&stage, uid)) == wanted))
            })
            .await
    };
    backends_are(&["i-n1", "i-n2", "i-n3"]).await?;

    assert_eq!(add_node(&stage, 4).await?, "i-n4");
    backends_are(&["i-n1", "i-n2", "i-n3", "i-n4"]).await?;
    remove_node(&stage, 1).await?;
    backends_are(&["i-n2", "i-n3", "i-n4"]).await?;
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_join_and_leave_on_kube_sim() -> anyhow::Result<()> {
    nodes_join_and_leave(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_join_and_leave_on_a_real_api() -> anyhow::Result<()> {
    nodes_join_and_leave(Api::Real).await
}

/// Under Cluster policy with ECS backends no change of endpoints is a write: the nodes forward to whatever pods there are.
async fn endpoints_do_not_matter(api: Api) -> anyhow::Result<()> {
    let Some(mut stage) = Stage::start(api).await? else {
        return Ok(());
    };
    let client = stage.world.clusters[0].client.clone();
    let uid = uid_of(&Sketch::new("web").tcp(80).apply(&client).await?);
    stage.converged(1).await?;
    let before = load_balancer_of(&stage, &uid);
    let writes = |calls: Vec<Call>| {
        calls
            .into_iter()
            .filter(|call| {
                call.write
                    && call.parameters.get("LoadBalancerId").map(String::as_str)
                        == before["LoadBalancerId"].as_str()
            })
            .count()
    };
    let made = writes(stage.world.cloud.cloud().calls());

    let slices: kube::Api<EndpointSlice> = kube::Api::namespaced(client.clone(), "default");
    let gone = json!({"endpoints": []});
    slices
        .patch("web-lab", &PatchParams::default(), &Patch::Merge(gone))
        .await?;
    // The change has gone through the whole chain once one that came after it has.
    Sketch::new("after").tcp(80).apply(&client).await?;
    stage.converged(2).await?;
    assert_eq!(
        writes(stage.world.cloud.cloud().calls()),
        made,
        "writes for the Service whose endpoints changed"
    );
    assert_eq!(load_balancer_of(&stage, &uid), before);
    assert_settled(&mut stage).await?;
    stage.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_do_not_matter_on_kube_sim() -> anyhow::Result<()> {
    endpoints_do_not_matter(Api::Simulated).await
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_do_not_matter_on_a_real_api() -> anyhow::Result<()> {
    endpoints_do_not_matter(Api::Real).await
}
